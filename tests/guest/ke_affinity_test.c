/* SPDX-License-Identifier: MIT */
/* Processors and groups of them, on the machine of one; routines called when the system stops. */
#include "hal/hal.h"
#include "ke/bug_check.h"
#include "nt/bug_check.h"
#include "nt/hal.h"
#include "test.h"

GUEST_TEST(ke_processors_are_counted)
{
    KAFFINITY Active = 0;

    EXPECT_EQUAL(KeNumberProcessors, 1);
    EXPECT_EQUAL(KeQueryActiveProcessorCount(&Active), 1);
    EXPECT_EQUAL(Active, 1);
    EXPECT_EQUAL(KeQueryActiveProcessorCount(NULL), 1);
    EXPECT_EQUAL(KeQueryActiveProcessors(), 1);
    EXPECT_EQUAL(KeQueryMaximumProcessorCount(), 1);
    EXPECT_EQUAL(KeQueryActiveProcessorCountEx(0), 1);
    EXPECT_EQUAL(KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS), 1);
    EXPECT_EQUAL(KeQueryActiveProcessorCountEx(1), 0); /* there is no such group */
    EXPECT_EQUAL(KeQueryMaximumProcessorCountEx(0), 1);
    EXPECT_EQUAL(KeQueryMaximumProcessorCountEx(ALL_PROCESSOR_GROUPS), 1);
    EXPECT_EQUAL(KeQueryMaximumProcessorCountEx(20), 0);
    EXPECT_EQUAL(KeQueryActiveGroupCount(), 1);
    EXPECT_EQUAL(KeQueryMaximumGroupCount(), 1);
    EXPECT_EQUAL(KeQueryGroupAffinity(0), 1);
    EXPECT_EQUAL(KeQueryGroupAffinity(1), 0);
}

GUEST_TEST(ke_processor_numbers)
{
    PROCESSOR_NUMBER Number = {7, 7, 7}, Bad = {.Number = 1}, Group = {.Group = 1};

    EXPECT_EQUAL(KeGetCurrentProcessorNumber(), 0);
    EXPECT_EQUAL(KeGetCurrentProcessorNumberEx(&Number), 0);
    EXPECT(Number.Group == 0 && Number.Number == 0 && Number.Reserved == 0);
    EXPECT_EQUAL(KeGetCurrentProcessorNumberEx(NULL), 0);
    Number = (PROCESSOR_NUMBER){7, 7, 7};
    EXPECT_EQUAL((ULONG)KeGetProcessorNumberFromIndex(1, &Number), (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL((ULONG)KeGetProcessorNumberFromIndex(INVALID_PROCESSOR_INDEX, &Number),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL(KeGetProcessorNumberFromIndex(0, &Number), STATUS_SUCCESS);
    EXPECT_EQUAL(KeGetProcessorIndexFromNumber(&Number), 0);
    EXPECT_EQUAL(KeGetProcessorIndexFromNumber(&Bad), INVALID_PROCESSOR_INDEX);
    EXPECT_EQUAL(KeGetProcessorIndexFromNumber(&Group), INVALID_PROCESSOR_INDEX);
}

static VOID NeverCalled(PVOID Buffer, ULONG Length)
{
    EXPECT(FALSE);
}

static VOID NeverCalledForReason(KBUGCHECK_CALLBACK_REASON Reason,
                                 PKBUGCHECK_REASON_CALLBACK_RECORD Record, PVOID Data, ULONG Length)
{
    EXPECT(FALSE);
}

GUEST_TEST(ke_bug_check_callbacks_are_registered_once)
{
    static KBUGCHECK_CALLBACK_RECORD Record;
    static KBUGCHECK_REASON_CALLBACK_RECORD Reason;
    static UCHAR Component[] = "test", Buffer[8];

    EXPECT_EQUAL(KiBugCheckData[0], 0); /* no bug check yet */
    KeInitializeCallbackRecord(&Record);
    EXPECT(!KeDeregisterBugCheckCallback(&Record));
    EXPECT(KeRegisterBugCheckCallback(&Record, NeverCalled, Buffer, sizeof(Buffer), Component));
    EXPECT(!KeRegisterBugCheckCallback(&Record, NeverCalled, Buffer, sizeof(Buffer), Component));
    EXPECT(KeDeregisterBugCheckCallback(&Record));
    EXPECT(!KeDeregisterBugCheckCallback(&Record));

    KeInitializeCallbackRecord(&Reason);
    EXPECT(!KeDeregisterBugCheckReasonCallback(&Reason));
    EXPECT(KeRegisterBugCheckReasonCallback(&Reason, NeverCalledForReason,
                                            KbCallbackSecondaryDumpData, Component));
    EXPECT(!KeRegisterBugCheckReasonCallback(&Reason, NeverCalledForReason,
                                             KbCallbackSecondaryDumpData, Component));
    EXPECT(KeDeregisterBugCheckReasonCallback(&Reason));
    EXPECT(!KeDeregisterBugCheckReasonCallback(&Reason));
}

static VOID CrashCallback(PVOID Buffer, ULONG Length)
{
    DbgPrint("called with %lu bytes of %s\n", Length, (PCSTR)Buffer);
}

/* Documented: the routine gets its buffer; KeBugCheck is KeBugCheckEx with parameters of 0. */
GUEST_TEST(crash_calls_callbacks)
{
    static KBUGCHECK_CALLBACK_RECORD Record;
    static UCHAR Component[] = "test";
    static CHAR Text[] = "text";

    KeInitializeCallbackRecord(&Record);
    EXPECT(KeRegisterBugCheckCallback(&Record, CrashCallback, Text, sizeof(Text), Component));
    KeBugCheck(MANUALLY_INITIATED_CRASH);
}

GUEST_TEST(crash_with_parameters)
{
    KeBugCheckEx(MANUALLY_INITIATED_CRASH, 1, 2, 3, 0xfedcba9876543210);
}

GUEST_TEST(crash_pure_virtual_call)
{
    int _purecall(void);
    _purecall();
}

GUEST_TEST(crash_returns_to_firmware)
{
    HalReturnToFirmware((FIRMWARE_REENTRY)99); /* none: nothing happens */
    DbgPrint("still here\n");
    HalReturnToFirmware(HalRebootRoutine);
}

/* Both levels, while they are masked: what they ask for is done when the IRQL falls. */
GUEST_TEST(ke_software_interrupts_of_drivers)
{
    KIRQL OldIrql;

    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    HalRequestSoftwareInterrupt(APC_LEVEL);
    HalRequestSoftwareInterrupt(DISPATCH_LEVEL);
    EXPECT_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeLowerIrql(OldIrql);
    EXPECT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
}
