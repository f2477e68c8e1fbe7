/* SPDX-License-Identifier: MIT */
/* What happened, in one sentence: who did what to which memory, at which IRQL. */
#include <string.h>

#include "bugcodes.h"
#include "host/run/bug_check.h"
#include "host/text/bug_check_names.h"
#include "host/text/text.h"
#include "nt/ntdef.h"
#include "nt/ntstatus.h"

#define VIOLATION ", violation "

const char *BugCheckSectionKind(uint32_t Kind)
{
    switch (Kind) {
    case ControlSectionNonpaged: return "nonpaged";
    case ControlSectionPageable: return "pageable";
    case ControlSectionDiscarded: return "discarded";
    case ControlSectionHeaders: return "headers";
    default: return "unknown";
    }
}

/* "once", "twice", "3 times" */
static const char *BugCheckTimes(char Out[TEXT_NUMBER], uint32_t Count)
{
    if (Count == 1 || Count == 2) {
        return Count == 1 ? "once" : "twice";
    }
    snprintf(Out, TEXT_NUMBER, "%u times", Count);
    return Out;
}

static bool BugCheckIsPaged(const CONTROL_BUG_CHECK *Check)
{
    return Check->SectionKind == ControlSectionPageable && Check->SectionLockCount == 0;
}

void BugCheckDescribeSection(const RUN *Run, const BUG_CHECK_PLACES *Places, char *Text,
                             size_t Size)
{
    const CONTROL_BUG_CHECK *Check = &Run->BugCheck;
    char Times[TEXT_NUMBER], Place[900];

    *Text = 0;
    TextAppendFormat(Text, Size, "%s%s", BugCheckSectionKind(Check->SectionKind),
                     Check->SectionWholePaged != 0 ? " (MmPageEntireDriver is in force)" : "");
    if (BugCheckIsPaged(Check) && Check->SectionOutSince != 0) {
        TextAppendFormat(Text, Size, ", paged out at event %llu",
                         (unsigned long long)Check->SectionOutSince);
    }
    if (Check->SectionLocks == 0) {
        TextAppendFormat(Text, Size, "%s",
                         Check->SectionKind == ControlSectionPageable ? ", never locked" : "");
        return;
    }
    SymbolText(&Places->Symbol[PlaceLocked], Place, sizeof(Place));
    TextAppendFormat(Text, Size, ", lock count %u: locked %s, last by %s", Check->SectionLockCount,
                     BugCheckTimes(Times, Check->SectionLocks), Place);
    if (Check->SectionUnlocks != 0) {
        SymbolText(&Places->Symbol[PlaceUnlocked], Place, sizeof(Place));
        TextAppendFormat(Text, Size, "; unlocked %s, last by %s",
                         BugCheckTimes(Times, Check->SectionUnlocks), Place);
    }
}

/* "pageable section PAGE", "paged pool at ..." */
static void BugCheckDescribeMemory(const CONTROL_BUG_CHECK *Check, char *Text, size_t Size)
{
    char Section[64], Driver[256], Address[TEXT_NUMBER], Thread[TEXT_NUMBER];
    TextCleanString(Section, sizeof(Section), Check->SectionName);
    TextCleanString(Driver, sizeof(Driver), Check->DriverName);
    TextAddress(Address, Check->FaultAddress);
    switch (Check->Memory) {
    case ControlMemoryNull:
        snprintf(Text, Size, "a null pointer (address %llx)",
                 (unsigned long long)Check->FaultAddress);
        break;
    case ControlMemoryUser: snprintf(Text, Size, "user memory at %s", Address); break;
    case ControlMemoryPagedPool: snprintf(Text, Size, "paged pool at %s", Address); break;
    case ControlMemoryNonpagedPool: snprintf(Text, Size, "nonpaged pool at %s", Address); break;
    case ControlMemoryKernelStack:
        snprintf(Text, Size, "the kernel stack of thread %s (address %s)",
                 TextAddress(Thread, Check->StackThread), Address);
        break;
    case ControlMemoryUnloadedImage:
        snprintf(Text, Size, "%s, which is unloaded", Driver);
        break;
    default:
        if (Section[0] != 0) {
            snprintf(Text, Size, "%s section %s%s", BugCheckSectionKind(Check->SectionKind),
                     Section,
                     Check->SectionKind == ControlSectionDiscarded ? " (gone after DriverEntry)"
                                                                   : "");
        } else {
            snprintf(Text, Size, "memory at %s", Address);
        }
    }
}

/* Why the memory was not there, as the end of a sentence. */
static const char *BugCheckWhyGone(const CONTROL_BUG_CHECK *Check)
{
    switch (Check->Memory) {
    case ControlMemoryUser:
    case ControlMemoryPagedPool: return ", where no page fault can be served";
    case ControlMemoryNonpagedPool: return ", where nothing is allocated";
    case ControlMemoryImage:
        return BugCheckIsPaged(Check) ? " while it was paged out" : "";
    case ControlMemoryOther: return ", where no memory is";
    case ControlMemoryKernelStack:
        return ", swapped out because the thread waits with WaitMode UserMode";
    default: return "";
    }
}

/* "driver!Routine", or "nt!Routine, called by driver!Routine,". */
static void BugCheckDescribeActor(const RUN *Run, const BUG_CHECK_PLACES *Places, char *Text,
                                  size_t Size)
{
    const SYMBOL *Frame = &Places->Symbol[PlaceFrames + Places->FirstFrame];
    if (Places->Where == Frame || !BugCheckInDriver(Run, Places->Where->Address)) {
        snprintf(Text, Size, "%s", Frame->Routine);
    } else {
        snprintf(Text, Size, "%s, called by %s,", Frame->Routine, Places->Where->Routine);
    }
}

/* Memory was touched, or executed, that was not there or not for that. */
static void BugCheckExplainFault(const RUN *Run, const BUG_CHECK_PLACES *Places, char *Cause,
                                 size_t Size)
{
    const CONTROL_BUG_CHECK *Check = &Run->BugCheck;
    const SYMBOL *Frame = &Places->Symbol[PlaceFrames];
    bool Reference = BugCheckIsReference(Check->Code);
    uint32_t Irql = Reference ? (uint32_t)(Check->Parameter[1] & 0xff) : Check->Irql;
    char Memory[400], Actor[600], At[64] = "";

    if (Reference || Irql >= 2) {
        snprintf(At, sizeof(At), " %s %s", Irql == IRQL_INTERRUPTS_OFF ? "with" : "at",
                 IrqlName(Irql));
    }
    BugCheckDescribeMemory(Check, Memory, sizeof(Memory));
    BugCheckDescribeActor(Run, Places, Actor, sizeof(Actor));
    if (!BugCheckIsExecute(Check)) {
        bool Write = Check->Code == ATTEMPTED_WRITE_TO_READONLY_MEMORY ||
                     (Check->Code == PAGE_FAULT_IN_NONPAGED_AREA && Check->Parameter[1] == 2) ||
                     (Reference && Check->Parameter[2] == 1) ||
                     (Check->Code == DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS &&
                      Check->Parameter[1] == 1);
        const char *Why = Check->Code == ATTEMPTED_WRITE_TO_READONLY_MEMORY
                              ? ", which is read-only"
                              : BugCheckWhyGone(Check);
        snprintf(Cause, Size, "%s %s %s%s%s", Actor, Write ? "wrote to" : "read", Memory, At, Why);
    } else if (!BugCheckInDriver(Run, Check->FaultAddress)) {
        snprintf(Cause, Size, "%s called %s%s, which %s", Places->Where->Routine, Memory, At,
                 Check->Memory == ControlMemoryUser ? "kernel mode may not execute"
                                                    : "holds no code");
    } else if (BugCheckWentOn(Run, Places)) {
        const CONTROL_HISTORY *Last = BugCheckLastReturn(Run, Check->Rip);
        char Name[200] = "";
        TextCleanString(Name, sizeof(Name), Last != NULL ? Last->Name : "");
        snprintf(Cause, Size, "%s, in %s, went on%s after %s%s", Frame->Routine, Memory, At,
                 Name[0] != 0 ? Name : "it raised IRQL",
                 BugCheckIsPaged(Check) ? ", and its own code was paged out" : "");
    } else {
        snprintf(Cause, Size, "%s, in %s, was called%s%s%s%s", Frame->Routine, Memory,
                 Places->FrameCount > 1 ? " by " : "",
                 Places->FrameCount > 1 ? Frame[1].Routine : "", At, BugCheckWhyGone(Check));
    }
}

/* The unloaded driver's own code or data was used: who did it counts less than that it is gone. */
static void BugCheckExplainUnloaded(const RUN *Run, const BUG_CHECK_PLACES *Places, char *Cause,
                                    size_t Size)
{
    const SYMBOL *Frame = &Places->Symbol[PlaceFrames];
    char Driver[256];
    TextCleanString(Driver, sizeof(Driver), Run->BugCheck.DriverName);
    if (Run->BugCheck.FaultAddress == Run->BugCheck.Rip) {
        snprintf(Cause, Size, "%s ran after %s was unloaded%s%s", Frame->Routine, Driver,
                 Places->FrameCount > 1 ? ": called by " : "",
                 Places->FrameCount > 1 ? Frame[1].Routine : "");
    } else {
        snprintf(Cause, Size, "%s touched memory of %s after it was unloaded", Frame->Routine,
                 Driver);
    }
}

static void BugCheckExplainException(const RUN *Run, const BUG_CHECK_PLACES *Places, char *Cause,
                                     size_t Size)
{
    const CONTROL_BUG_CHECK *Check = &Run->BugCheck;
    const char *Routine = Places->Symbol[Places->FirstFrame].Routine;
    char Words[BUG_CHECK_TEXT];
    const char *Status = BugCheckValueName(Check->Code, Check->Parameter[0], 0,
                                           Check->Parameter[0], Words);
    if ((int32_t)Check->Parameter[0] == STATUS_ASSERTION_FAILURE) {
        snprintf(Cause, Size, "An assertion failed in %s at %s%s", Routine, IrqlName(Check->Irql),
                 Check->Irql > 1 ? "; PAGED_CODE allows APC_LEVEL at most" : "");
    } else {
        snprintf(Cause, Size, "%s raised %s, and nothing handled it", Routine,
                 Status != NULL ? Status : "an exception");
    }
}

static void BugCheckExplainReturn(const RUN *Run, const BUG_CHECK_PLACES *Places,
                                  const SYMBOL *Returned, char *Cause, size_t Size)
{
    const CONTROL_BUG_CHECK *Check = &Run->BugCheck;
    const SYMBOL *Raised = &Places->Symbol[PlaceRaised];
    uint64_t Now = Check->Parameter[3], Before = Check->Parameter[2];

    if (Check->Code == IRQL_UNEXPECTED_VALUE) {
        Now = Check->Parameter[0] >> 16 & 0xff;
        Before = Check->Parameter[0] >> 8 & 0xff;
    } else if (Check->Code == WORKER_THREAD_RETURNED_AT_BAD_IRQL) {
        Now = Check->Parameter[1];
        Before = 0;
    }
    snprintf(Cause, Size, "%s was called at %s and returned at %s%s%s",
             BugCheckInDriver(Run, Returned->Address) ? Returned->Routine : "A callback",
             IrqlName((uint32_t)Before), IrqlName((uint32_t)Now),
             Raised->Routine[0] != 0 ? ", raised by " : "", Raised->Routine);
}

/* The clock's ticks, of 10 ms, in words. */
static void BugCheckExplainWatchdog(const RUN *Run, const BUG_CHECK_PLACES *Places, char *Cause,
                                    size_t Size)
{
    const CONTROL_BUG_CHECK *Check = &Run->BugCheck;
    const char *Routine = Places->Where->Routine;
    uint64_t Seconds = Check->Parameter[1] / 100;
    char Time[TEXT_NUMBER];

    snprintf(Time, sizeof(Time), "%llu second%s", (unsigned long long)Seconds,
             Seconds == 1 ? "" : "s");
    if (Check->Parameter[0] == 0) {
        snprintf(Cause, Size, "%s, in a DPC, did not come to its end in %s", Routine, Time);
    } else {
        snprintf(Cause, Size, "%s kept the processor at %s for %s", Routine, IrqlName(Check->Irql),
                 Time);
    }
}

/* The verifier's words; where it names the sub-code only, that in words. */
static void BugCheckExplainRule(const RUN *Run, const BUG_CHECK_PLACES *Places, char *Cause,
                                size_t Size)
{
    const CONTROL_BUG_CHECK *Check = &Run->BugCheck;
    const BUG_CHECK_CASE_NAME *Case = BugCheckCase(Check->Code, Check->Parameter[0]);
    const char *Text = Run->VerifierText;
    const char *Number = strstr(Text, VIOLATION);

    uint64_t Address;
    int At = BugCheckVerifierAddress(Run, &Address);
    if (At >= 0 && Places->Symbol[PlaceVerifier].HasLine && Number == NULL) {
        snprintf(Cause, Size, "%.*s%s%s", At, Text, Places->Symbol[PlaceVerifier].Routine,
                 Text + At + 16);
    } else if (Text[0] != 0 && (Number == NULL || Case == NULL)) {
        snprintf(Cause, Size, "%s", Text);
    } else if (Text[0] != 0 && strncmp(Text, Case->Cause, strcspn(Text, " ")) != 0) {
        snprintf(Cause, Size, "%c%s (%.*s)", Case->Cause[0] & ~0x20, Case->Cause + 1,
                 (int)(Number - Text), Text);
    } else {
        snprintf(Cause, Size, "%c%s", Case->Cause[0] & ~0x20, Case->Cause + 1);
    }
}

void BugCheckDescribeCause(const RUN *Run, const BUG_CHECK_PLACES *Places, char *Cause, size_t Size)
{
    const CONTROL_BUG_CHECK *Check = &Run->BugCheck;
    const SYMBOL *Returned = BugCheckReturnedRaised(Run, Places);
    bool Unloaded = Check->Code == DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS ||
                    Check->Code == SYSTEM_SCAN_AT_RAISED_IRQL_CAUGHT_IMPROPER_DRIVER_UNLOAD;

    if (Run->MissingExport[0] != 0) {
        snprintf(Cause, Size, "%s", Run->MissingExport);
    } else if (Unloaded && Check->Memory != ControlMemoryNone) {
        BugCheckExplainUnloaded(Run, Places, Cause, Size);
    } else if (Check->Memory != ControlMemoryNone && Check->Code != KERNEL_DATA_INPAGE_ERROR) {
        BugCheckExplainFault(Run, Places, Cause, Size);
    } else if (Check->Code == DPC_WATCHDOG_VIOLATION) {
        BugCheckExplainWatchdog(Run, Places, Cause, Size);
    } else if (Returned != NULL && Returned->Routine[0] != 0 && Run->VerifierText[0] == 0) {
        BugCheckExplainReturn(Run, Places, Returned, Cause, Size);
    } else if (Run->VerifierText[0] != 0 ||
               BugCheckCase(Check->Code, Check->Parameter[0]) != NULL) {
        BugCheckExplainRule(Run, Places, Cause, Size);
    } else if (Places->FirstFrame != 0) {
        BugCheckExplainException(Run, Places, Cause, Size);
    } else {
        const char *Words = BugCheckName(Check->Code)->Cause;
        snprintf(Cause, Size, "%.*s", (int)strlen(Words) - 1, Words);
    }
}

const char *BugCheckChooseAdvice(const RUN *Run, const BUG_CHECK_PLACES *Places)
{
    const CONTROL_BUG_CHECK *Check = &Run->BugCheck;
    bool Called = BugCheckIsExecute(Check) && Places->Where == &Places->Symbol[0];

    if (Run->MissingExport[0] != 0) {
        return "`pageable exports --missing DRIVER.sys` lists all that the driver lacks here.";
    }
    if (Check->SectionKind == ControlSectionDiscarded) {
        return "Take it out of INIT: what is used after DriverEntry must not be there.";
    }
    if (!BugCheckIsReference(Check->Code) || Check->Memory == ControlMemoryUnloadedImage) {
        return BugCheckAdvice(Check->Code, Check->Parameter[0]);
    }
    switch (Check->Memory) {
    case ControlMemoryPagedPool:
        return "Allocate it from nonpaged pool, or touch it before IRQL is raised.";
    case ControlMemoryUser:
        return "Lock the buffer with MmProbeAndLockPages and use its system address, or copy it "
               "before IRQL is raised.";
    case ControlMemoryKernelStack:
        return "Wait with WaitMode KernelMode when what others touch is on the stack, or put the "
               "object in nonpaged memory.";
    case ControlMemoryNull:
    case ControlMemoryNonpagedPool:
    case ControlMemoryOther:
        return "Look for a pointer that was never set, or memory that was freed.";
    default:
        break;
    }
    if (Check->SectionWholePaged != 0) {
        return "Call MmResetDriverPaging before anything of the driver runs at DISPATCH_LEVEL or "
               "above.";
    }
    if (Check->SectionUnlocks != 0 && Check->SectionKind == ControlSectionPageable) {
        return "The section was locked, and is no more: keep it locked for as long as this can "
               "run, or take it out of the pageable section.";
    }
    if (Check->Parameter[1] == IRQL_INTERRUPTS_OFF) {
        return "Take it out of the pageable section, or lock the section, or do it before "
               "interrupts are disabled.";
    }
    if (BugCheckWentOn(Run, Places)) {
        return "Take the routine out of the pageable section: code that takes a spin lock or "
               "goes on at a raised IRQL must be nonpaged.";
    }
    if (Called) {
        return "Take the routine out of the pageable section: the kernel calls it at "
               "DISPATCH_LEVEL or above.";
    }
    return BugCheckAdvice(Check->Code, Check->Parameter[0]);
}
