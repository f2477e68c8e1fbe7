/* SPDX-License-Identifier: MIT */
/*
 * What the debugger looks at: a machine at the other end of a KD line, or a crash dump. The
 * commands know only this. Reading never changes the machine and never makes it fault: what is not
 * resident is not read.
 *
 * Every operation returns false when it could not be done, with the reason in Error; the state of
 * the target is then as before. One that a kind of target has not (Continue on a dump) is NULL and
 * TargetCan() tells.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nt/se.h"
#include "wire/kd.h"

typedef enum {
    TargetLive,
    TargetDump,
} TARGET_KIND;

typedef enum {
    TargetEventStopped,  /* State holds the state change; the target waits for us */
    TargetEventPrint,    /* Text holds what the target printed */
    TargetEventPrompt,   /* the target asks; Text is the prompt; TargetAnswer is due */
    TargetEventReset,    /* the target began anew: all that was known of it is old */
    TargetEventNothing,  /* the time is over, or the user interrupted */
    TargetEventGone,     /* the line is closed, or the machine ended; Error says how */
} TARGET_EVENT;

typedef struct TARGET TARGET;

typedef struct {
    /* Bytes done may be fewer than asked, also with true, but then at least 1. */
    bool (*ReadVirtual)(TARGET *Target, uint64_t Address, void *Out, size_t Size, size_t *Done);
    bool (*WriteVirtual)(TARGET *Target, uint64_t Address, const void *In, size_t Size,
                         size_t *Done);
    bool (*ReadPhysical)(TARGET *Target, uint64_t Address, void *Out, size_t Size, size_t *Done);
    bool (*WritePhysical)(TARGET *Target, uint64_t Address, const void *In, size_t Size,
                          size_t *Done);
    bool (*GetContext)(TARGET *Target, CONTEXT *Context); /* of State.Processor */
    bool (*SetContext)(TARGET *Target, const CONTEXT *Context);
    bool (*GetSpecial)(TARGET *Target, KSPECIAL_REGISTERS *Special);
    bool (*SetSpecial)(TARGET *Target, const KSPECIAL_REGISTERS *Special);
    bool (*ReadControl)(TARGET *Target, uint64_t Selector, uint64_t *Value); /* PCR, PRCB, thread */
    bool (*ReadMsr)(TARGET *Target, uint32_t Register, uint64_t *Value);
    bool (*WriteMsr)(TARGET *Target, uint32_t Register, uint64_t Value);
    bool (*ReadIo)(TARGET *Target, uint64_t Port, uint32_t Size, uint32_t *Value);
    bool (*WriteIo)(TARGET *Target, uint64_t Port, uint32_t Size, uint32_t Value);
    /* *Owed: the page is out; the target sets the breakpoint when it comes in. */
    bool (*SetBreakpoint)(TARGET *Target, uint64_t Address, uint32_t *Handle, bool *Owed);
    bool (*ClearBreakpoint)(TARGET *Target, uint32_t Handle);
    bool (*Continue)(TARGET *Target, int32_t Status, bool Trace, uint64_t Dr7);
    bool (*SwitchProcessor)(TARGET *Target, unsigned Processor);
    bool (*BreakIn)(TARGET *Target);
    bool (*Reboot)(TARGET *Target);
    bool (*CauseBugCheck)(TARGET *Target);
    bool (*Answer)(TARGET *Target, const char *Text);
    /* Milliseconds < 0: until something happens. Interrupt (may be -1): a descriptor that ends the
       wait when it gets readable. */
    TARGET_EVENT (*Wait)(TARGET *Target, int Milliseconds, int Interrupt);
    void (*Close)(TARGET *Target);
} TARGET_OPERATIONS;

struct TARGET {
    const TARGET_OPERATIONS *Operations;
    TARGET_KIND Kind;
    DBGKD_GET_VERSION64 Version; /* of the kernel, known once it has stopped */
    bool Stopped;                /* State is of now */
    DBGKD_ANY_WAIT_STATE_CHANGE State;
    char Path[1024];             /* of the module, when State tells of one */
    char Text[KD_MAX_PAYLOAD + 1]; /* not trusted: printed through TextClean only */
    size_t TextLength;
    char Error[256];
    void *Private;               /* the kind's own */
};

#define TargetCan(Target, Operation) ((Target)->Operations->Operation != NULL)

/* kd_target.c: over a connected socket, which it then owns; nothing is sent yet. */
bool TargetOpenKd(TARGET *Target, int Socket, char *Error, size_t ErrorSize);
/* Until the target has stopped for us, with its version known. BreakIn: ask it to; false: it stops
   by itself, as when it waits for a debugger at boot. TargetEventStopped, ...Nothing, ...Gone. */
TARGET_EVENT TargetAttachKd(TARGET *Target, bool BreakIn, int Milliseconds, int Interrupt);
/* dump_target.c: a file in the PAGEDU64 format. */
bool TargetOpenDump(TARGET *Target, const char *Path, char *Error, size_t ErrorSize);
/*
 * The memory of a machine that has ended, or stands still, as if a dump of it: Memory, which is
 * taken over, the CR3 of its system process, the address of its KDDEBUGGER_DATA64.
 */
struct PHYSICAL_FILE;
bool TargetOpenMemory(TARGET *Target, struct PHYSICAL_FILE *Memory, uint64_t DirectoryTableBase,
                      uint64_t DebuggerData, char *Error, size_t ErrorSize);

/* target.c: all Size bytes or false; by pieces, Error names the first address not readable. */
bool TargetRead(TARGET *Target, uint64_t Address, void *Out, size_t Size);
bool TargetWrite(TARGET *Target, uint64_t Address, const void *In, size_t Size);
bool TargetRead64(TARGET *Target, uint64_t Address, uint64_t *Value);
bool TargetRead32(TARGET *Target, uint64_t Address, uint32_t *Value);
