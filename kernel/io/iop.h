/* SPDX-License-Identifier: MIT */
/*
 * Io's internals: driver loading, device stacks, the request path, the file layer.
 *
 * Locks, outermost first:
 *   FILE_OBJECT.Busy     synchronous files: one request at a time            [PASSIVE]
 *   IopCancelLock        cancel routines; drivers take it by export           [DISPATCH]
 *   IopDatabaseLock      device lists, attachments, open counts, flags        [DISPATCH]
 *   ETHREAD.IrpListLock  the requests a thread has in flight                  [DISPATCH]
 */
#pragma once

#include "ke/ki.h"
#include "mm/mm.h"
#include "nt/io.h"
#include "nt/kd.h"
#include "ob/obp.h"

#define IO_TAG_IRP 0x20707249u       /* 'Irp ' */
#define IO_TAG_BUFFER 0x42536f49u    /* 'IoSB' */
#define IO_TAG_MDL 0x206c644du       /* 'Mdl ' */
#define IO_TAG_NAME 0x6d4e6f49u      /* 'IoNm' */
#define IO_TAG_EXTENSION 0x78456f49u /* 'IoEx' */
#define IO_TAG_WORK 0x6b576f49u      /* 'IoWk' */
#define IO_TAG_TIMER 0x6d546f49u     /* 'IoTm' */

/* IOP_DEVOBJ_EXTENSION.ExtensionFlags */
#define DOE_DELETE_PENDING 0x02
#define DOE_REMOVED_FROM_LIST 0x80000000u /* ours */
/* IOP_DEVOBJ_EXTENSION.StartIoFlags */
#define DOE_STARTIO_DEFERRED 0x02
#define DOE_STARTIO_NO_CANCEL 0x08
#define DOE_STARTIO_NEXT 0x10 /* ours: a deferred start waits */
#define DOE_STARTIO_NEXT_CANCELABLE 0x20
#define DOE_STARTIO_NEXT_BY_KEY 0x40
#define DOE_STARTIO_NEXT_MASK                                                                      \
    (DOE_STARTIO_NEXT | DOE_STARTIO_NEXT_CANCELABLE | DOE_STARTIO_NEXT_BY_KEY)

/* As build 18362 has it up to StartIoFlags. */
typedef struct _IOP_DEVOBJ_EXTENSION {
    DEVOBJ_EXTENSION Public;
    ULONG PowerFlags;
    PVOID Dope;
    ULONG ExtensionFlags;
    PVOID DeviceNode;
    PDEVICE_OBJECT AttachedTo; /* 30: the device below */
    LONG StartIoCount;
    ULONG StartIoKey; /* with DOE_STARTIO_NEXT_BY_KEY */
    ULONG StartIoFlags;
    PVPB Vpb;
} IOP_DEVOBJ_EXTENSION, *PIOP_DEVOBJ_EXTENSION;
C_ASSERT(offsetof(IOP_DEVOBJ_EXTENSION, AttachedTo) == 0x30);
C_ASSERT(offsetof(IOP_DEVOBJ_EXTENSION, StartIoFlags) == 0x40);

typedef struct _IOP_CLIENT_EXTENSION {
    struct _IOP_CLIENT_EXTENSION *Next;
    PVOID Identification;
    DECLSPEC_ALIGN(16) UCHAR Data[];
} IOP_CLIENT_EXTENSION, *PIOP_CLIENT_EXTENSION;

typedef struct _IOP_REINITIALIZE {
    LIST_ENTRY Links;
    PDRIVER_REINITIALIZE Routine;
    PVOID Context;
} IOP_REINITIALIZE, *PIOP_REINITIALIZE;

/* Of the root-enumerated device; the arrows are in plug_and_play.c. */
typedef enum _IOP_PNP_STATE {
    IopPnpNone, /* no device */
    IopPnpAdded,
    IopPnpStarted,
    IopPnpStopPending,
    IopPnpStopped,
    IopPnpRemovePending,
    IopPnpSurpriseRemoved,
} IOP_PNP_STATE;

/* Follows the DRIVER_OBJECT in its object. */
typedef struct _IOP_FILTER IOP_FILTER, *PIOP_FILTER;

typedef struct _IOP_DRIVER_EXTENSION {
    DRIVER_EXTENSION Public;
    PMM_IMAGE Image;
    UNICODE_STRING RegistryPath;
    PIOP_CLIENT_EXTENSION ClientExtensions;
    LIST_ENTRY Reinitialize;       /* IOP_REINITIALIZE */
    PDEVICE_OBJECT PhysicalDevice; /* root-enumerated for AddDevice; NULL: not a PnP driver */
    IOP_PNP_STATE PnpState, StateBeforeQuery;
    PIOP_FILTER Filters; /* in the stack of PhysicalDevice, loaded for it */
} IOP_DRIVER_EXTENSION, *PIOP_DRIVER_EXTENSION;

FORCEINLINE PIOP_DRIVER_EXTENSION IopDriverExtension(PDRIVER_OBJECT Driver)
{
    return (PIOP_DRIVER_EXTENSION)Driver->DriverExtension;
}

FORCEINLINE PIOP_DEVOBJ_EXTENSION IopDeviceExtension(PDEVICE_OBJECT Device)
{
    return (PIOP_DEVOBJ_EXTENSION)Device->DeviceObjectExtension;
}

typedef enum _IOP_FINDING_CODE {
    IopFindingDeviceLeft = 0x100,   /* Unload left a device */
    IopFindingDeviceInitializing,   /* AddDevice left DO_DEVICE_INITIALIZING set */
    IopFindingBufferOverrun,        /* IoStatus.Information exceeds the output buffer */
    IopFindingStatusPending,        /* a request was completed with STATUS_PENDING */
    IopFindingPendingNotMarked,     /* dispatch returned STATUS_PENDING without IoMarkIrpPending */
    IopFindingNotCompleted,         /* dispatch returned a final status, the request is in flight */
    IopFindingDeletedAttached,      /* one is attached still when the stack is gone */
    IopFindingErrorLogEntry,        /* left at unload, or written twice */
    IopFindingDmaRegisters,         /* an adapter went while map registers were in use */
    IopFindingWmiRegistration,      /* left at unload, or with a wrong size */
    IopFindingEtwRegistration,      /* left at unload */
} IOP_FINDING_CODE;

/* Set by the control agent; NULL: nobody. Address: of code or an object. <= DISPATCH_LEVEL */
extern VOID (*IopFinding)(ULONG Code, PCSTR Text, PVOID Address);
/* PASSIVE_LEVEL or APC_LEVEL */
extern VOID (*IopNotifyDeviceCreated)(PCUNICODE_STRING Path);
extern VOID (*IopNotifySymbolicLink)(PCUNICODE_STRING Link, PCUNICODE_STRING Target);
VOID IopReportFinding(IOP_FINDING_CODE Code, PCSTR Text, PVOID Address);

extern KSPIN_LOCK IopDatabaseLock;
extern KSPIN_LOCK IopCancelLock;

/* In the first system thread, PASSIVE_LEVEL: types, the root driver, the reserve. */
VOID IoInitializeSystem(VOID);
/* Sends IRP_MJ_SHUTDOWN to the devices that registered for it. PASSIVE_LEVEL */
VOID IopShutdownSystem(VOID);

/* ---- driver_load.c, driver_unload.c: PASSIVE_LEVEL, a system thread in the system process ---- */
/*
 * Makes \Driver\Name of an image that is loaded, calls DriverEntry, Reinitialize routines,
 * AddDevice and start, then frees the image's initialization sections. On failure nothing of the
 * driver object remains and the status is DriverEntry's or AddDevice's; the image is the caller's
 * to unload, in either case.
 */
NTSTATUS IopLoadDriver(PCUNICODE_STRING Name, PMM_IMAGE Image, BOOLEAN Filter,
                       PDRIVER_OBJECT *Driver);
/*
 * STATUS_INVALID_DEVICE_REQUEST: files are open, another driver's device is attached, or there is
 * no DriverUnload; nothing has happened then. On success the caller's pointer is gone and the
 * image may be unloaded.
 */
NTSTATUS IopUnloadDriver(PDRIVER_OBJECT Driver);

/* ---- driver_object.c ---- */
NTSTATUS IopCreateDriverObject(PCUNICODE_STRING Name, PDRIVER_INITIALIZE Entry,
                               PDRIVER_OBJECT *Driver);
/* Name and creation reference go. */
VOID IopDeleteDriverObject(PDRIVER_OBJECT Driver);
VOID IopCallReinitializeRoutines(PDRIVER_OBJECT Driver);
DRIVER_DISPATCH IopInvalidDeviceRequest;
OB_DELETE_METHOD IopDeleteDriver;

/* ---- device_object.c, device_stack.c ---- */
OB_DELETE_METHOD IopDeleteDevice;
/* An open file's hold on a device. FALSE: it is being deleted or initialized, or is exclusive. */
NTSTATUS IopOpenDevice(PDEVICE_OBJECT Device);
VOID IopCloseDevice(PDEVICE_OBJECT Device);
/* IopDatabaseLock held: takes a deleted device out of its driver's list when nothing holds it.
   TRUE: the caller gives up the list's reference. */
BOOLEAN IopTryUnlinkDevice(PDEVICE_OBJECT Device);
PDEVICE_OBJECT IopTopOfStack(PDEVICE_OBJECT Device); /* IopDatabaseLock held */

/* ---- irp.c and the irp_*.c files ---- */
VOID IopQueueThreadIrp(PIRP Irp);
VOID IopDequeueThreadIrp(PIRP Irp);
/* Cancels what the current thread has sent; waits for nothing. APC_LEVEL */
VOID IopCancelCurrentThreadIrps(VOID);
/* A thread is about to exit: cancels its requests and waits for them. PASSIVE_LEVEL */
VOID IopCancelThreadIo(PETHREAD Thread);
/* As IoAllocateIrp, but waits for the reserve rather than fail. PASSIVE_LEVEL */
PIRP IopAllocateIrpMustSucceed(CCHAR StackSize);
VOID IopInitializeIrpReserve(VOID);

/* The length of SystemBuffer, kept so that completion can bound the copy back. */
FORCEINLINE VOID IopSetBufferLength(PIRP Irp, ULONG Length)
{
    Irp->Tail.Overlay.AuxiliaryBuffer = (PCHAR)(ULONG_PTR)Length;
}

/*
 * The part of completion that runs in the requesting thread at APC_LEVEL: copy back, status
 * block, event, release. The IRP is gone afterwards.
 */
VOID IopFinishRequest(PIRP Irp, PFILE_OBJECT FileObject, ULONG BufferLength);

/* ---- request_buffers.c: PASSIVE_LEVEL; on failure everything taken is given back ---- */
typedef struct _IOP_TRANSFER {
    KPROCESSOR_MODE Mode;
    PVOID Input;
    ULONG InputLength;
    PVOID Output;
    ULONG OutputLength;
} IOP_TRANSFER, *PIOP_TRANSFER;
NTSTATUS IopSetUpControlBuffers(PIRP Irp, ULONG Code, const IOP_TRANSFER *Transfer);
/* Write: data goes from Buffer to the device. Flags are the top device's DO_..._IO. */
NTSTATUS IopSetUpTransferBuffers(PIRP Irp, ULONG DeviceFlags, KPROCESSOR_MODE Mode, PVOID Buffer,
                                 ULONG Length, BOOLEAN Write);
VOID IopReleaseBuffers(PIRP Irp);
NTSTATUS IopProbeRange(PVOID Address, SIZE_T Length, BOOLEAN Write);

/* ---- file_object.c ---- */
typedef struct _IOP_OPEN_PACKET {
    CSHORT Type; /* IO_TYPE_OPEN_PACKET */
    CSHORT Size;
    ULONG CreateOptions;
    ULONG Disposition;
    USHORT FileAttributes;
    USHORT ShareAccess;
    PVOID EaBuffer; /* system memory */
    ULONG EaLength;
    LARGE_INTEGER AllocationSize;
    UCHAR StackFlags;       /* SL_* */
    BOOLEAN IgnoresSharing; /* IO_IGNORE_SHARE_ACCESS_CHECK */
    PDEVICE_OBJECT Hint;    /* the device that the file's requests go to; NULL: the top */
    NTSTATUS FinalStatus;
    ULONG_PTR Information;
} IOP_OPEN_PACKET, *PIOP_OPEN_PACKET;
/* FILE_OBJECT.FileObjectExtension: of files that were opened in a special way. */
typedef struct _IOP_FILE_EXTENSION {
    BOOLEAN IgnoresSharing;
    PDEVICE_OBJECT Hint; /* referenced; NULL: none */
} IOP_FILE_EXTENSION, *PIOP_FILE_EXTENSION;
/* The device that the file's requests go to, referenced. */
PDEVICE_OBJECT IopReferenceTop(PFILE_OBJECT File);
/* The file system's volume that the file is on, or the device it was opened on. */
PDEVICE_OBJECT IopBaseOf(PFILE_OBJECT File);
NTSTATUS IopPageFile(PFILE_OBJECT File, UCHAR MajorFunction, PVOID Buffer, ULONG Length,
                     LONGLONG Offset, PULONG_PTR Done);
OB_PARSE_METHOD IopParseDevice, IopParseFile;
OB_SECURITY_METHOD IopDeviceSecurity, IopFileSecurity;
OB_CLOSE_METHOD IopCloseFile;
OB_DELETE_METHOD IopDeleteFile;
OB_QUERYNAME_METHOD IopQueryFileName;
VOID IopLockFile(PFILE_OBJECT FileObject);
VOID IopUnlockFile(PFILE_OBJECT FileObject);

/* ---- file.c: requests of a mode, on handles of the current process; PASSIVE_LEVEL ---- */
NTSTATUS IopOpenFile(PCUNICODE_STRING Path, ACCESS_MASK DesiredAccess, KPROCESSOR_MODE Mode,
                     PHANDLE Handle);
/*
 * Buffers are user addresses of the current (attached) process and are treated as hostile. The
 * calls wait until the request is complete; IoStatus is kernel memory, always filled in.
 */
NTSTATUS IopDeviceControlFile(HANDLE Handle, ULONG Code, PVOID Input, ULONG InputLength,
                              PVOID Output, ULONG OutputLength, PIO_STATUS_BLOCK IoStatus);
NTSTATUS IopReadFile(HANDLE Handle, PVOID Buffer, ULONG Length, PLARGE_INTEGER Offset,
                     PIO_STATUS_BLOCK IoStatus);
NTSTATUS IopWriteFile(HANDLE Handle, PVOID Buffer, ULONG Length, PLARGE_INTEGER Offset,
                      PIO_STATUS_BLOCK IoStatus);

typedef struct _IOP_REQUEST {
    HANDLE Handle;
    PFILE_OBJECT File;  /* instead of the handle, unless NULL */
    BOOLEAN Unlocked;   /* a synchronous file's lock is not taken: the caller may be in a request */
    KPROCESSOR_MODE Mode;
    BOOLEAN Wait;       /* for completion, though the file is not synchronous: IoStatus is ours */
    UCHAR MajorFunction;
    UCHAR StackFlags;   /* SL_*, of a directory query */
    ULONG Code;         /* of a control request; the class of what is asked or told */
    PUNICODE_STRING Pattern; /* of a directory query, system memory or NULL */
    PFILE_OBJECT Target;     /* the directory a file is renamed into */
    BOOLEAN ReplaceIfExists;
    PVOID Input, Output;
    ULONG InputLength, OutputLength;
    PLARGE_INTEGER Offset; /* system memory, or NULL */
    ULONG Key;
    HANDLE Event;
    PIO_APC_ROUTINE ApcRoutine;
    PVOID ApcContext;
    PIO_STATUS_BLOCK IoStatus;
} IOP_REQUEST, *PIOP_REQUEST;
/* Sends a packet of IoAllocateIrp's, waits and frees it. Information may be NULL. PASSIVE_LEVEL */
NTSTATUS IopSendAndWait(PDEVICE_OBJECT Top, PIRP Irp, PULONG_PTR Information);
NTSTATUS IopPerformRequest(PIOP_REQUEST Request);

/* ---- file_information.c: PASSIVE_LEVEL ---- */
/* The least bytes of a class's structure; 0: it can not be asked, or told. */
ULONG IopQueryFileLength(FILE_INFORMATION_CLASS Class);
ULONG IopSetFileLength(FILE_INFORMATION_CLASS Class);
ULONG IopQueryVolumeLength(FS_INFORMATION_CLASS Class);
/* What a user-mode handle must have been granted. */
ACCESS_MASK IopInformationAccess(UCHAR MajorFunction, FILE_INFORMATION_CLASS Class);
/* Of the handle that a request comes by. */
typedef struct _IOP_HANDLE_USE {
    ACCESS_MASK Granted;
    KPROCESSOR_MODE Mode; /* the requestor's; access has been checked */
} IOP_HANDLE_USE;
/*
 * Use NULL: by file object, of kernel mode, and without the file's lock. IoStatus is system memory;
 * it is set unless the class or the length is wrong. A query's Buffer is memory of Use's mode, its
 * range checked; what is set is system memory.
 */
NTSTATUS IopQueryFile(PFILE_OBJECT File, const IOP_HANDLE_USE *Use, PVOID Buffer, ULONG Length,
                      FILE_INFORMATION_CLASS Class, PIO_STATUS_BLOCK IoStatus);
NTSTATUS IopSetFile(PFILE_OBJECT File, const IOP_HANDLE_USE *Use, PVOID Buffer, ULONG Length,
                    FILE_INFORMATION_CLASS Class, PIO_STATUS_BLOCK IoStatus);

/* ---- plug_and_play.c ---- */
VOID IopInitializeRootDriver(VOID);
VOID IopLockPnp(VOID); /* PASSIVE_LEVEL; held for all that follows */
VOID IopUnlockPnp(VOID);
NTSTATUS IopAddRootDevice(PDRIVER_OBJECT Driver);   /* AddDevice and start */
/* AddDevice alone; a return at another IRQL is a bug check. */
NTSTATUS IopCallAddDevice(PDRIVER_OBJECT Driver, PDEVICE_OBJECT Physical);
NTSTATUS IopQueryRemoveRootDevice(PDRIVER_OBJECT Driver);
VOID IopCancelRemoveRootDevice(PDRIVER_OBJECT Driver);
VOID IopRemoveRootDevice(PDRIVER_OBJECT Driver);
NTSTATUS IopQueryStopRootDevice(PDRIVER_OBJECT Driver);
VOID IopCancelStopRootDevice(PDRIVER_OBJECT Driver);
VOID IopStopRootDevice(PDRIVER_OBJECT Driver);
NTSTATUS IopStartRootDevice(PDRIVER_OBJECT Driver);
VOID IopSurpriseRemoveRootDevice(PDRIVER_OBJECT Driver);
BOOLEAN IopHasOpenFiles(PDRIVER_OBJECT Driver); /* on its device's stack */
/* Asks the stack of a root device. Type: of a query for relations. Information may be NULL. */
NTSTATUS IopAskPnp(PDEVICE_OBJECT Physical, UCHAR MinorFunction, DEVICE_RELATION_TYPE Type,
                   PULONG_PTR Information);
PDRIVER_OBJECT IopRootDeviceDriver(PDEVICE_OBJECT Device); /* NULL: it is gone, or none */
/* Path of a physical device object of the root driver, NULL: Device is none. */
PCUNICODE_STRING IopRootDeviceName(PDEVICE_OBJECT Device);
PCUNICODE_STRING IopRootDeviceService(PDEVICE_OBJECT Device);

/* ---- device_filter.c: PASSIVE_LEVEL, IopLockPnp held ---- */
/* Failure leaves what has been added so far, for IRP_MN_REMOVE_DEVICE. */
NTSTATUS IopAddFilters(PDRIVER_OBJECT Function, PDEVICE_OBJECT Physical, PCWSTR ValueName);
VOID IopUnloadFilters(PDRIVER_OBJECT Function);
BOOLEAN IopIsFilter(PDRIVER_OBJECT Function, PDRIVER_OBJECT Driver);

/* ---- service_driver.c: PASSIVE_LEVEL ---- */
/* Loads the service for a stack; no device of its own is made. The caller unloads it. */
NTSTATUS IopLoadFilterDriver(PCUNICODE_STRING Service, PMM_IMAGE *Image, PDRIVER_OBJECT *Driver);
/* Of a driver that has ended; the host is told. PASSIVE_LEVEL */
VOID IopUnloadServiceImage(PMM_IMAGE Image);

/* ---- device_registry.c: PASSIVE_LEVEL ---- */
/* The hardware key of a root device, or the one below it that Below (with a backslash, or empty)
   says; created as far as it is missing. */
NTSTATUS IopOpenDeviceKey(PDEVICE_OBJECT Device, PCWSTR Below, ACCESS_MASK Access, PHANDLE Key);
/* The same of a device interface. STATUS_OBJECT_NAME_NOT_FOUND: it was never registered. */
NTSTATUS IopOpenInterfaceKey(PCUNICODE_STRING SymbolicLinkName, PCWSTR Below, ACCESS_MASK Access,
                             PHANDLE Key);
/* The hardware key if it is there already. */
NTSTATUS IopFindDeviceKey(PDEVICE_OBJECT Device, ACCESS_MASK Access, PHANDLE Key);

/* ---- device_interface.c ---- */
VOID IopInitializeInterfaces(VOID);
VOID IopForgetInterfaces(PCUNICODE_STRING Target); /* PASSIVE_LEVEL */
/* FALSE: never registered. Path: Name without its reference string, in the same buffer. */
BOOLEAN IopIsInterface(PCUNICODE_STRING Name, PUNICODE_STRING Path, GUID *Class);

/* ---- error_log.c ---- */
/* At the end of a driver. PASSIVE_LEVEL */
VOID IopReportLeftErrorLogEntries(PDRIVER_OBJECT Driver);
/* ---- driver_unload.c: what a driver left registered is told and taken back. PASSIVE_LEVEL ---- */
VOID IopReportLeft(PDRIVER_OBJECT Driver);

/* ---- resource_claim.c ---- */
VOID IopInitializeClaims(VOID);
VOID IopForgetClaims(PDRIVER_OBJECT Driver);

/* ---- service_driver.c ---- */
VOID IopInitializeServices(VOID);

/* ---- timer.c ---- */
VOID IopInitializeTimers(VOID);
VOID IopRemoveTimer(PDEVICE_OBJECT Device);
/* ---- shutdown.c ---- */
VOID IopInitializeShutdown(VOID);
