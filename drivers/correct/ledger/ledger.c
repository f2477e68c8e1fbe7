/* SPDX-License-Identifier: MIT */
/* More pageable data than RAM, written and read back by four threads. See README.md. */
#include <ntddk.h>

#define LEDGER_TAG 'gdeL'
#define LEDGER_THREADS 4
#define LEDGER_CHUNK (1024u * 1024u)
#define LEDGER_MAX_CHUNKS 2048u
#define WORDS_IN_PAGE (PAGE_SIZE / sizeof(ULONG64))
#define PAGES_IN_CHUNK (LEDGER_CHUNK / PAGE_SIZE)

/* In: LEDGER_REQUEST; out: LEDGER_RESULT. */
#define IOCTL_LEDGER_RUN CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef struct _LEDGER_REQUEST {
    ULONG64 Seed;
    ULONG Megabytes;
    ULONG Reserved;
} LEDGER_REQUEST;

typedef struct _LEDGER_RESULT {
    ULONG64 PagesWritten;
    ULONG64 PagesRead;
    ULONG64 WrongWords;
} LEDGER_RESULT;

/* One thread's share: every page whose number is Index modulo LEDGER_THREADS. */
typedef struct _LEDGER_WORKER {
    PULONG64 *Chunks;
    ULONG64 Pages;
    ULONG64 Seed;
    ULONG Index;
    ULONG64 Done[2]; /* written, read */
    ULONG64 WrongWords;
} LEDGER_WORKER, *PLEDGER_WORKER;

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD LedgerUnload;
DRIVER_DISPATCH LedgerCreateClose, LedgerDeviceControl;
static VOID LedgerThread(PVOID Context);
static NTSTATUS LedgerRun(const LEDGER_REQUEST *Request, LEDGER_RESULT *Result);
static VOID LedgerFree(PULONG64 *Chunks, ULONG Count);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, LedgerUnload)
#pragma alloc_text(PAGE, LedgerCreateClose)
#pragma alloc_text(PAGE, LedgerDeviceControl)
#pragma alloc_text(PAGE, LedgerThread)
#pragma alloc_text(PAGE, LedgerRun)
#pragma alloc_text(PAGE, LedgerFree)

/* Pageable as well: touched by every run. */
#pragma data_seg("PAGEDATA")
static ULONG LedgerRuns = 1;
#pragma data_seg()

static ULONG64 ExpectedWord(ULONG64 Seed, ULONG64 Page, ULONG64 Word)
{
    ULONG64 Value = Seed ^ (Page * 0x9e3779b97f4a7c15ull) ^ (Word << 48);
    Value ^= Value >> 29;
    return Value * 0xbf58476d1ce4e5b9ull;
}

/*
 * The n-th page of a worker in an order that visits each once and jumps about: multiplication by
 * an odd number is a permutation of the numbers below a power of two; those beyond are skipped.
 */
static ULONG64 ShuffledPage(const LEDGER_WORKER *Worker, ULONG64 Step, ULONG64 PowerOfTwo)
{
    return (Step * ((Worker->Seed << 3) | 0x9e3779b1ull | 1) + Worker->Seed) & (PowerOfTwo - 1);
}

static VOID LedgerThread(PVOID Context)
{
    PLEDGER_WORKER Worker = Context;
    ULONG64 PowerOfTwo = 1;
    PAGED_CODE();
    while (PowerOfTwo < Worker->Pages) {
        PowerOfTwo *= 2;
    }
    for (ULONG Pass = 0; Pass < 2; Pass++) {
        for (ULONG64 Step = 0; Step < PowerOfTwo; Step++) {
            ULONG64 Page = ShuffledPage(Worker, Step, PowerOfTwo);
            if (Page >= Worker->Pages || Page % LEDGER_THREADS != Worker->Index) {
                continue;
            }
            PULONG64 Words = Worker->Chunks[Page / PAGES_IN_CHUNK] +
                             Page % PAGES_IN_CHUNK * WORDS_IN_PAGE;
            for (ULONG64 Word = 0; Word < WORDS_IN_PAGE; Word++) {
                if (Pass == 0) {
                    Words[Word] = ExpectedWord(Worker->Seed, Page, Word);
                } else if (Words[Word] != ExpectedWord(Worker->Seed, Page, Word)) {
                    Worker->WrongWords++;
                }
            }
            Worker->Done[Pass]++;
        }
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID LedgerFree(PULONG64 *Chunks, ULONG Count)
{
    PAGED_CODE();
    while (Count > 0) {
        ExFreePoolWithTag(Chunks[--Count], LEDGER_TAG);
    }
    ExFreePoolWithTag(Chunks, LEDGER_TAG);
}

static NTSTATUS LedgerRun(const LEDGER_REQUEST *Request, LEDGER_RESULT *Result)
{
    LEDGER_WORKER Workers[LEDGER_THREADS];
    PVOID Threads[LEDGER_THREADS];
    ULONG Count = 0, Started = 0;
    NTSTATUS Status = STATUS_SUCCESS;
    PAGED_CODE();
    if (Request->Megabytes == 0 || Request->Megabytes > LEDGER_MAX_CHUNKS) {
        return STATUS_INVALID_PARAMETER;
    }
    LedgerRuns++;
    PULONG64 *Chunks = ExAllocatePoolWithTag(PagedPool, Request->Megabytes * sizeof(PULONG64),
                                             LEDGER_TAG);
    if (Chunks == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    while (Count < Request->Megabytes) {
        Chunks[Count] = ExAllocatePoolWithTag(PagedPool, LEDGER_CHUNK, LEDGER_TAG);
        if (Chunks[Count] == NULL) {
            LedgerFree(Chunks, Count);
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        Count++;
    }
    for (ULONG i = 0; i < LEDGER_THREADS && NT_SUCCESS(Status); i++) {
        HANDLE Handle;
        RtlZeroMemory(&Workers[i], sizeof(Workers[i]));
        Workers[i].Chunks = Chunks;
        Workers[i].Pages = (ULONG64)Count * PAGES_IN_CHUNK;
        Workers[i].Seed = Request->Seed;
        Workers[i].Index = i;
        Status = PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, LedgerThread,
                                      &Workers[i]);
        if (NT_SUCCESS(Status)) {
            ObReferenceObjectByHandle(Handle, THREAD_ALL_ACCESS, NULL, KernelMode, &Threads[i],
                                      NULL);
            ZwClose(Handle);
            Started++;
        }
    }
    RtlZeroMemory(Result, sizeof(*Result));
    for (ULONG i = 0; i < Started; i++) {
        KeWaitForSingleObject(Threads[i], Executive, KernelMode, FALSE, NULL);
        ObDereferenceObject(Threads[i]);
        Result->PagesWritten += Workers[i].Done[0];
        Result->PagesRead += Workers[i].Done[1];
        Result->WrongWords += Workers[i].WrongWords;
    }
    LedgerFree(Chunks, Count);
    return Status;
}

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS LedgerDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    LEDGER_REQUEST Request;
    LEDGER_RESULT Result;
    PAGED_CODE();
    if (Stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_LEDGER_RUN) {
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
    if (Stack->Parameters.DeviceIoControl.InputBufferLength < sizeof(Request) ||
        Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(Result)) {
        return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    }
    RtlCopyMemory(&Request, Irp->AssociatedIrp.SystemBuffer, sizeof(Request));
    NTSTATUS Status = LedgerRun(&Request, &Result);
    if (!NT_SUCCESS(Status)) {
        return Complete(Irp, Status, 0);
    }
    RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, &Result, sizeof(Result));
    return Complete(Irp, STATUS_SUCCESS, sizeof(Result));
}

NTSTATUS LedgerCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    return Complete(Irp, STATUS_SUCCESS, 0);
}

VOID LedgerUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Ledger");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = LedgerCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = LedgerCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = LedgerDeviceControl;
    DriverObject->DriverUnload = LedgerUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
