/* SPDX-License-Identifier: MIT */
/*
 * The control channel between the host command and the guest's control agent: a stream of frames
 * over the virtio console (little endian, packed as declared; a frame is header + payload).
 *
 * The host sends requests, each answered by exactly one ControlReply with the same Id; the guest
 * sends events of its own at any time (Id 0). Neither side trusts the other: a frame longer than
 * CONTROL_MAX_PAYLOAD, of unknown type or with lengths that do not fit ends the session with an
 * error. Strings are UTF-8, not terminated, counted in bytes. Pages are of 4096 bytes.
 */
#pragma once

#include <stdint.h>

#include "wire/timeline.h"

#define CONTROL_MAGIC 0x4c544350u /* 'PCTL' */
#define CONTROL_VERSION 7
#define CONTROL_MAX_PAYLOAD (1u << 20)
#define CONTROL_MAX_DATA (CONTROL_MAX_PAYLOAD - 24) /* of a device's answer, bytes */

typedef struct {
    uint32_t Magic;
    uint32_t Type;   /* CONTROL_TYPE */
    uint32_t Id;     /* request number, 0 for events */
    uint32_t Length; /* of the payload that follows, bytes */
} CONTROL_HEADER;

typedef enum {
    /* requests, host to guest */
    ControlLoadDriver = 1,  /* CONTROL_LOAD + name of the file in the boot archive */
    ControlUnloadDriver,    /* empty */
    ControlOpen,            /* CONTROL_OPEN + path, such as \Device\Notepad or \??\Notepad */
    ControlClose,           /* CONTROL_CLOSE */
    ControlIoctl,           /* CONTROL_IOCTL + input + output's content; reply data: output */
    ControlRead,            /* CONTROL_TRANSFER; reply data: bytes read */
    ControlWrite,           /* CONTROL_TRANSFER + bytes */
    ControlPageOut,         /* CONTROL_PAGE_OUT */
    ControlCounters,        /* empty; reply data: CONTROL_COUNTERS */
    ControlSections,        /* empty; reply data: CONTROL_SECTION[] of the driver under test */
    ControlVerify,          /* empty; runs MiVerifyAll: Information = violations */
    ControlWait,            /* CONTROL_WAIT: replies when that much guest time has passed */
    ControlTest,            /* test kernels: CONTROL_TEST + pattern; runs guest tests */
    ControlShutdown,        /* empty; reply, then the machine exits */
    ControlWatch,           /* CONTROL_WATCH + uint32_t[], RVAs in the next driver, ascending */
    ControlWatchedList,     /* empty; reply data: CONTROL_WATCHED[], in that order */
    ControlRegistry,        /* CONTROL_REGISTRY + texts + data; a query's reply: the data */
    ControlPnp,             /* CONTROL_PNP: one step in the life of the driver's device */
    ControlTrace,           /* CONTROL_TRACE: a provider whose events are wanted, or not */
    ControlCancel,          /* CONTROL_CANCEL: cancels a request that is pending */
    ControlEndProcess,      /* empty: ends the process that has the handles, and waits for it */

    /* answer, guest to host */
    ControlReply = 0x100,   /* CONTROL_REPLY + data */

    /* events, guest to host */
    ControlBooted = 0x200,  /* CONTROL_BOOTED */
    ControlDeviceCreated,   /* path text */
    ControlSymbolicLink,    /* path text NUL-separated: link, target */
    ControlMissingImport,   /* CONTROL_TEXT2: dll, name */
    ControlImageLoaded,     /* CONTROL_IMAGE + name */
    ControlImageUnloaded,   /* CONTROL_IMAGE + name */
    ControlDebugPrint,      /* text */
    ControlFinding,         /* CONTROL_FINDING + text */
    ControlBugCheck,        /* CONTROL_BUG_CHECK + CONTROL_HISTORY[], oldest first */
    ControlTestResult,      /* CONTROL_TEST_RESULT + name */
    ControlErrorLog,        /* CONTROL_ERROR_LOG + source + strings */
    ControlWmiEvent,        /* CONTROL_WMI_EVENT + the node */
    ControlTimelineNames,   /* TIMELINE_NAMES + the names: see timeline.h */
    ControlTimeline,        /* TIMELINE_BATCH + TIMELINE_ENTRY[] */
    ControlProcessEnded,    /* CONTROL_PROCESS_ENDED + name: a process with a program */
    ControlTraceEvent,      /* CONTROL_TRACE_EVENT + the provider's name + data */
    ControlCompleted,       /* CONTROL_COMPLETED + data, as a reply's: of a pending request */
} CONTROL_TYPE;

typedef struct {
    uint32_t Flags; /* none yet */
    uint32_t NameLength;
} CONTROL_LOAD;

/*
 * Without Overlapped the requests of a handle run one after the other, each until it is completed.
 * With it they run side by side: one that the driver leaves pending is answered by a reply with
 * STATUS_PENDING, and later by ControlCompleted.
 */
typedef struct {
    uint32_t DesiredAccess;
    uint32_t PathLength;
    uint32_t Overlapped; /* 0 or 1 */
    uint32_t Reserved;
} CONTROL_OPEN;

typedef struct {
    uint32_t Handle;
} CONTROL_CLOSE;

/* InputAddress and OutputAddress: 0, or a bad user address to pass for METHOD_NEITHER tests. */
typedef struct {
    uint32_t Handle;
    uint32_t Code;
    uint32_t InputLength;
    uint32_t OutputLength; /* at most CONTROL_MAX_DATA */
    uint64_t InputAddress;
    uint64_t OutputAddress;
    uint32_t OutputDataLength; /* <= OutputLength: bytes after the input that the output buffer
                                  holds at first; METHOD_IN_DIRECT drivers read them */
    uint32_t Reserved;
} CONTROL_IOCTL;

typedef struct {
    uint32_t Handle;
    uint32_t Length;
    int64_t Offset;
} CONTROL_TRANSFER;

/* The reply: STATUS_NOT_FOUND when the request is not, or no longer, pending. */
typedef struct {
    uint32_t Request; /* its Id */
} CONTROL_CANCEL;

typedef struct {
    uint32_t Evict; /* 1: written to the paging file and freed, not only out of the working sets */
} CONTROL_PAGE_OUT;

typedef struct {
    uint64_t Microseconds;
} CONTROL_WAIT;

typedef struct {
    uint64_t Seed;
    uint32_t PatternLength;
    uint32_t Reserved;
} CONTROL_TEST;

#define CONTROL_WATCH_MOST 32768u /* their rows fit in one reply */

typedef struct {
    uint32_t Length; /* bytes of what follows, at most 4 * CONTROL_WATCH_MOST; 0: watch no more */
} CONTROL_WATCH;

typedef enum {
    ControlWatchedArmed = 1,         /* it was code, and is watched */
    ControlWatchedInterruptsOff = 2, /* was entered with interrupts off */
    ControlWatchedLost = 4,          /* no longer counted since some call */
} CONTROL_WATCHED_FLAG;

/* How a routine was entered. */
typedef struct {
    uint32_t Rva; /* of its first instruction */
    uint8_t Flags; /* CONTROL_WATCHED_FLAG */
    uint8_t MaxIrql;
    uint16_t Reserved;
    uint64_t Calls;
    uint64_t Caller; /* return address of the first call at MaxIrql */
} CONTROL_WATCHED;

typedef enum {
    ControlPnpQueryStop = 1,
    ControlPnpCancelStop,
    ControlPnpStop,
    ControlPnpStart,
    ControlPnpQueryRemove,
    ControlPnpCancelRemove,
    ControlPnpRemove,
    ControlPnpSurpriseRemoval,
    ControlPnpAdd,
    ControlPnpSystemPower, /* State: SYSTEM_POWER_STATE */
    ControlPnpDevicePower, /* State: DEVICE_POWER_STATE */
} CONTROL_PNP_STEP;

typedef struct {
    uint32_t Step;  /* CONTROL_PNP_STEP */
    uint32_t State; /* of the power steps */
} CONTROL_PNP;

typedef enum {
    ControlRegistryCreateKey = 1, /* with its parents; one that exists is fine */
    ControlRegistryDeleteKey,     /* with all below; one that does not exist is fine */
    ControlRegistrySetValue,      /* and creates the key */
    ControlRegistryDeleteValue,   /* one that does not exist is fine */
    ControlRegistryQueryValue,    /* the reply's Information is the value's type */
} CONTROL_REGISTRY_OPERATION;

/* A registry path has at most 65534 bytes, a value's name at most 32766. */
#define CONTROL_REGISTRY_KEY_MOST 65534u
#define CONTROL_REGISTRY_NAME_MOST 32766u
#define CONTROL_REGISTRY_DATA_MOST 900000u

/* The texts are UTF-16LE: the key's path, \REGISTRY\..., then the value's name. */
typedef struct {
    uint32_t Operation; /* CONTROL_REGISTRY_OPERATION */
    uint32_t Type;      /* REG_..., of a value that is set */
    uint32_t TextLength; /* of both texts, bytes */
    uint32_t KeyLength;  /* of the path, bytes, <= TextLength */
    uint32_t DataLength;
    uint32_t Reserved;
} CONTROL_REGISTRY;

typedef struct {
    int32_t Status; /* NTSTATUS */
    uint32_t DataLength;
    uint64_t Information;
} CONTROL_REPLY;

typedef struct {
    uint32_t Request; /* the Id of the request that was pending */
    int32_t Status;   /* NTSTATUS */
    uint64_t Information;
    uint32_t DataLength;
    uint32_t Reserved;
} CONTROL_COMPLETED;

typedef struct {
    uint32_t Version; /* CONTROL_VERSION */
    uint32_t Reserved;
    uint64_t KernelBase;
    uint64_t TimeStampFrequency;
    uint64_t DirectoryTableBase; /* of the system process, physical: CR3 */
    uint64_t DebuggerData;       /* address of the KDDEBUGGER_DATA64 */
} CONTROL_BOOTED;

typedef struct {
    uint32_t FirstLength;
    uint32_t SecondLength;
} CONTROL_TEXT2;

typedef struct {
    uint64_t Base;
    uint64_t Size;
    uint32_t NameLength;
    uint32_t DriverUnderTest; /* 1: it is */
} CONTROL_IMAGE;

typedef enum {
    ControlSectionNonpaged = 1,
    ControlSectionPageable = 2,
    ControlSectionDiscarded = 3, /* freed after DriverEntry */
    ControlSectionHeaders = 4,
} CONTROL_SECTION_KIND;

typedef struct {
    char Name[8];
    uint64_t Address;
    uint32_t Size; /* bytes in memory */
    uint32_t Characteristics;
    uint32_t Kind; /* CONTROL_SECTION_KIND */
    uint32_t LockCount;
    uint32_t Pages;
    uint32_t ResidentPages; /* valid */
    uint32_t TransitionPages; /* standby or modified */
    uint32_t OutPages; /* only in the paging file */
    uint32_t Locks;    /* calls so far */
    uint32_t Reserved;
} CONTROL_SECTION;

typedef struct {
    uint64_t TotalPages, FreePages, ZeroedPages, StandbyPages, ModifiedPages, ActivePages;
    uint64_t CommittedPages, CommitLimit;
    uint64_t PagingFileSlots, PagingFileSlotsUsed;
    uint64_t SystemWorkingSetPages;
    uint64_t DemandZeroFaults, SoftFaults, HardFaults;
    uint64_t PagesRead, PageReads, PagesWritten, PageWrites, PagesTrimmed;
    uint64_t NonpagedPoolBytes, PagedPoolBytes, NonpagedPoolBlocks, PagedPoolBlocks;
    uint64_t InterruptTime; /* 100 ns since boot */
    uint64_t RegistryBytes, RegistryBlocks; /* of paged pool, counted there too */
    uint64_t VolumeBytes, VolumeBlocks;     /* the same of the volume's files */
    uint64_t KernelStackSlots; /* of PagingFileSlotsUsed: stacks of threads that wait */
} CONTROL_COUNTERS;

typedef struct {
    uint32_t Code; /* CONTROL_FINDING_CODE */
    uint32_t TextLength;
    uint64_t Address; /* where it is: in the call instruction (not behind it), 0: nowhere */
} CONTROL_FINDING;

typedef enum {
    ControlHistoryCall = 1,  /* Caller called Name; Value: its first argument */
    ControlHistoryIrqlWrite, /* Caller set IRQL to Value by an instruction */
    ControlHistoryFault,     /* Caller touched the address Value, which was not there */
    ControlHistoryPageOut,   /* Value pages left memory */
} CONTROL_HISTORY_KIND;

#define CONTROL_HISTORY_MOST 1000u

/* One thing that verified drivers did. */
typedef struct {
    uint64_t Number; /* on this processor, from 1 on */
    uint64_t Caller; /* a return address, or the instruction itself */
    uint64_t Value;
    uint8_t Kind;    /* CONTROL_HISTORY_KIND */
    uint8_t Irql;    /* before it */
    uint8_t Reserved[6];
    char Name[48];   /* NUL terminated, empty unless the kind has one */
} CONTROL_HISTORY;

#define CONTROL_ERROR_LOG_DUMP 50u

/*
 * An entry of the error log, as the driver's IO_ERROR_LOG_PACKET had it. The source is the name of
 * the driver, or of its device; each string ends with a NUL.
 */
typedef struct {
    int32_t ErrorCode;
    int32_t FinalStatus;
    uint32_t UniqueErrorValue;
    uint32_t SequenceNumber;
    uint32_t IoControlCode;
    uint16_t EventCategory;
    uint8_t MajorFunction;
    uint8_t RetryCount;
    int64_t DeviceOffset;
    uint32_t SourceLength;
    uint32_t StringsLength;
    uint32_t DumpCount; /* of Dump, at most CONTROL_ERROR_LOG_DUMP */
    uint32_t Dump[CONTROL_ERROR_LOG_DUMP];
    uint32_t Reserved;
} CONTROL_ERROR_LOG;

/* An event that a driver sent through WMI. */
typedef struct {
    uint8_t Guid[16]; /* as the driver's GUID is in memory */
    uint32_t Flags;   /* WNODE_FLAG_x */
    uint32_t InstanceIndex;
    uint32_t DataLength; /* as the node says; 0: it says nothing */
    uint32_t NodeLength;
} CONTROL_WMI_EVENT;

/* A GUID is as the driver's is in memory. Level 0, AnyKeyword 0: all. */
typedef struct {
    uint8_t Guid[16];
    uint64_t AnyKeyword, AllKeyword;
    uint32_t Level; /* <= 255 */
    uint32_t Enable;
} CONTROL_TRACE;

#define CONTROL_TRACE_STRING 1u /* the data are a text in UTF-16LE, with its NUL */

/* An event of a provider that is wanted. */
typedef struct {
    uint8_t Guid[16];
    uint8_t Activity[16];
    uint64_t Keyword;
    uint64_t Thread; /* its id */
    uint16_t Id, Task;
    uint8_t Version, Channel, Level, Opcode;
    uint32_t Flags;       /* CONTROL_TRACE_STRING */
    uint32_t WholeLength; /* of the event's data, bytes */
    uint32_t NameLength;  /* 0: the provider has not told its name */
    uint32_t DataLength;  /* of its beginning, which follows; <= WholeLength */
} CONTROL_TRACE_EVENT;

/* What kind of memory an address lies in. */
typedef enum {
    ControlMemoryNone, /* no address is concerned */
    ControlMemoryOther,
    ControlMemoryNull, /* the first 64 KB, where no memory ever is */
    ControlMemoryUser,
    ControlMemoryPagedPool,
    ControlMemoryNonpagedPool,
    ControlMemoryImage,         /* of a driver that is loaded */
    ControlMemoryUnloadedImage, /* of one that was */
    ControlMemoryKernelStack,   /* of a thread whose stack is swapped out */
} CONTROL_MEMORY;

#define CONTROL_STACK_FRAMES 32

typedef struct {
    uint32_t Code;
    uint32_t Irql;
    uint64_t Parameter[4];
    uint64_t Rip, Rsp; /* of the interrupted or calling code */
    uint64_t FaultAddress; /* of a page fault; Memory tells whether there was one */
    uint32_t FrameCount;
    uint32_t HistoryLength; /* bytes of what follows, at most CONTROL_HISTORY_MOST entries */
    uint64_t Frame[CONTROL_STACK_FRAMES]; /* return addresses, innermost first; [0] is Rip */
    uint64_t DriverBase; /* the image at fault, which may be unloaded; 0: not known */
    char DriverName[64]; /* NUL terminated */
    char SectionName[16]; /* of the address referenced, NUL terminated, may be empty */
    uint64_t SectionBase;
    uint32_t SectionKind; /* CONTROL_SECTION_KIND, 0: none */
    uint32_t SectionLockCount;
    uint64_t IrqlRaisedBy; /* return address of the raise to DISPATCH_LEVEL or above, 0: unknown */
    uint32_t IsTrap; /* 1: Frame[0] is the instruction that trapped, 0: a return address */
    uint32_t Memory; /* CONTROL_MEMORY, of the address referenced */
    uint32_t SectionWholePaged; /* 1: MmPageEntireDriver is in force */
    uint32_t SectionLocks, SectionUnlocks; /* calls so far */
    uint32_t Reserved;
    uint64_t SectionLockedBy, SectionUnlockedBy; /* call sites of the last, 0: none */
    uint64_t SectionOutSince; /* the event at which pages of it left last, 0: none known */
    uint64_t StackThread; /* ControlMemoryKernelStack: the KTHREAD whose stack it is */
} CONTROL_BUG_CHECK;

/* Addresses are those of user mode. */
typedef struct {
    int32_t Status; /* the process's exit status */
    uint32_t NameLength;
    uint64_t ProcessId;
    uint64_t Rip;
    uint64_t FaultAddress;
    uint32_t Access; /* CONTROL_PROCESS_ACCESS */
    uint32_t Reason; /* CONTROL_PROCESS_END */
} CONTROL_PROCESS_ENDED;

typedef enum {
    ControlEndedByException, /* Status is the exception's; else there are no addresses */
    ControlEndedByRequest,   /* a system call, or the debugger's .kill: DBG_TERMINATE_PROCESS */
} CONTROL_PROCESS_END;

typedef enum {
    ControlAccessNone, /* no address is concerned */
    ControlAccessRead,
    ControlAccessWrite,
    ControlAccessExecute,
} CONTROL_PROCESS_ACCESS;

typedef struct {
    uint32_t Failures;
    uint32_t NameLength;
    uint32_t TextLength;
    uint32_t Reserved;
} CONTROL_TEST_RESULT; /* then name, then text of the first failure */
