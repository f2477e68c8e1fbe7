/* SPDX-License-Identifier: MIT */
/* .process, .thread, .context, .cache, ~N. */
#include <ctype.h>
#include <string.h>

#include "host/debugger/debug_unwind.h"
#include "host/debugger/execution.h"
#include "host/debugger/page_in.h"
#include "host/debugger/structure.h"

typedef struct {
    bool Invasive, /* /i */
        User,      /* /p: user addresses are translated; they always are here */
        Reload,    /* /r */
        Every,     /* /P */
        Given;
    uint64_t Object;
} VIEW_OPTIONS;

static bool TakeViewOptions(DEBUGGER *Debugger, const char *Arguments, VIEW_OPTIONS *Options)
{
    *Options = (VIEW_OPTIONS){0};
    while (*Arguments == '/') {
        size_t Length = strcspn(Arguments, " \t");
        bool *Flag = Length != 2            ? NULL
                     : Arguments[1] == 'i' ? &Options->Invasive
                     : Arguments[1] == 'p' ? &Options->User
                     : Arguments[1] == 'r' ? &Options->Reload
                     : Arguments[1] == 'P' ? &Options->Every
                                           : NULL;
        if (Flag == NULL) {
            return DebuggerError(Debugger, "The options are /i, /p, /r and /P");
        }
        *Flag = true;
        Arguments += Length;
        Arguments += strspn(Arguments, " \t");
    }
    Options->Given = *Arguments != 0;
    return !Options->Given || ExpressionEvaluateAll(Debugger, Arguments, &Options->Object);
}

static bool CheckProcess(DEBUGGER *Debugger, uint64_t Process)
{
    char Text[DEBUG_ADDRESS_SIZE];
    bool Listed;
    if (ProcessIsActive(Debugger, Process, &Listed)) {
        return true;
    }
    return Listed ? DebuggerError(Debugger, "%s is not the address of a process",
                                  DebugAddressText(Process, Text))
                  : false;
}

static bool CommandProcess(DEBUGGER *Debugger, const char *Arguments)
{
    VIEW_OPTIONS Options;
    char Text[DEBUG_ADDRESS_SIZE];
    uint64_t Process;

    if (!TakeViewOptions(Debugger, Arguments, &Options)) {
        return false;
    }
    if (Options.Object == 0 && (Options.Given || Options.Invasive)) {
        Debugger->ImplicitProcess = 0; /* back to the current one */
        Debugger->UserDirectory = 0;
    }
    Process = Options.Object;
    if (Process == 0 ? !DebugCurrentProcess(Debugger, &Process)
                     : !CheckProcess(Debugger, Process)) {
        return false;
    }
    DebugAddressText(Process, Text);
    if (Options.Invasive) {
        PAGE_IN_REQUEST Request = {.Kind = PageInProcess, .Process = Process, .SetsProcess = true};
        if (!PageInSchedule(Debugger, &Request)) {
            return false;
        }
        DebuggerPrint(Debugger, "The change to process %s is scheduled.\n"
                      "Let the target run (type g); it breaks in again in that process.\n", Text);
        return true;
    }
    if (Options.Object != 0) {
        Debugger->ImplicitProcess = Process;
        Debugger->UserDirectory = 0;
    }
    DebuggerPrint(Debugger, "Implicit process is now %s\n", Text);
    return true;
}

static bool CommandThread(DEBUGGER *Debugger, const char *Arguments)
{
    VIEW_OPTIONS Options;
    char Text[DEBUG_ADDRESS_SIZE];
    CONTEXT Context;
    uint64_t Thread, Process;

    if (!TakeViewOptions(Debugger, Arguments, &Options)) {
        return false;
    }
    if (Options.Invasive) {
        return DebuggerError(Debugger, ".thread has no /i");
    }
    Thread = Options.Object;
    if (Thread == 0) {
        if (Options.Given) {
            Debugger->ImplicitThread = Debugger->ImplicitProcess = 0;
            ExecutionTakeContext(Debugger);
        }
        if (!DebugCurrentThread(Debugger, &Thread)) {
            return false;
        }
    } else if (!DebugReadField(Debugger, Thread, "nt!_KTHREAD", "ApcState.Process", &Process)) {
        return DebuggerError(Debugger, "%s is not the address of a thread: it cannot be read",
                             DebugAddressText(Thread, Text));
    } else if (!CheckProcess(Debugger, Process)) {
        return DebuggerError(Debugger, "%s is not the address of a thread",
                             DebugAddressText(Thread, Text));
    } else if (!DebugThreadContext(Debugger, Thread, &Context)) {
        return DebuggerError(Debugger, "Its registers cannot be read: %s",
                             Debugger->Target->Error);
    } else {
        uint64_t Current = Debugger->Target->State.Thread;
        Debugger->ImplicitThread = Thread;
        Debugger->Context = Context;
        Debugger->HasContext = true;
        Debugger->ContextIsOfStop = Thread == Current;
        if (Options.User || Options.Every) {
            Debugger->ImplicitProcess = Process;
        }
    }
    DebuggerPrint(Debugger, "Implicit thread is now %s\n", DebugAddressText(Thread, Text));
    return true;
}

static bool CommandContext(DEBUGGER *Debugger, const char *Arguments)
{
    uint64_t Base = Debugger->UserDirectory, Process;
    if (*Arguments != 0) {
        if (!ExpressionEvaluateAll(Debugger, Arguments, &Base)) {
            return false;
        }
        if (Base % 0x1000 != 0) {
            return DebuggerError(Debugger, ".context: a page directory begins at a page");
        }
        Debugger->UserDirectory = Base;
    }
    if (Base == 0 && (!DebugCurrentProcess(Debugger, &Process) ||
                      !DebugReadField(Debugger, Process, "nt!_KPROCESS", "DirectoryTableBase",
                                      &Base))) {
        return DebuggerError(Debugger, "The page directory of the process cannot be read");
    }
    DebuggerPrint(Debugger, "User-mode page directory base is %llx\n", (unsigned long long)Base);
    return true;
}

/* Nothing is cached: what would flush or hold a cache holds already. */
static bool CommandCache(DEBUGGER *Debugger, const char *Arguments)
{
    static const char *const Holds[] = {"hold", "unhold", "decodeptes", "forcedecodeuser",
                                        "noforcedecodeptes", "flushall", "flushu"};
    for (size_t i = 0; i < sizeof(Holds) / sizeof(Holds[0]); i++) {
        if (strcmp(Arguments, Holds[i]) == 0) {
            return true;
        }
    }
    if (*Arguments != 0 && strncmp(Arguments, "flush ", 6) != 0) {
        return DebuggerError(Debugger, ".cache: there is no cache whose size or decoding could be "
                                       "changed");
    }
    DebuggerPrint(Debugger, "Memory is not cached: each read asks the target.\n"
                            "Transition PTEs are decoded.\n");
    return true;
}

static bool CommandProcessor(DEBUGGER *Debugger, const char *Arguments)
{
    TARGET *Target = Debugger->Target;
    unsigned Number = 0;
    int Used = 0;

    if (sscanf(Arguments, "%3u%n", &Number, &Used) != 1 || Arguments[Used] != 0) {
        return DebuggerError(Debugger, "~ takes the number of a processor");
    }
    if (Number >= Target->State.NumberProcessors) {
        return DebuggerError(Debugger, "%u is not a valid processor number", Number);
    }
    if (Number == Target->State.Processor) {
        return true;
    }
    if (!Target->Operations->SwitchProcessor(Target, Number)) {
        return DebuggerError(Debugger, "The processor cannot be changed: %s", Target->Error);
    }
    return ExecutionFollow(Debugger);
}

const DEBUGGER_COMMAND CommandsProcess[] = {
    {".process", CommandProcess, ".process [/i] [/p] [/r] [/P] [Process]",
     "whose user memory is meant; /i: the target itself changes to it, by g", false},
    {".thread", CommandThread, ".thread [/p] [/r] [/P] [Thread]",
     "whose registers and stack are meant", false},
    {".context", CommandContext, ".context [PageDirectoryBase]",
     "page tables for user addresses; 0: the process's own", false},
    {".cache", CommandCache, ".cache [hold|unhold|flushall|...]", "how memory is read", false},
    {"~", CommandProcessor, "~Number", "changes the processor", true},
    {0},
};
