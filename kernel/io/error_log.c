/* SPDX-License-Identifier: MIT */
/*
 * The error log. An entry is a packet that the driver fills in, behind a header of ours; it is in
 * IopErrorLogEntries from its allocation until it is written or freed, so that what a driver forgot
 * is found at its unload, and what was never an entry is told from one.
 *
 * NT hands written entries to a thread, which sends them to the event log. Here they go to the host
 * at once: an entry written just before a bug check is told too. What a packet says of its own
 * lengths is checked; one that lies is a finding, and goes without what lies outside of it.
 */
#include "io/control_event.h"
#include "io/iop.h"
#include "nt/error_log.h"

#define IO_TAG_ERROR_LOG 0x724c6f49u /* 'IoLr' */
#define IOP_MAXIMUM_ENTRIES 128      /* allocated and not written: as in NT there is a limit */

typedef struct _IOP_ERROR_LOG_ENTRY {
    LIST_ENTRY Links;
    PVOID Object;          /* referenced: the device or driver */
    PDRIVER_OBJECT Driver; /* whose it is */
    PVOID Caller;          /* return address of the allocation */
    ULONG Size;            /* bytes of Packet */
    DECLSPEC_ALIGN(16) UCHAR Packet[];
} IOP_ERROR_LOG_ENTRY, *PIOP_ERROR_LOG_ENTRY;

static LIST_ENTRY IopErrorLogEntries = {&IopErrorLogEntries, &IopErrorLogEntries};
static ULONG IopErrorLogEntryCount;
static KSPIN_LOCK IopErrorLogLock; /* both; innermost */

/* NULL: Object is no device and no driver. */
static PDRIVER_OBJECT IopDriverOfObject(PVOID Object)
{
    if (Object == NULL) {
        return NULL;
    }
    if (((PDRIVER_OBJECT)Object)->Type == IO_TYPE_DRIVER) {
        return Object;
    }
    PDEVICE_OBJECT Device = Object;
    return Device->Type == IO_TYPE_DEVICE ? Device->DriverObject : NULL;
}

/* FALSE: there are too many. */
static BOOLEAN IopInsertEntry(PIOP_ERROR_LOG_ENTRY Entry)
{
    KIRQL OldIrql = KiAcquireSpinLock(&IopErrorLogLock);
    BOOLEAN Room = IopErrorLogEntryCount < IOP_MAXIMUM_ENTRIES;
    if (Room) {
        InsertTailList(&IopErrorLogEntries, &Entry->Links);
        IopErrorLogEntryCount++;
    }
    KiReleaseSpinLock(&IopErrorLogLock, OldIrql);
    return Room;
}

/* The first entry whose packet is Packet, or that is Driver's, taken out. NULL: there is none. */
static PIOP_ERROR_LOG_ENTRY IopRemoveEntry(PVOID Packet, PDRIVER_OBJECT Driver)
{
    PIOP_ERROR_LOG_ENTRY Found = NULL;
    KIRQL OldIrql = KiAcquireSpinLock(&IopErrorLogLock);
    for (PLIST_ENTRY Link = IopErrorLogEntries.Flink; Link != &IopErrorLogEntries;
         Link = Link->Flink) {
        PIOP_ERROR_LOG_ENTRY Entry = CONTAINING_RECORD(Link, IOP_ERROR_LOG_ENTRY, Links);
        if ((PVOID)Entry->Packet == Packet || Entry->Driver == Driver) {
            RemoveEntryList(Link);
            IopErrorLogEntryCount--;
            Found = Entry;
            break;
        }
    }
    KiReleaseSpinLock(&IopErrorLogLock, OldIrql);
    return Found;
}

static VOID IopFreeEntry(PIOP_ERROR_LOG_ENTRY Entry)
{
    ObfDereferenceObject(Entry->Object);
    ExFreePoolWithTag(Entry, IO_TAG_ERROR_LOG);
}

PVOID IoAllocateErrorLogEntry(PVOID IoObject, UCHAR EntrySize)
{
    PDRIVER_OBJECT Driver = IopDriverOfObject(IoObject);
    if (Driver == NULL || EntrySize < sizeof(IO_ERROR_LOG_PACKET) ||
        EntrySize > ERROR_LOG_MAXIMUM_SIZE) {
        return NULL;
    }
    PIOP_ERROR_LOG_ENTRY Entry =
        ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Entry) + EntrySize, IO_TAG_ERROR_LOG);
    if (Entry == NULL) {
        return NULL;
    }
    RtlZeroMemory(Entry, sizeof(*Entry) + EntrySize);
    Entry->Object = IoObject;
    Entry->Driver = Driver;
    Entry->Caller = KI_RETURN_ADDRESS();
    Entry->Size = EntrySize;
    ObfReferenceObject(IoObject);
    if (!IopInsertEntry(Entry)) {
        IopFreeEntry(Entry);
        return NULL;
    }
    return Entry->Packet;
}

/* The caller's entry, taken out. NULL: it is none, which is a finding; Rule says so. */
static PIOP_ERROR_LOG_ENTRY IopTakeEntry(PVOID Packet, PCSTR Rule, PVOID Caller)
{
    PIOP_ERROR_LOG_ENTRY Entry = IopRemoveEntry(Packet, NULL);
    if (Entry == NULL) {
        IopReportFinding(IopFindingErrorLogEntry, Rule, KI_CALL_SITE(Caller));
    }
    return Entry;
}

VOID IoFreeErrorLogEntry(PVOID ElEntry)
{
    PIOP_ERROR_LOG_ENTRY Entry =
        IopTakeEntry(ElEntry, "IoFreeErrorLogEntry of what is no error log entry (any more)",
                     KI_RETURN_ADDRESS());
    if (Entry != NULL) {
        IopFreeEntry(Entry);
    }
}

/* Bytes of the strings of Packet, which end at the last NUL within it. Rule: what is wrong. */
static ULONG IopStringBytes(const IO_ERROR_LOG_PACKET *Packet, ULONG Size, PCSTR *Rule)
{
    ULONG Offset = Packet->StringOffset;
    ULONG Count = 0;

    if (Packet->NumberOfStrings == 0) {
        return 0;
    }
    if (Offset % sizeof(WCHAR) != 0 || Offset > Size ||
        Offset < offsetof(IO_ERROR_LOG_PACKET, DumpData) + Packet->DumpDataSize) {
        *Rule = "an error log entry whose StringOffset is odd, in its other data or behind its end";
        return 0;
    }
    PCWSTR String = (PCWSTR)((const UCHAR *)Packet + Offset);
    ULONG Chars = (Size - Offset) / sizeof(WCHAR);
    ULONG End = 0;
    for (ULONG i = 0; i < Chars && Count < Packet->NumberOfStrings; i++) {
        if (String[i] == 0) {
            Count++;
            End = i + 1;
        }
    }
    if (Count < Packet->NumberOfStrings) {
        *Rule = "an error log entry that has not as many strings with a NUL as it says";
    }
    return End * sizeof(WCHAR);
}

static VOID IopSendPacket(PIOP_ERROR_LOG_ENTRY Entry, PVOID Caller)
{
    PIO_ERROR_LOG_PACKET Packet = (PIO_ERROR_LOG_PACKET)Entry->Packet;
    PCSTR Rule = NULL;

    if (Packet->DumpDataSize % sizeof(ULONG) != 0 ||
        Packet->DumpDataSize > Entry->Size - offsetof(IO_ERROR_LOG_PACKET, DumpData)) {
        Rule = "an error log entry whose DumpDataSize is no multiple of 4 or more than it has";
        Packet->DumpDataSize = 0;
    }
    ULONG StringBytes = IopStringBytes(Packet, Entry->Size, &Rule);
    CONTROL_ERROR_LOG Log = {
        .ErrorCode = Packet->ErrorCode,
        .FinalStatus = Packet->FinalStatus,
        .UniqueErrorValue = Packet->UniqueErrorValue,
        .SequenceNumber = Packet->SequenceNumber,
        .IoControlCode = Packet->IoControlCode,
        .EventCategory = Packet->EventCategory,
        .MajorFunction = Packet->MajorFunctionCode,
        .RetryCount = Packet->RetryCount,
        .DeviceOffset = Packet->DeviceOffset.QuadPart,
        .DumpCount = Packet->DumpDataSize / sizeof(ULONG),
    };
    C_ASSERT(offsetof(IO_ERROR_LOG_PACKET, DumpData) + sizeof(Log.Dump) >= ERROR_LOG_MAXIMUM_SIZE);
    RtlCopyMemory(Log.Dump, Packet->DumpData, Packet->DumpDataSize);
    IopSendErrorLog(&Log, Entry->Object, (PCWSTR)(Entry->Packet + Packet->StringOffset),
                    StringBytes);
    if (Rule != NULL) {
        IopReportFinding(IopFindingErrorLogEntry, Rule, KI_CALL_SITE(Caller));
    }
}

VOID IoWriteErrorLogEntry(PVOID ElEntry)
{
    PIOP_ERROR_LOG_ENTRY Entry =
        IopTakeEntry(ElEntry, "IoWriteErrorLogEntry of what is no error log entry (any more)",
                     KI_RETURN_ADDRESS());
    if (Entry != NULL) {
        IopSendPacket(Entry, KI_RETURN_ADDRESS());
        IopFreeEntry(Entry);
    }
}

VOID IopReportLeftErrorLogEntries(PDRIVER_OBJECT Driver)
{
    PIOP_ERROR_LOG_ENTRY Entry;
    while ((Entry = IopRemoveEntry(NULL, Driver)) != NULL) {
        IopReportFinding(IopFindingErrorLogEntry,
                         "an error log entry was allocated, and neither written nor freed",
                         KI_CALL_SITE(Entry->Caller));
        IopFreeEntry(Entry);
    }
}
