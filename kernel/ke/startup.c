/* SPDX-License-Identifier: MIT */
/*
 * From boot.elf to a running system.
 *
 * KiSystemStartup runs on the boot stack with interrupts off: processor tables, Mm phase 0, the
 * interrupt controller, the dispatcher, objects and processes. Then it becomes the idle thread, and
 * the phase-1 thread does what may wait: clock, workers, the paging file, Io; it
 * ends as the control agent.
 */
#include "ke/command_line.h"
#include "cm/cmp.h"
#include "ex/ex.h"
#include "hal/hal.h"
#include "io/control_agent.h"
#include "io/iop.h"
#include "kd/kd.h"
#include "mfs/mfs.h"
#include "mm/mi.h"
#include "ob/obp.h"
#include "ps/psp.h"
#include "se/sep.h"

LOADER_BLOCK *KeLoaderBlock;

static LOADER_BLOCK KiLoaderCopy; /* the original lies in memory that is freed */
static DECLSPEC_ALIGN(16) UCHAR KiDpcStack[KERNEL_STACK_SIZE];
static DECLSPEC_ALIGN(16) UCHAR KiFaultStack[KERNEL_STACK_SIZE];

static const struct {
    PCSTR Name;
    MM_PAGE_OUT_MODE Mode;
} KiPageOutModes[] = {
    {"never", MmPageOutNever},   {"pressure", MmPageOutPressure}, {"at-raise", MmPageOutAtRaise},
    {"always", MmPageOutAlways}, {"random", MmPageOutRandom},
};

/* page-out=MODE evict seed=N; the host has checked them, so an unknown mode is a defect. */
static VOID KiSetPageOutMode(VOID)
{
    CHAR Name[16];
    if (!KiQueryCommandLine("page-out", Name, sizeof(Name))) {
        return;
    }
    for (ULONG i = 0; i < RTL_NUMBER_OF(KiPageOutModes); i++) {
        if (__builtin_strcmp(KiPageOutModes[i].Name, Name) == 0) {
            MmSetPageOutMode(KiPageOutModes[i].Mode, KiQueryCommandLine("evict", NULL, 0),
                             KiQueryCommandLineNumber("seed", 1));
            return;
        }
    }
    NT_VERIFY(!"page-out names no mode");
}

/*
 * Test hooks of the host's own tests, which must see a guest die in each way there is.
 */
static VOID KiRunStartupTests(VOID)
{
    if (KiQueryCommandLine("test-triple-fault", NULL, 0)) {
        struct {
            USHORT Limit;
            ULONG64 Base;
        } __attribute__((packed)) NoTable = {0, 0};
        __asm__ volatile("lidt %0; int3" : : "m"(NoTable));
    }
    if (KiQueryCommandLine("test-hang", NULL, 0)) {
        for (;;) {
            __asm__ volatile("cli; hlt");
        }
    }
}

static VOID KiPhase1(PVOID Context)
{
    HalStartClock();
    HalInitializePci();
    ExInitializeWorkers();
    NTSTATUS Status = MmInitializePaging();
    if (!NT_SUCCESS(Status)) {
        DbgPrint("no paging file (%08x): nothing can be paged out to disk\n", Status);
    }
    CmInitializeSystem();
    IoInitializeSystem();
    MfsInitializeSystem();
    KiSetPageOutMode();
    KiSeedQuanta(KiQueryCommandLineNumber("seed", 1));
    KiRunStartupTests();
    IoRunControlAgent();
}

DECLSPEC_NORETURN VOID KiSystemStartup(LOADER_BLOCK *Loader)
{
    KiLoaderCopy = *Loader;
    KeLoaderBlock = &KiLoaderCopy;
    KiInitializeProcessor(&KiInitialPcr, KiDpcStack + sizeof(KiDpcStack),
                          KiFaultStack + sizeof(KiFaultStack));
    if (Loader->Version != LOADER_BLOCK_VERSION || Loader->Size != sizeof(LOADER_BLOCK)) {
        static const CHAR Text[] = "ntoskrnl: boot.elf is of another version\n";
        HalWriteDebugString(Text, sizeof(Text) - 1);
        HalExitMachine(0x7e);
    }
    MmInitializeMemory(&KiLoaderCopy);
    HalInitializeInterruptController();
    KiInitializeDispatcher(&PspInitialSystemProcess.Pcb, &PspIdleThread.Tcb,
                           (PVOID)KiLoaderCopy.BootStackTop);
    ExInitializePool();
    ObInitializeSystem();
    SeInitializeSystem();
    PsInitializeSystem();
    KdInitSystem();
    PsStartSystemThread(KiPhase1);
    __asm__ volatile("sti");
    KiIdleLoop();
}
