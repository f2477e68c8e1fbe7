/* SPDX-License-Identifier: MIT */
/* What calls and page-outs cost a driver, in ticks of the time-stamp counter. See README.md. */
#include <ntddk.h>

#define TIMES 1000
#define TAG 'tsoC'

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD CostUnload;
static ULONG CostTouch(ULONG Index);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, CostUnload)
#pragma alloc_text(PAGE, CostTouch)

#pragma data_seg("PAGEDATA")
static volatile ULONG CostTable[64] = {1};
#pragma data_seg()

static volatile ULONG CostSum;

typedef struct {
    ULONG64 Call, Raise, PageOut, Pool;
} COSTS;

/* Touches a page of code and a page of data. */
static DECLSPEC_NOINLINE ULONG CostTouch(ULONG Index)
{
    return Index + CostTable[Index % RTL_NUMBER_OF(CostTable)];
}

static VOID CostRaise(VOID)
{
    KIRQL Old;
    KeRaiseIrql(DISPATCH_LEVEL, &Old);
    KeLowerIrql(Old);
}

static VOID CostMeasure(COSTS *Costs)
{
    UNICODE_STRING Name;
    ULONG64 Start = __rdtsc();
    for (ULONG i = 0; i < TIMES; i++) {
        RtlInitUnicodeString(&Name, L"");
    }
    Costs->Call = __rdtsc() - Start;
    Start = __rdtsc();
    for (ULONG i = 0; i < TIMES; i++) {
        CostRaise();
    }
    Costs->Raise = __rdtsc() - Start;
    Start = __rdtsc();
    for (ULONG i = 0; i < TIMES; i++) {
        CostSum += CostTouch(i);
        CostRaise(); /* both pages leave */
    }
    Costs->PageOut = __rdtsc() - Start;
    Start = __rdtsc();
    for (ULONG i = 0; i < TIMES; i++) {
        PVOID Block = ExAllocatePoolWithTag(NonPagedPool, 64, TAG);
        if (Block != NULL) {
            ExFreePoolWithTag(Block, TAG);
        }
    }
    Costs->Pool = __rdtsc() - Start;
}

VOID CostUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    COSTS Costs;
    DriverObject->DriverUnload = CostUnload;
    CostMeasure(&Costs); /* what happens the first time only is done after this */
    CostMeasure(&Costs);
    DbgPrint("ticks: call %I64u, raise and lower %I64u, with two pages that leave and come back "
             "%I64u, allocate and free %I64u\n", Costs.Call / TIMES, Costs.Raise / TIMES,
             Costs.PageOut / TIMES, Costs.Pool / TIMES);
    return STATUS_SUCCESS;
}
