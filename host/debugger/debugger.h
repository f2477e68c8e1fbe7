/* SPDX-License-Identifier: MIT */
/*
 * The debugger: WinDbg's commands over a TARGET. DEBUGGER holds what a command may need; its parts:
 *
 *   target.h, kd_link.c, kd_target.c, dump_target.c   what is debugged
 *   debugger.c            start, the prompt's loop, events, how it ends
 *   command.c             the table of commands, splitting and running a line
 *   expression.c          numbers and expressions
 *   debug_symbols.c, debug_types.c   modules, PDBs, types
 *   command_*.c           the commands, by subject
 *
 * Output goes to the standard output, is the same for the same target (no addresses of ours, no
 * times), and everything that came from the target is cleaned before it is printed.
 */
#pragma once

#include <stdio.h>

#include "host/debugger/target.h"

typedef struct DEBUGGER DEBUGGER;

typedef struct {
    const char *Name; /* "bp", ".pagein", "!pte" */
    /* Arguments: what follows the name, without leading blanks; never NULL. False: it failed, and
       has said so by DebuggerError. */
    bool (*Run)(DEBUGGER *Debugger, const char *Arguments);
    const char *Synopsis; /* ".pagein [/p Process] [/f] Address" */
    const char *Help;     /* one sentence */
    bool LiveOnly;        /* refused on a dump */
} DEBUGGER_COMMAND;

/* Each command_*.c ends with its table; command_table.c lists them. A NULL Name ends one. */
extern const DEBUGGER_COMMAND CommandsExecution[], CommandsBreakpoint[], CommandsRegister[],
    CommandsProcess[], CommandsMemory[], CommandsEdit[], CommandsType[],
    CommandsDisassembly[], CommandsStack[], CommandsSymbol[],
    CommandsExpression[], CommandsPaging[], CommandsPage[], CommandsPageable[],
    CommandsVirtualMemory[], CommandsObject[], CommandsDriver[], CommandsThread[],
    CommandsSystem[], CommandsPool[], CommandsAnalyze[], CommandsDump[];

typedef struct {
    char Name[64];         /* as commands name it: "nt", "notepad" */
    char ImageName[64];    /* "ntoskrnl.exe" */
    uint64_t Base;
    uint64_t Size;         /* bytes */
    uint32_t CheckSum, TimeDateStamp;
    char ImagePath[1024];  /* the file in our file system, "": not found */
    char PdbPath[1024];    /* "": not found */
    uint8_t PdbGuid[16];   /* of the RSDS record read from the target or the image */
    uint32_t PdbAge;
    bool SymbolsLoaded, SymbolsTried;
    void *Private;         /* debug_symbols.c's */
} DEBUG_MODULE;

#define DEBUGGER_MAX_MODULES 256u

/* A request to the target's worker, and how the page was when it was made. */
typedef struct {
    unsigned Kind; /* PAGE_IN_KIND */
    uint64_t Address, Size, Process;
    bool SetsProcess;
    unsigned FormBefore; /* PAGE_FORM */
    uint32_t Slot;       /* of the paging file, in that form */
} DEBUG_PAGE_IN;

struct DEBUGGER {
    TARGET *Target;
    DEBUG_MODULE Modules[DEBUGGER_MAX_MODULES];
    unsigned ModuleCount;
    char SymbolPath[4096];   /* directories, separated by ; or : */
    uint64_t DebuggerData;   /* address of the KDDEBUGGER_DATA64, 0: not known */

    CONTEXT Context;         /* of the stop, or as .thread, .frame set it */
    bool HasContext, ContextIsOfStop;
    uint64_t ImplicitProcess; /* EPROCESS, 0: the current one; .process */
    uint64_t ImplicitThread;  /* ETHREAD, 0: the current one; .thread */
    uint64_t UserDirectory;   /* .context: for user addresses; 0: the process's own */
    unsigned RegisterMask;    /* rm */
    unsigned Radix;           /* of numbers without a prefix: 8, 10 or 16 */
    uint64_t Temporary[20];   /* @$t0 .. @$t19 */
    bool PageInPending;       /* .pagein or .process /i was scheduled and has not come back */
    DEBUG_PAGE_IN PageIn;     /* what was scheduled; page_in.h */

    bool Quit;
    bool Detach;              /* qd: what runs the machine lets it go on without us */
    bool Failed;              /* a command did; the exit code follows */
    bool Terminal;            /* a user types; Ctrl-C leaves the line open */
    bool Color;               /* the output is a terminal and NO_COLOR is not set */
    int Interrupt;            /* readable after Ctrl-C; -1: none */
    FILE *Output;             /* the standard output, but for tests */
    /* A line from the user for the target's own prompt; NULL: there is no user. */
    void (*Ask)(DEBUGGER *Debugger, char *Line, size_t Capacity);
    void *Execution;          /* execution.h */
};

/* debugger.c */
/* Takes the target over; it stays the caller's to close. False: memory. */
bool DebuggerInitialize(DEBUGGER *Debugger, TARGET *Target, FILE *Output);
void DebuggerFree(DEBUGGER *Debugger);
__attribute__((format(printf, 2, 3)))
void DebuggerPrint(DEBUGGER *Debugger, const char *Format, ...);
/* Prints the text and a newline; returns false, for `return DebuggerError(...)`. */
__attribute__((format(printf, 2, 3)))
bool DebuggerError(DEBUGGER *Debugger, const char *Format, ...);
/* "fffff880`01234000" */
#define DEBUG_ADDRESS_SIZE 18
const char *DebugAddressText(uint64_t Address, char Out[DEBUG_ADDRESS_SIZE]);
/* True after Ctrl-C, once: what is long asks it and ends. */
bool DebuggerInterrupted(DEBUGGER *Debugger);
/* Runs a line of commands separated by ';'. False: one failed. */
bool DebuggerRunLine(DEBUGGER *Debugger, const char *Line);

/* command.c: the next word of the arguments (up to a blank or a comma), *Text left after it and
   the blanks. False: there is none, or it is longer than Capacity. */
bool CommandWord(const char **Text, char *Word, size_t Capacity);
/* Refuses what is left of the arguments. */
bool CommandEnd(DEBUGGER *Debugger, const char *Rest);
extern const DEBUGGER_COMMAND *const CommandTables[]; /* NULL ends them */
typedef bool COMMAND_EACH(void *Context, const DEBUGGER_COMMAND *Command);
bool CommandEach(COMMAND_EACH *Each, void *Context);

/* page_in.c: called at each stop, before the user is asked. It knows the end of a .pagein
   or .process /i and says what has become of it. */
void PageInOnStop(DEBUGGER *Debugger);

/* command_disassembly.c: one instruction in the layout of `u`, without a newline: address, bytes,
   mnemonic, operands. *Length: its bytes; 0 when it cannot be read, and then Out says so. */
void DebugInstructionText(DEBUGGER *Debugger, uint64_t Address, char *Out, size_t Capacity,
                          unsigned *Length);

/* expression.c: WinDbg's MASM rules. Reads from *Text, leaves it after the expression; an
   expression ends at a blank outside of brackets, a comma or the end. */
bool ExpressionEvaluate(DEBUGGER *Debugger, const char **Text, uint64_t *Value);
/* The whole of Text must be one expression; blanks around it do not matter. */
bool ExpressionEvaluateAll(DEBUGGER *Debugger, const char *Text, uint64_t *Value);
/* The same, and an error is not printed. */
bool ExpressionTry(DEBUGGER *Debugger, const char *Text, uint64_t *Value);
/* Address, and a range as d* and u take it: "L10", "L?10", an end address, or nothing. */
typedef struct {
    uint64_t Address;
    uint64_t Count; /* objects of ObjectSize, or Default when none was given */
} DEBUG_RANGE;
bool ExpressionRange(DEBUGGER *Debugger, const char **Text, unsigned ObjectSize, uint64_t Default,
                     DEBUG_RANGE *Range);

/* debug_register.c: "rax", "al", "cr3", "$ip", "$t0", without the @; of Context and of the
   processor that stopped. False: no such register, or it cannot be read or written; nothing is
   printed. */
bool RegisterRead(DEBUGGER *Debugger, const char *Name, size_t Length, uint64_t *Value);
bool RegisterWrite(DEBUGGER *Debugger, const char *Name, size_t Length, uint64_t Value);
/* How many hexadecimal digits a register's value has; 16 for what is not known. */
unsigned RegisterDigits(const char *Name, size_t Length);
/* The EPROCESS and the thread that commands mean: .process, .thread, or the current ones. */
bool DebugCurrentProcess(DEBUGGER *Debugger, uint64_t *Process);
bool DebugCurrentThread(DEBUGGER *Debugger, uint64_t *Thread);

/* debug_memory.c: virtual memory as the commands see it: kernel addresses and the current process
   through the target, user addresses of another implicit process through its own page tables;
   breakpoints of ours are masked out. Error text says "paged out (slot ...)" where that is so. */
bool DebugRead(DEBUGGER *Debugger, uint64_t Address, void *Out, size_t Size);
/* Up to the first byte that cannot be read; returns how many. */
size_t DebugReadSome(DEBUGGER *Debugger, uint64_t Address, void *Out, size_t Size);
bool DebugWrite(DEBUGGER *Debugger, uint64_t Address, const void *In, size_t Size);
bool DebugRead64(DEBUGGER *Debugger, uint64_t Address, uint64_t *Value);
bool DebugRead32(DEBUGGER *Debugger, uint64_t Address, uint32_t *Value);
bool DebugReadSized(DEBUGGER *Debugger, uint64_t Address, unsigned Size, uint64_t *Value);

/* debug_symbols.c */
/* Reads PsLoadedModuleList anew and finds images and PDBs in SymbolPath. */
bool DebugReload(DEBUGGER *Debugger);
DEBUG_MODULE *DebugFindModule(DEBUGGER *Debugger, uint64_t Address);
/* Adds the program of a process, in the place of the one that was there. NULL: too many modules. */
DEBUG_MODULE *DebugSetUserModule(DEBUGGER *Debugger, const DEBUG_MODULE *Module);
/* user_module.c: the current process's program, when Address is in it; NULL: it is not, or it
   cannot be read. */
DEBUG_MODULE *DebugFindUserModule(DEBUGGER *Debugger, uint64_t Address);
DEBUG_MODULE *DebugFindModuleByName(DEBUGGER *Debugger, const char *Name, size_t Length);
/* "nt!Name", or "Name" looked for in all modules. */
bool DebugSymbolAddress(DEBUGGER *Debugger, const char *Name, size_t Length, uint64_t *Address);
typedef struct {
    char Text[320];        /* module!name, or module, or "" */
    uint64_t Displacement; /* bytes from there */
} DEBUG_NAME;
/* The last name at or before Address. False: no module there. */
bool DebugSymbolNear(DEBUGGER *Debugger, uint64_t Address, DEBUG_NAME *Name);
/* "module!name+0x12", or the bare address; at most Capacity. */
void DebugSymbolText(DEBUGGER *Debugger, uint64_t Address, char *Out, size_t Capacity);
/* "file.c @ 12" parts. False: no line is known. IsReturn: the call before Address is meant. */
bool DebugSymbolLine(DEBUGGER *Debugger, uint64_t Address, bool IsReturn, char *File,
                     size_t Capacity, unsigned *Line);
/* Calls Each for every name of a module that Pattern (with * and ?) matches, by address. */
typedef bool DEBUG_EACH_SYMBOL(void *Context, DEBUG_MODULE *Module, const char *Name,
                               uint64_t Address);
bool DebugEachSymbol(DEBUGGER *Debugger, const char *Pattern, DEBUG_EACH_SYMBOL *Each,
                     void *Context);
void DebugFreeSymbols(DEBUGGER *Debugger);

/* debug_types.c: from the PDB's type stream, by llvm-pdbutil. "nt!_KTHREAD", "ApcState.Process". */
bool DebugTypeSize(DEBUGGER *Debugger, const char *Type, uint64_t *Size);
bool DebugFieldOffset(DEBUGGER *Debugger, const char *Type, const char *Field, uint64_t *Offset,
                      uint64_t *Size);
/* Reads a field of up to 8 bytes of the structure at Address; zero-extended. */
bool DebugReadField(DEBUGGER *Debugger, uint64_t Address, const char *Type, const char *Field,
                    uint64_t *Value);
/* The same of a structure that has been read: its first Size bytes. */
bool DebugFieldValue(DEBUGGER *Debugger, const void *Bytes, size_t Size, const char *Type,
                     const char *Field, uint64_t *Value);

/* debug_unwind.c: one step from Context to its caller's, by .pdata of the image; crosses trap
   frames. False: the stack ends, or cannot be read. */
bool DebugUnwind(DEBUGGER *Debugger, CONTEXT *Context);
