/* SPDX-License-Identifier: MIT */
/* .pagein, .kill. (.process /i is in command_process.c; all three go through page_in.h.) */
#include "host/debugger/debugger.h"

#include <string.h>

#include "host/debugger/page_in.h"
#include "host/debugger/structure.h"

#define BUILD_VISTA 6000u /* from here on kernel addresses may be paged in */
#define MAX_THREADS 65536u

typedef struct {
    uint64_t Process;
    bool HasProcess; /* /p */
    bool Force;      /* /f */
    uint64_t Address;
} PAGEIN_ARGUMENTS;

static bool ParseOption(DEBUGGER *Debugger, const char **Text, PAGEIN_ARGUMENTS *Parsed)
{
    char Option[16];
    if (!CommandWord(Text, Option, sizeof(Option))) {
        return DebuggerError(Debugger, ".pagein: an option is /p Process or /f");
    }
    if (strcmp(Option + 1, "f") == 0) {
        Parsed->Force = true;
        return true;
    }
    if (strcmp(Option + 1, "p") != 0) {
        return DebuggerError(Debugger, ".pagein: unknown option %s; there are /p Process and /f",
                             Option);
    }
    if (**Text == 0) {
        return DebuggerError(Debugger, ".pagein: /p needs the address of a process");
    }
    Parsed->HasProcess = true;
    return ExpressionEvaluate(Debugger, Text, &Parsed->Process);
}

static bool Parse(DEBUGGER *Debugger, const char *Text, PAGEIN_ARGUMENTS *Parsed)
{
    *Parsed = (PAGEIN_ARGUMENTS){0};
    while (*Text == '/' || *Text == '-') {
        if (!ParseOption(Debugger, &Text, Parsed)) {
            return false;
        }
        Text += strspn(Text, " \t,");
    }
    if (*Text == 0) {
        return DebuggerError(Debugger, ".pagein needs an address: .pagein [/p Process] [/f] "
                             "Address");
    }
    if (!ExpressionEvaluate(Debugger, &Text, &Parsed->Address)) {
        return false;
    }
    if (Text[strspn(Text, " \t,")] != 0) {
        return DebuggerError(Debugger, ".pagein takes one address, and options come before it");
    }
    return true;
}

/* True: Address is in a kernel stack of a thread of any process. Says nothing. */
static bool IsInKernelStack(DEBUGGER *Debugger, uint64_t Address)
{
    uint64_t Head, ProcessLink, ThreadHead, ThreadLink;
    if (!VariableAddress(Debugger, "nt!PsActiveProcessHead", &Head) ||
        !StructureOffset(Debugger, "nt!_EPROCESS", "ActiveProcessLinks", &ProcessLink) ||
        !StructureOffset(Debugger, "nt!_EPROCESS", "ThreadListHead", &ThreadHead) ||
        !StructureOffset(Debugger, "nt!_ETHREAD", "ThreadListEntry", &ThreadLink)) {
        return false;
    }
    LIST_WALK Processes = ListBegin(Debugger, Head);
    while (ListNext(&Processes)) {
        LIST_WALK Threads = ListBegin(Debugger, Processes.Entry - ProcessLink + ThreadHead);
        while (ListNext(&Threads)) {
            uint64_t Low, High;
            if (!STRUCTURE_READ(Debugger, Threads.Entry - ThreadLink, "nt!_KTHREAD",
                                {"StackLimit", &Low}, {"StackBase", &High})) {
                return false;
            }
            if (Address >= Low && Address < High) {
                return true;
            }
        }
    }
    return false;
}

/* What XP and Server 2003 allow. */
static bool CheckVersion(DEBUGGER *Debugger, const PAGEIN_ARGUMENTS *Parsed)
{
    unsigned Build = Debugger->Target->Version.MinorVersion;
    char Text[DEBUG_ADDRESS_SIZE];
    if (Build >= BUILD_VISTA || Parsed->Address >> 63 == 0) {
        return true;
    }
    DebugAddressText(Parsed->Address, Text);
    if (!Parsed->Force) {
        return DebuggerError(Debugger, "%s is a kernel address. A target of build %u (Windows XP, "
                             "Server 2003) pages in user-mode addresses only; .pagein /f tries it "
                             "all the same.", Text, Build);
    }
    if (IsInKernelStack(Debugger, Parsed->Address)) {
        DebuggerPrint(Debugger, "WARNING: %s is in a kernel stack; on build %u this may end in a "
                      "bug check.\n", Text, Build);
    }
    return true;
}

/*
 * .pagein [/p Process] [/f] Address: only schedules. Process omitted or 0 is the current process
 * setting.
 */
static bool PageInCommand(DEBUGGER *Debugger, const char *Arguments)
{
    PAGEIN_ARGUMENTS Parsed;
    char Text[DEBUG_ADDRESS_SIZE], Process[DEBUG_ADDRESS_SIZE];
    bool Listed;
    if (Debugger->Target->Kind != TargetLive) {
        return DebuggerError(Debugger, ".pagein needs a live target: a crash dump holds only what "
                             "was in memory.");
    }
    if (!Parse(Debugger, Arguments, &Parsed) || !CheckVersion(Debugger, &Parsed)) {
        return false;
    }
    PAGE_IN_REQUEST Request = {.Kind = PageInPage, .Address = Parsed.Address,
                               .Process = Parsed.Process, .SetsProcess = Parsed.HasProcess};
    if (Request.Process == 0) {
        if (!DebugCurrentProcess(Debugger, &Request.Process)) {
            return false;
        }
        /* One that is just ending, or the idle one, cannot be attached to: then none. */
        if (Debugger->ImplicitProcess == 0 && !Parsed.HasProcess &&
            !ProcessIsActive(Debugger, Request.Process, &Listed) && Listed) {
            Request.Process = 0;
        }
    }
    if (!PageInSchedule(Debugger, &Request)) {
        return false;
    }
    DebuggerPrint(Debugger, "The page-in of %s is scheduled",
                  DebugAddressText(Parsed.Address, Text));
    if (Parsed.HasProcess) {
        DebuggerPrint(Debugger, " in process %s", DebugAddressText(Request.Process, Process));
    }
    DebuggerPrint(Debugger, ".\nLet the target run (type g); it breaks in again when that is done."
                  "\n");
    return true;
}

/* .kill Process: the worker ends it; the target does not stop for that. */
static bool KillCommand(DEBUGGER *Debugger, const char *Arguments)
{
    PAGE_IN_REQUEST Request = {.Kind = PageInKill};
    char Text[DEBUG_ADDRESS_SIZE];
    if (*Arguments == 0) {
        return DebuggerError(Debugger, ".kill needs the address of a process");
    }
    if (!ExpressionEvaluateAll(Debugger, Arguments, &Request.Process)) {
        return false;
    }
    if (Request.Process == 0) {
        return DebuggerError(Debugger, ".kill: 0 is no process");
    }
    if (!PageInSchedule(Debugger, &Request)) {
        return false;
    }
    DebuggerPrint(Debugger, "The end of process %s is scheduled.\nLet the target run (type g).\n",
                  DebugAddressText(Request.Process, Text));
    return true;
}

const DEBUGGER_COMMAND CommandsPaging[] = {
    {".pagein", PageInCommand, ".pagein [/p Process] [/f] Address",
     "Brings the page of Address in, once the target runs; it then breaks in.", false},
    {".kill", KillCommand, ".kill Process", "Ends a process, once the target runs.", true},
    {0},
};
