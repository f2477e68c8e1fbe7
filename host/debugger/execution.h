/* SPDX-License-Identifier: MIT */
/*
 * Letting the target run. What makes it stop falls into stops for the user and stops that the
 * debugger takes for itself:
 *
 *   of the debugger                          goes on
 *     a module came or went                  yes, but one that sxe ld asked for
 *     the single step off a breakpoint       yes, with the breakpoint in
 *     a temporary breakpoint, wrong thread   yes
 *     a breakpoint with passes left          yes
 *     a breakpoint whose commands end in g   yes
 *   everything else is the user's
 */
#pragma once

#include "host/debugger/breakpoint.h"

typedef enum {
    StopOther,      /* an exception, a break-in, the end of a step */
    StopBreakpoint, /* the user's; Number says which */
    StopTemporary,  /* of p, gu or g with an address */
    StopStep,
    StopModule,     /* a load that was asked for */
    StopNone,       /* it is running, or gone */
} STOP;

typedef struct {
    BREAKPOINTS Breakpoints;
    STOP Stop;
    int Number;
    bool Fresh;           /* a breakpoint at Rip is still to be hit, not stepped off */
    bool Silent;          /* the ends of steps are not shown: pc looks at each instruction */
    bool InCommands;      /* a breakpoint's commands run; g only asks */
    bool GoAsked;
    bool Gone;            /* the line to the target is closed */
    bool IgnoresBreak;    /* the next break that is not ours is passed over */
    bool Quiet;           /* module loads are not shown */
    bool LineIsOpen;      /* what the target printed last does not end in a newline */
    bool ModulesAreOld;   /* the list is read at the next stop */
    bool StopAtLoad;      /* sxe ld; LoadName "" is any */
    char LoadName[64];
} EXECUTION;

EXECUTION *ExecutionOf(DEBUGGER *Debugger);

/*
 * Lets the target run until a stop for the user, which has then been printed. Trace: one
 * instruction. False: the target is gone or could not be resumed; it has been said.
 */
bool ExecutionGo(DEBUGGER *Debugger, int32_t Status, bool Trace);
/* The first stop has come, or what came where none was awaited: takes it as ExecutionGo does. */
bool ExecutionTakeStop(DEBUGGER *Debugger);
/* A dump: modules and context are read, and where it stands is printed. */
bool ExecutionOpenDump(DEBUGGER *Debugger);
/* After a request that lets the target run or begin anew: until the next stop for the user. */
bool ExecutionFollow(DEBUGGER *Debugger);
/* At a CC of the program's own: moves Rip past it. False: there is none. */
bool ExecutionSkipBreak(DEBUGGER *Debugger);
/* Looks whether something came while the target should stand; false when it is gone. */
bool ExecutionPoll(DEBUGGER *Debugger);
/* Takes everything out of the target and lets it run, for good. */
bool ExecutionDetach(DEBUGGER *Debugger);
/* Context of the stop, at its processor. */
bool ExecutionTakeContext(DEBUGGER *Debugger);

/* stop_report.c: why it stopped, then where. */
void StopReport(DEBUGGER *Debugger);
/* "module!name+0x12 [file @ line]:" and the instruction. */
void StopReportPosition(DEBUGGER *Debugger);
void StopReportModule(DEBUGGER *Debugger);

/* debug_instruction.c: what p, gu and pc must know of the instruction at Address. */
typedef struct {
    unsigned Length; /* 0: it cannot be read or is none */
    bool IsCall, IsReturn;
    bool StepsOver;  /* p does not go into it: calls, and what repeats */
} DEBUG_INSTRUCTION;
bool DebugInstruction(DEBUGGER *Debugger, uint64_t Address, DEBUG_INSTRUCTION *Instruction);
