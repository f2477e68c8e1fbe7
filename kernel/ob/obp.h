/* SPDX-License-Identifier: MIT */
/*
 * Ob's internals: headers, types, directories, handle tables.
 *
 * Every object's body is preceded by an OBJECT_HEADER, and that, when the object was created with
 * a name, by an OBJECT_HEADER_NAME_INFO. Layouts are those of build 18362, so that a debugger's
 * !object and !handle read them.
 *
 * References: PointerCount counts pointers and handles; HandleCount counts handles only. A name
 * in a directory holds one pointer. When HandleCount falls to 0 and the object is not permanent,
 * its name goes; when PointerCount falls to 0 the object goes, always at PASSIVE_LEVEL.
 *
 * Lock order: a handle table's lock, ObpNamespaceLock, ObpSecurityLock. None is held while a type's
 * procedure runs, nor while an object is dereferenced.
 *
 * All of Ob's memory is nonpaged: references are dropped at DISPATCH_LEVEL.
 */
#pragma once

#include "ke/ki.h"
#include "nt/ex.h"
#include "nt/ob.h"
#include "nt/pool.h"
#include "nt/rtl.h"

#define OB_TAG_NAME 0x6d4e624fu      /* 'ObNm' */
#define OB_TAG_DIRECTORY 0x7269624fu /* 'Obir' */
#define OB_TAG_TABLE 0x6174624fu     /* 'Obta' */
#define OB_TAG_CREATE 0x7243624fu    /* 'ObCr' */

/* OBJECT_HEADER.Flags */
#define OB_FLAG_NEW_OBJECT 0x01 /* created, not inserted yet */
#define OB_FLAG_KERNEL_OBJECT 0x02
#define OB_FLAG_EXCLUSIVE_OBJECT 0x08
#define OB_FLAG_PERMANENT_OBJECT 0x10
#define OB_FLAG_STATIC 0x80 /* ours: lives in the kernel image, is never deleted */
/* OBJECT_HEADER.InfoMask */
#define OB_INFOMASK_NAME 0x02

typedef struct _OBJECT_HEADER {
    volatile LONG64 PointerCount;
    union {
        volatile LONG64 HandleCount;
        struct _OBJECT_HEADER *NextToFree; /* once PointerCount is 0 */
    };
    ULONG64 Lock;
    UCHAR TypeIndex; /* encoded; see ObpTypeOf */
    UCHAR TraceFlags;
    UCHAR InfoMask;
    UCHAR Flags;
    ULONG Reserved;
    struct _OBJECT_CREATE_INFORMATION *ObjectCreateInfo; /* until inserted */
    PVOID SecurityDescriptor;
    /* 30: the body follows */
} OBJECT_HEADER, *POBJECT_HEADER;

typedef struct _OBJECT_DIRECTORY_ENTRY {
    struct _OBJECT_DIRECTORY_ENTRY *ChainLink;
    PVOID Object;
    ULONG HashValue;
} OBJECT_DIRECTORY_ENTRY, *POBJECT_DIRECTORY_ENTRY;

#define OBJ_NUMBER_HASH_BUCKETS 37
typedef struct _OBJECT_DIRECTORY {
    POBJECT_DIRECTORY_ENTRY HashBuckets[OBJ_NUMBER_HASH_BUCKETS];
    ULONG64 Lock;
    PVOID DeviceMap;
    struct _OBJECT_DIRECTORY *ShadowDirectory;
    PVOID NamespaceEntry;
    PVOID SessionObject;
    ULONG Flags;
    ULONG SessionId;
} OBJECT_DIRECTORY, *POBJECT_DIRECTORY;

typedef struct _OBJECT_HEADER_NAME_INFO {
    POBJECT_DIRECTORY Directory; /* NULL: the name is in no directory (any more) */
    UNICODE_STRING Name;
    LONG ReferenceCount;
    ULONG Reserved;
} OBJECT_HEADER_NAME_INFO, *POBJECT_HEADER_NAME_INFO;

typedef struct _OBJECT_CREATE_INFORMATION {
    ULONG Attributes;
    HANDLE RootDirectory;
    PVOID ParseContext;
    KPROCESSOR_MODE ProbeMode;
    PSECURITY_DESCRIPTOR SecurityDescriptor; /* captured, or NULL */
} OBJECT_CREATE_INFORMATION;

typedef struct _OBJECT_SYMBOLIC_LINK {
    LARGE_INTEGER CreationTime;
    UNICODE_STRING LinkTarget;
    ULONG DosDeviceDriveIndex;
    ULONG Flags;
} OBJECT_SYMBOLIC_LINK, *POBJECT_SYMBOLIC_LINK;

/*
 * Remaining: what follows the object's own name, with its leading backslash, or empty.
 * DesiredAccess: without generic rights; who has asked a descriptor leaves there what it grants.
 */
typedef struct _OB_PARSE_PARAMETERS {
    PVOID Object;
    POBJECT_TYPE Type; /* wanted, NULL: any */
    KPROCESSOR_MODE AccessMode;
    ACCESS_MASK DesiredAccess;
    ULONG Attributes;
    PVOID Context;
    UNICODE_STRING Remaining;
} OB_PARSE_PARAMETERS, *POB_PARSE_PARAMETERS;

typedef VOID OB_CLOSE_METHOD(PEPROCESS Process, PVOID Object, ACCESS_MASK GrantedAccess,
                             LONG64 HandlesBefore);
typedef VOID OB_DELETE_METHOD(PVOID Object);
/* Gives a referenced object. PASSIVE_LEVEL, no locks. */
typedef NTSTATUS OB_PARSE_METHOD(POB_PARSE_PARAMETERS Parameters, PVOID *Object);
/*
 * For ObQueryNameString: the object whose name Object's begins with, and what follows it. Returns
 * a block of pool that the suffix is in, for the caller to free, or NULL. PASSIVE_LEVEL, no locks.
 */
typedef PVOID OB_QUERYNAME_METHOD(PVOID Object, PVOID *Base, PUNICODE_STRING Suffix);

/* Where the object keeps its descriptor. */
typedef PSECURITY_DESCRIPTOR *OB_SECURITY_METHOD(PVOID Object);

typedef struct _OBJECT_TYPE_INITIALIZER {
    USHORT Length;
    USHORT ObjectTypeFlags;
    ULONG ObjectTypeCode;
    ULONG InvalidAttributes;
    GENERIC_MAPPING GenericMapping;
    ULONG ValidAccessMask;
    ULONG RetainAccess;
    POOL_TYPE PoolType;
    ULONG DefaultPagedPoolCharge;
    ULONG DefaultNonPagedPoolCharge;
    PVOID DumpProcedure;
    PVOID OpenProcedure;
    OB_CLOSE_METHOD *CloseProcedure;
    OB_DELETE_METHOD *DeleteProcedure;
    OB_PARSE_METHOD *ParseProcedure;
    OB_SECURITY_METHOD *SecurityProcedure; /* NULL: the slot is in the header */
    OB_QUERYNAME_METHOD *QueryNameProcedure;
    PVOID OkayToCloseProcedure;
    ULONG WaitObjectFlagMask;
    USHORT WaitObjectFlagOffset;
    USHORT WaitObjectPointerOffset;
} OBJECT_TYPE_INITIALIZER, *POBJECT_TYPE_INITIALIZER;

#define OB_NOT_WAITABLE ((PVOID)(LONG_PTR)-1)

typedef struct _OBJECT_TYPE {
    LIST_ENTRY TypeList;
    UNICODE_STRING Name;
    PVOID DefaultObject; /* offset of the dispatcher header in the body, or OB_NOT_WAITABLE */
    UCHAR Index;
    volatile LONG TotalNumberOfObjects;
    volatile LONG TotalNumberOfHandles;
    LONG HighWaterNumberOfObjects;
    LONG HighWaterNumberOfHandles;
    OBJECT_TYPE_INITIALIZER TypeInfo;
    ULONG64 TypeLock;
    ULONG Key;
    LIST_ENTRY CallbackList;
} OBJECT_TYPE;

C_ASSERT(sizeof(OBJECT_HEADER) == 0x30);
C_ASSERT(offsetof(OBJECT_HEADER, TypeIndex) == 0x18);
C_ASSERT(offsetof(OBJECT_HEADER, InfoMask) == 0x1a);
C_ASSERT(sizeof(OBJECT_HEADER_NAME_INFO) == 0x20);
C_ASSERT(sizeof(OBJECT_DIRECTORY_ENTRY) == 0x18);
C_ASSERT(offsetof(OBJECT_DIRECTORY, Lock) == 0x128);
C_ASSERT(sizeof(OBJECT_TYPE_INITIALIZER) == 0x78);
C_ASSERT(offsetof(OBJECT_TYPE, Index) == 0x28);
C_ASSERT(offsetof(OBJECT_TYPE, TypeInfo) == 0x40);
C_ASSERT(offsetof(OBJECT_TYPE, TypeLock) == 0xb8);
C_ASSERT(sizeof(OBJECT_TYPE) == 0xd8);

#define OBP_MAXIMUM_TYPES 64
extern POBJECT_TYPE ObTypeIndexTable[OBP_MAXIMUM_TYPES]; /* 0 and 1 stay empty */
extern UCHAR ObHeaderCookie;
extern FAST_MUTEX ObpNamespaceLock;
extern POBJECT_DIRECTORY ObpRootDirectoryObject;
extern POBJECT_TYPE ObpDirectoryObjectType, ObpSymbolicLinkObjectType, ObpTypeObjectType;

FORCEINLINE POBJECT_HEADER ObpHeaderOf(PVOID Object)
{
    return (POBJECT_HEADER)Object - 1;
}

FORCEINLINE PVOID ObpBodyOf(POBJECT_HEADER Header)
{
    return Header + 1;
}

FORCEINLINE POBJECT_HEADER_NAME_INFO ObpNameInfoOf(POBJECT_HEADER Header)
{
    return (Header->InfoMask & OB_INFOMASK_NAME) ? (POBJECT_HEADER_NAME_INFO)Header - 1 : NULL;
}

/* The index is xored with the cookie and the second byte of the header's address, as in NT. */
FORCEINLINE UCHAR ObpEncodeTypeIndex(POBJECT_HEADER Header, UCHAR Index)
{
    return Index ^ ObHeaderCookie ^ (UCHAR)((ULONG_PTR)Header >> 8);
}

FORCEINLINE POBJECT_TYPE ObpTypeOf(POBJECT_HEADER Header)
{
    UCHAR Index = ObpEncodeTypeIndex(Header, Header->TypeIndex);
    return Index < OBP_MAXIMUM_TYPES ? ObTypeIndexTable[Index] : NULL;
}

/* ---- object_type.c ---- */
/* Name is kept, not copied. Also enters it in \ObjectTypes once that exists. PASSIVE_LEVEL */
NTSTATUS ObCreateObjectType(PCWSTR Name, const OBJECT_TYPE_INITIALIZER *Info,
                            PVOID DefaultObject, POBJECT_TYPE *Type);
VOID ObpInitializeTypes(VOID);
NTSTATUS ObpPublishTypes(VOID);
ACCESS_MASK ObpMapAccess(POBJECT_TYPE Type, ACCESS_MASK Access);

/* ---- object.c ---- */
/* For an object that stands in the kernel image: header fields, one reference, no name. */
VOID ObInitializeStaticObject(POBJECT_HEADER Header, POBJECT_TYPE Type);
NTSTATUS ObpAllocateObject(POBJECT_TYPE Type, PCUNICODE_STRING Name, ULONG BodySize,
                           PVOID *Object);
/* A new object that was never inserted is given back with ObDereferenceObject. */

/* ---- directory.c: ObpNamespaceLock held ---- */
PVOID ObpLookupDirectory(POBJECT_DIRECTORY Directory, PCUNICODE_STRING Name);
NTSTATUS ObpInsertDirectory(POBJECT_DIRECTORY Directory, PVOID Object);
BOOLEAN ObpRemoveDirectory(POBJECT_DIRECTORY Directory, PVOID Object);

/* ---- object_name.c ---- */
/*
 * Walks Name from Root (a handle, or NULL: from \). Insert NULL: finds and references the object.
 * Insert set: enters it under the last component; *Object is then Insert itself (referenced once
 * more for the name), or the one that already had the name with STATUS_OBJECT_NAME_EXISTS.
 */
NTSTATUS ObpLookupObjectName(HANDLE Root, PCUNICODE_STRING Name, PVOID Insert,
                             POB_PARSE_PARAMETERS Parameters, PVOID *Object);
/* Takes the name out of its directory when no handle and no permanence keeps it. PASSIVE/APC */
VOID ObpDeleteNameCheck(PVOID Object);
/* Enters a new object under Name (a full path); its short name becomes the last component. */
NTSTATUS ObpInsertNamedObject(PVOID Object, PCUNICODE_STRING Path, ULONG Attributes);

/* ---- symbolic_link.c: permanent, PASSIVE_LEVEL ---- */
NTSTATUS ObpCreateSymbolicLink(PCUNICODE_STRING Path, PCUNICODE_STRING Target);
NTSTATUS ObpCreateDirectory(PCUNICODE_STRING Path);
OB_DELETE_METHOD ObpDeleteSymbolicLink;

/* ---- handle_table.c ---- */
typedef struct _HANDLE_TABLE *PHANDLE_TABLE;
typedef struct _HANDLE_TABLE_ENTRY {
    POBJECT_HEADER Header; /* NULL: free */
    ACCESS_MASK GrantedAccess;
    union {
        ULONG Attributes; /* OBJ_INHERIT, OBJ_PROTECT_CLOSE */
        ULONG NextFree;
    };
} HANDLE_TABLE_ENTRY, *PHANDLE_TABLE_ENTRY;

PHANDLE_TABLE ObpCreateHandleTable(PEPROCESS Process);
VOID ObpDeleteHandleTable(PHANDLE_TABLE Table); /* empty */
NTSTATUS ObpAllocateHandle(PHANDLE_TABLE Table, const HANDLE_TABLE_ENTRY *Entry, PHANDLE Handle);
/* Copies the entry and references its object. FALSE: no such handle. */
BOOLEAN ObpReferenceHandleEntry(PHANDLE_TABLE Table, HANDLE Handle, PHANDLE_TABLE_ENTRY Entry);
/*
 * FALSE: no such handle. A handle protected from being closed stays, and Entry->Header is NULL;
 * Force frees it too.
 */
BOOLEAN ObpFreeHandle(PHANDLE_TABLE Table, HANDLE Handle, BOOLEAN Force,
                      PHANDLE_TABLE_ENTRY Entry);
/* FALSE: no such handle. */
BOOLEAN ObpChangeEntry(PHANDLE_TABLE Table, HANDLE Handle, ULONG Attributes);
/* Any handle of the table; NULL: it is empty, and from now on stays so. */
HANDLE ObpHandleToClose(PHANDLE_TABLE Table);

/*
 * Calls Routine for each handle, with the table's lock held, until it returns FALSE. FALSE: it did.
 * A process that is ending has none. <= APC_LEVEL
 */
typedef BOOLEAN OB_HANDLE_ROUTINE(HANDLE Handle, PHANDLE_TABLE_ENTRY Entry, PVOID Context);
BOOLEAN ObEnumerateHandles(PEPROCESS Process, OB_HANDLE_ROUTINE *Routine, PVOID Context);
/* Handles that are open. <= APC_LEVEL */
ULONG ObGetProcessHandleCount(PEPROCESS Process);

/* ---- handle.c ---- */
NTSTATUS ObpCreateHandle(PVOID Object, ACCESS_MASK GrantedAccess, ULONG Attributes,
                         PHANDLE Handle);
NTSTATUS ObpSetHandleAttributes(HANDLE Handle, KPROCESSOR_MODE Mode, ULONG Attributes);
/* Closes every handle of an exiting process, whose table then takes none. PASSIVE_LEVEL */
VOID ObKillProcess(PEPROCESS Process);
VOID ObDeleteProcess(PEPROCESS Process); /* the table too; it may have none. PASSIVE_LEVEL */
NTSTATUS ObInitializeProcess(PEPROCESS Process);

/* ---- object_callback.c: <= APC_LEVEL ---- */
#define OBP_MAXIMUM_CALLBACKS 16 /* of one operation */
/* The making of a handle, between the callbacks before and after it. */
typedef struct _OBP_HANDLE_OPERATION {
    ULONG Operation; /* OB_OPERATION_x */
    BOOLEAN KernelHandle;
    PVOID Source, Target; /* of a duplicate: processes */
    ULONG Count;
    struct {
        struct _OBP_CALLBACK *Callback;
        PVOID CallContext;
    } Called[OBP_MAXIMUM_CALLBACKS];
} OBP_HANDLE_OPERATION, *POBP_HANDLE_OPERATION;

VOID ObpInitializeCallbacks(VOID);
/* What the callbacks leave of Access. ObpCallPostOperation must follow. */
ACCESS_MASK ObpCallPreOperation(POBP_HANDLE_OPERATION Operation, PVOID Object,
                                ACCESS_MASK Access, BOOLEAN KernelHandle);
VOID ObpCallPostOperation(POBP_HANDLE_OPERATION Operation, PVOID Object, NTSTATUS Status,
                          ACCESS_MASK Granted);

/* ---- bare_types.c ---- */
VOID ObpCreateBareTypes(VOID);

/* ---- object_security.c ---- */
VOID ObpInitializeSecurity(VOID);
NTSTATUS ObpAssignSecurity(PVOID Object, PSECURITY_DESCRIPTOR Explicit);
VOID ObpDeleteSecurity(PVOID Object);
NTSTATUS ObpCheckAccess(PVOID Object, ACCESS_MASK DesiredAccess, ULONG Attributes,
                        KPROCESSOR_MODE AccessMode, PACCESS_MASK Granted);

/* ---- event_object.c ---- */
NTSTATUS ObpInitializeEventType(VOID);

/* ---- ob_initialize.c ---- */
/* The first of Ob, Ps, Io: types, the root directory and its standard directories. */
VOID ObInitializeSystem(VOID);

/* ---- caller_attributes.c ---- */
typedef struct _OB_CALLER_ATTRIBUTES {
    POBJECT_ATTRIBUTES Use; /* these; NULL when the caller gave none */
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Name;
    PWCHAR Buffer;
} OB_CALLER_ATTRIBUTES, *POB_CALLER_ATTRIBUTES;
/* On success the caller releases what was captured. Bad addresses are a status. PASSIVE_LEVEL */
NTSTATUS ObpCaptureAttributes(POBJECT_ATTRIBUTES Original, KPROCESSOR_MODE Mode,
                              POB_CALLER_ATTRIBUTES Captured);
VOID ObpReleaseAttributes(POB_CALLER_ATTRIBUTES Captured);
