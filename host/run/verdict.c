/* SPDX-License-Identifier: MIT */
/*
 * How a run ended: one word, the cause, the place, the command that does it again, and one command
 * to type next. These are the last lines, so that they stand at the bottom of any log.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "host/run/run.h"
#include "host/text/bug_check_names.h"
#include "host/text/status_names.h"
#include "host/text/text.h"
#include "wire/exit_codes.h"

#define TAIL_LINES 12u

typedef struct {
    EXIT_CODE Code;
    const char *Word;
    char Detail[300];
    char Cause[RUN_MAX_CAUSE];
    char Where[900];
} VERDICT;

/* By the code the guest wrote to the exit port, which QEMU turns into 2 * code + 1. */
static const char *VerdictGuestExit(int Status)
{
    switch (Status % 2 == 1 ? Status / 2 : -1) {
    case GUEST_EXIT_BUG_CHECK: return "the guest ended with a bug check that was not reported";
    case GUEST_EXIT_NESTED_BUG_CHECK: return "the guest had a bug check inside a bug check";
    case GUEST_EXIT_ASSERTION: return "an assertion of the kernel itself failed";
    case GUEST_EXIT_CONTROL_LOST: return "the kernel lost the control channel";
    case GUEST_EXIT_BOOT_FAILURE: return "the kernel could not be booted";
    case GUEST_EXIT_FIRMWARE: return "the driver ended the machine by HalReturnToFirmware";
    case GUEST_EXIT_REBOOT: return "a debugger rebooted the guest";
    default: return NULL;
    }
}

static void VerdictOfGuestGone(const RUN *Run, VERDICT *Verdict)
{
    int Status = Run->Machine.Status;
    Verdict->Code = ExitEnvironment;
    Verdict->Word = "machine fault";
    if (WIFSIGNALED(Status)) {
        snprintf(Verdict->Detail, sizeof(Verdict->Detail), "QEMU was ended by signal %d (%s)",
                 WTERMSIG(Status), strsignal(WTERMSIG(Status)));
    } else if (WEXITSTATUS(Status) == 0 && Run->Machine.ErrorTail.Total == 0) {
        snprintf(Verdict->Detail, sizeof(Verdict->Detail),
                 "the guest reset itself: a triple fault");
    } else if (Run->Machine.ErrorTail.Total != 0 && !Run->Session.Booted) {
        snprintf(Verdict->Detail, sizeof(Verdict->Detail), "%s ended with status %d",
                 TextBaseName(Run->Machine.Program), WEXITSTATUS(Status));
    } else {
        const char *Known = VerdictGuestExit(WEXITSTATUS(Status));
        snprintf(Verdict->Detail, sizeof(Verdict->Detail), "%s (QEMU's status %d)",
                 Known != NULL ? Known : "the guest ended by itself", WEXITSTATUS(Status));
    }
}

static void VerdictOfBugCheck(RUN *Run, VERDICT *Verdict)
{
    bool Missing = Run->MissingExport[0] != 0;
    Verdict->Code = Missing ? ExitNotLoadable : ExitFinding;
    Verdict->Word = Missing ? "not loadable" : "finding";
    snprintf(Verdict->Detail, sizeof(Verdict->Detail), "bug check 0x%X %s", Run->BugCheck.Code,
             BugCheckName(Run->BugCheck.Code)->Name);
    BugCheckCause(Run, Verdict->Cause, sizeof(Verdict->Cause), Verdict->Where,
                  sizeof(Verdict->Where));
}

/* What the driver, most likely, has not done; NULL when it is the kernel that owes an answer. */
static const char *VerdictOwed(uint32_t Awaited)
{
    switch (Awaited) {
    case ControlLoadDriver: return "DriverEntry did not return";
    case ControlUnloadDriver: return "the driver's unload did not end";
    case ControlOpen: return "the driver did not complete a create request";
    case ControlClose: return "the driver did not complete a cleanup or close request";
    case ControlIoctl: return "the driver did not complete a device control request";
    case ControlRead: return "the driver did not complete a read request";
    case ControlWrite: return "the driver did not complete a write request";
    case ControlPnp: return "the driver did not complete a plug and play or power request";
    case ControlCompleted:
        return "the driver did not complete a request that it had left pending";
    case ControlEndProcess:
        return "the program could not end: the driver did not complete a cancelled request";
    case ControlWait: return "the scenario was waiting, as it asked to";
    default: return NULL;
    }
}

static void VerdictOfTimeLimit(const RUN *Run, VERDICT *Verdict)
{
    Verdict->Code = ExitTimeLimit;
    Verdict->Word = "time limit";
    snprintf(Verdict->Detail, sizeof(Verdict->Detail), "%u seconds passed",
             Run->Options.TimeoutSeconds);
    snprintf(Verdict->Where, sizeof(Verdict->Where), "%s", Run->StoppedAt);
    const char *Owed = VerdictOwed(Run->Session.Pending);
    if (Owed != NULL) {
        snprintf(Verdict->Cause, sizeof(Verdict->Cause), "%s", Owed);
    } else if (Run->Session.Pending != 0) {
        snprintf(Verdict->Cause, sizeof(Verdict->Cause), "the guest did not answer %s",
                 ControlTypeName(Run->Session.Pending));
    } else {
        snprintf(Verdict->Cause, sizeof(Verdict->Cause), "%s",
                 Run->Session.Booted ? "the scenario did not end" : "the guest did not boot");
    }
}

/* The session is over and nothing is wrong with it: findings and the load decide. */
static void VerdictOfRun(const RUN *Run, VERDICT *Verdict)
{
    char Name[STATUS_NAME_SIZE];
    if (Run->ToolFault[0] != 0) {
        Verdict->Code = ExitEnvironment;
        Verdict->Word = "machine fault";
        snprintf(Verdict->Detail, sizeof(Verdict->Detail), "%s", Run->ToolFault);
    } else if (Run->LoadFailed) {
        Verdict->Code = ExitNotLoadable;
        Verdict->Word = "not loadable";
        snprintf(Verdict->Detail, sizeof(Verdict->Detail), "%s %s",
                 Run->ImageLoaded ? "DriverEntry returned" : "the load failed with",
                 StatusName(Name, Run->LoadStatus));
        snprintf(Verdict->Cause, sizeof(Verdict->Cause), "%s", Run->LoadError);
    } else if (Run->Findings != 0) {
        Verdict->Code = ExitFinding;
        Verdict->Word = "finding";
        snprintf(Verdict->Detail, sizeof(Verdict->Detail), "%u in all", Run->Findings);
        snprintf(Verdict->Cause, sizeof(Verdict->Cause), "%s", Run->FirstFinding);
        snprintf(Verdict->Where, sizeof(Verdict->Where), "%s", Run->FirstWhere);
    } else {
        Verdict->Code = ExitClean;
        Verdict->Word = "clean";
        snprintf(Verdict->Detail, sizeof(Verdict->Detail), "no findings");
    }
}

static void VerdictDecide(RUN *Run, VERDICT *Verdict)
{
    memset(Verdict, 0, sizeof(*Verdict));
    switch (Run->Session.State) {
    case SessionBugCheck: VerdictOfBugCheck(Run, Verdict); break;
    case SessionTimeLimit: VerdictOfTimeLimit(Run, Verdict); break;
    case SessionGuestGone: VerdictOfGuestGone(Run, Verdict); break;
    case SessionInterrupted:
        Verdict->Code = (EXIT_CODE)(ExitSignal + Run->Session.Signal);
        Verdict->Word = "interrupted";
        snprintf(Verdict->Detail, sizeof(Verdict->Detail), "by signal %d (%s)",
                 Run->Session.Signal, strsignal(Run->Session.Signal));
        break;
    case SessionBroken:
        Verdict->Code = ExitEnvironment;
        Verdict->Word = "machine fault";
        snprintf(Verdict->Detail, sizeof(Verdict->Detail), "the guest broke the control protocol");
        snprintf(Verdict->Cause, sizeof(Verdict->Cause), "%s", Run->Session.Error);
        break;
    case SessionOpen:
    case SessionShutDown: VerdictOfRun(Run, Verdict); break;
    }
}

/* One command that tells more, which differs from the one just run. */
static void VerdictNext(const RUN *Run, const VERDICT *Verdict, char *Next, size_t Size)
{
    RUN_OPTIONS Options = Run->Options;
    const char *Extra = "";
    bool Never = strcmp(Options.PageOut, "never") == 0;
    bool Always = strcmp(Options.PageOut, "always") == 0;

    Options.Trace = Options.Html = NULL; /* they are this run's */
    Options.Timeline = Options.BudgetCount != 0;
    if (Verdict->Code == ExitClean) {
        Options.PageOut = Always ? "random" : "always";
    } else if (Verdict->Code == ExitFinding && Run->HasBugCheck && !Never) {
        Options.PageOut = "never"; /* does the bug show without page-out? */
    } else {
        Extra = " -v";
    }
    OptionsReplay(&Options, Run->Program, Next, Size);
    TextAppendFormat(Next, Size, "%s", Extra);
}

/* What the guest and QEMU said last, where that may explain the end. */
static void VerdictTails(RUN *Run, const VERDICT *Verdict)
{
    static char Text[4 * MACHINE_TAIL_SIZE];
    bool Wanted = Verdict->Code == ExitTimeLimit || Verdict->Code == ExitEnvironment;
    if (!Wanted && !Run->LoadFailed) {
        return;
    }
    MachineTailText(&Run->Machine.LogTail, TAIL_LINES, Text, sizeof(Text));
    ReportLines(&Run->Report, "guest log", Text);
    MachineTailText(&Run->Machine.ErrorTail, TAIL_LINES, Text, sizeof(Text));
    ReportLines(&Run->Report, "QEMU", Text);
}

/* What to do about it, "" where there is nothing to say. */
static const char *VerdictAdvice(RUN *Run, const VERDICT *Verdict)
{
    if (Run->HasBugCheck) {
        return BugCheckBestAdvice(Run);
    }
    if (Verdict->Code == ExitTimeLimit && Run->Session.Booted) {
        return "Run it by `pageable debug` with the same options: `g`, and when nothing moves any "
               "more, Ctrl-C; `!process 0 7` shows where each thread is.";
    }
    return "";
}

EXIT_CODE VerdictReport(RUN *Run)
{
    VERDICT Verdict;
    const char *Advice;
    char Replay[4096], Next[4096];
    REPORT *Report = &Run->Report;
    uint64_t Spent = TextNow() - Report->Start;

    VerdictDecide(Run, &Verdict);
    OptionsReplay(&Run->Options, Run->Program, Replay, sizeof(Replay));
    VerdictNext(Run, &Verdict, Next, sizeof(Next));
    Advice = VerdictAdvice(Run, &Verdict);
    json_t *Event = json_pack(
        "{s:s, s:s, s:i, s:I, s:s, s:s, s:s, s:s, s:s}", "verdict", Verdict.Word, "detail",
        Verdict.Detail, "exit_code", (int)Verdict.Code, "findings",
        (json_int_t)Run->Findings + (Run->HasBugCheck ? 1 : 0), "cause", Verdict.Cause, "where",
        Verdict.Where, "advice", Advice, "replay", Replay, "next", Next);
    bool Written = RunWriteTimeline(Run, Event);
    if (Run->Session.State == SessionInterrupted) {
        ReportBlank(Report); /* a terminal shows ^C where the cursor was */
    }
    VerdictTails(Run, &Verdict);
    ReportToned(Report, Verdict.Code == ExitClean ? ReportGood : ReportBad, "verdict",
                "%s: %s (%llu.%02llu s)", Verdict.Word, Verdict.Detail,
                (unsigned long long)Spent / 1000, (unsigned long long)Spent % 1000 / 10);
    if (Verdict.Cause[0] != 0) {
        ReportLine(Report, "cause", "%s", Verdict.Cause);
    }
    if (Verdict.Where[0] != 0) {
        ReportLine(Report, "where", "%s", Verdict.Where);
    }
    if (Run->HasBugCheck && Run->BugCheck.IrqlRaisedBy != 0) {
        BugCheckRaised(Run);
    }
    if (*Advice != 0) {
        ReportLine(Report, "advice", "%s", Advice);
    }
    if (Verdict.Code != ExitClean) {
        ReportLine(Report, "replay", "%s", Replay);
    }
    ReportLine(Report, "next", "%s", Next);
    ReportEvent(Report, "verdict", Event);
    return Written ? Verdict.Code : ExitEnvironment;
}
