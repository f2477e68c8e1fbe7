/* SPDX-License-Identifier: MIT */
/*
 * Cm's internals: the registry, one hive in memory.
 *
 * The tree is made of nodes (keys) and values in paged pool. A handle's object, CM_KEY_BODY, is a
 * small nonpaged block that points to a node; each open makes one. A node lives while it is in
 * the tree or a body points to it: deletion takes it out of the tree, and what is done with a
 * handle to it then gives STATUS_KEY_DELETED.
 *
 * Invariants, under CmpLock:
 *   1. node.References = bodies that point to it + (1 while it is in the tree).
 *   2. A node in the tree has a parent in the tree, or is CmpRootNode.
 *   3. SubKeys is sorted by name without case, and no two names are equal so; Values is in the
 *      order of creation, and no two names are equal without case.
 *   4. CmpPoolBytes is the sum of the sizes of nodes, classes and values, <= CMP_QUOTA.
 *
 * Lock order: CmpLock (a resource), then what pool takes. Nothing of Ob that may dereference a
 * body is called with it. The caller's buffers may be touched under it: they may raise, so the
 * lock is left in a __finally.
 *
 * Drivers' callbacks (callback.c) are called without CmpLock, by operation.c, and by CmpParseKey
 * for opens.
 *
 * There are no security descriptors: a handle grants what was asked for.
 */
#pragma once

#include "ke/ki.h"
#include "nt/cm_callback.h"
#include "nt/ex.h"
#include "nt/pool.h"
#include "nt/rtl.h"
#include "ob/obp.h"

#define CM_TAG 0x20204d43u      /* 'CM  ': what lives as long as a handle or a call */
#define CM_TAG_HIVE 0x76484d43u /* 'CMHv': nodes and values; the leak check counts it apart */

/* Documented: registry element size limits, and a depth of 512 levels. */
#define CMP_KEY_NAME_BYTES (255u * sizeof(WCHAR))
#define CMP_VALUE_NAME_BYTES (16383u * sizeof(WCHAR))
#define CMP_VALUE_DATA_BYTES (1u << 20) /* ours: the standard format's limit on Windows */
#define CMP_DEPTH 512u
#define CMP_QUOTA (16u << 20) /* bytes of the whole hive; ours */
#define CMP_MAXIMUM_REPARSES 32u

#define CM_NODE_VOLATILE 0x1
#define CM_NODE_LINK 0x2    /* its value SymbolicLinkValue says where to */
#define CM_NODE_BUILT_IN 0x4 /* \REGISTRY, \REGISTRY\MACHINE, ...: can not be deleted */
#define CM_NODE_DELETED 0x8

typedef struct _CM_VALUE {
    LIST_ENTRY Links;
    ULONG Type;
    ULONG DataLength;
    ULONG BlockBytes;
    USHORT NameLength;
    WCHAR Name[]; /* then, aligned to 8, the data */
} CM_VALUE, *PCM_VALUE;

typedef struct _CM_KEY_NODE {
    struct _CM_KEY_NODE *Parent;
    LIST_ENTRY Siblings;
    LIST_ENTRY SubKeys; /* CM_KEY_NODE.Siblings */
    LIST_ENTRY Values;  /* CM_VALUE.Links */
    ULONG SubKeyCount;
    ULONG ValueCount;
    ULONG References;
    ULONG Depth; /* 0: the root */
    ULONG Flags;
    ULONG BlockBytes;
    LARGE_INTEGER LastWriteTime;
    UNICODE_STRING Class;
    UNICODE_STRING Name;
    WCHAR Text[]; /* Name's, then Class's */
} CM_KEY_NODE, *PCM_KEY_NODE;

/* The body of a Key object. */
typedef struct _CM_KEY_BODY {
    PCM_KEY_NODE Node;   /* NULL: opening failed */
    UNICODE_STRING Path; /* \REGISTRY\...; paged pool */
    LIST_ENTRY Contexts; /* what callbacks attached; CmpCallbackLock */
} CM_KEY_BODY, *PCM_KEY_BODY;

/* ParseContext of an open or create. */
typedef struct _CM_PARSE_CONTEXT {
    BOOLEAN Create;
    PUNICODE_STRING CompleteName; /* as the caller gave it */
    ULONG Options; /* REG_OPTION_* */
    UNICODE_STRING Class;
    ULONG Disposition; /* out */
} CM_PARSE_CONTEXT, *PCM_PARSE_CONTEXT;

FORCEINLINE PVOID CmpValueData(PCM_VALUE Value)
{
    return (PUCHAR)Value + ((offsetof(CM_VALUE, Name) + Value->NameLength + 7) & ~7ull);
}

extern PCM_KEY_NODE CmpRootNode;
extern PVOID CmpRootObject; /* \REGISTRY in Ob's namespace */

/* ---- key_node.c; CmpLock held, except CmpLock*, CmpUnlock ---- */
VOID CmpInitializeNodes(VOID);
VOID CmpLockRegistry(VOID); /* PASSIVE_LEVEL; enters a critical region */
VOID CmpUnlockRegistry(VOID);
/* Zeroed; NULL with *Status set: the quota or the pool. CmpFree takes the same size. */
PVOID CmpAllocate(ULONG Bytes, PNTSTATUS Status);
VOID CmpFree(PVOID Block, ULONG Bytes);
PCM_KEY_NODE CmpFindSubKey(PCM_KEY_NODE Parent, PCUNICODE_STRING Name);
/* Parent NULL: the root. Name is checked; one that exists already is the caller's defect. */
NTSTATUS CmpCreateNode(PCM_KEY_NODE Parent, PCUNICODE_STRING Name, PCUNICODE_STRING Class,
                       ULONG Flags, PCM_KEY_NODE *Node);
/* Takes a node without subkeys out of the tree. STATUS_CANNOT_DELETE, STATUS_KEY_DELETED */
NTSTATUS CmpDeleteNode(PCM_KEY_NODE Node);
VOID CmpDereferenceNode(PCM_KEY_NODE Node);
VOID CmpTouchNode(PCM_KEY_NODE Node); /* the time of the last write */
/* Bytes of \REGISTRY\...; written backwards from End when that is not NULL. */
ULONG CmpBuildPath(PCM_KEY_NODE Node, PCHAR End);

/* ---- key_value.c; CmpLock held ---- */
PCM_VALUE CmpFindValue(PCM_KEY_NODE Node, PCUNICODE_STRING Name);
/* Data may be in the caller's memory, which may raise: nothing has changed then. */
NTSTATUS CmpSetValue(PCM_KEY_NODE Node, PCUNICODE_STRING Name, ULONG Type, const VOID *Data,
                     ULONG Bytes);
VOID CmpRemoveValue(PCM_KEY_NODE Node, PCM_VALUE Value);

/* ---- key_object.c ---- */
OB_PARSE_METHOD CmpParseKey;
OB_DELETE_METHOD CmpDeleteKeyObject;
OB_QUERYNAME_METHOD CmpQueryKeyName;
OB_CLOSE_METHOD CmpCloseKeyObject; /* callback.c */
NTSTATUS CmpReferenceKey(HANDLE Handle, ACCESS_MASK Access, PCM_KEY_BODY *Body);

/* ---- callback.c: PASSIVE_LEVEL, no locks ---- */
typedef struct _CM_CALLBACK_FRAME *PCM_CALLBACK_FRAME;
typedef struct _CMP_OPERATION {
    REG_NOTIFY_CLASS Pre, Post;
    PVOID Information;   /* the pre-notification's structure */
    ULONG ContextOffset; /* of its CallContext */
    PCM_KEY_BODY Body;   /* whose context the callbacks get; NULL: none */
    PCM_CALLBACK_FRAME Frames;
    NTSTATUS Status;     /* when CmpBeginOperation said no */
    BOOLEAN Bypassed;    /* a callback did the operation itself */
} CMP_OPERATION, *PCMP_OPERATION;
#define CMP_OPERATION_OF(name, body, information, type)                                        \
    {                                                                                          \
        .Pre = RegNtPre##name, .Post = RegNtPost##name, .Information = (information),          \
        .ContextOffset = offsetof(type, CallContext), .Body = (body)                           \
    }

VOID CmpInitializeCallbacks(VOID);
/*
 * TRUE: do it. FALSE: do not; Operation->Status is the result. After either CmpEndOperation, which
 * returns the status that the caller gets. Object: of the post-notification.
 */
BOOLEAN CmpBeginOperation(PCMP_OPERATION Operation);
NTSTATUS CmpEndOperation(PCMP_OPERATION Operation, NTSTATUS Status, PVOID Object);
/* The drivers are told that contexts attached to the key object end. */
VOID CmpEndObjectContexts(PCM_KEY_BODY Body);

/* ---- operation.c ---- */
/* CmpLock held, Body's key exists. May raise: then the lock goes and the callbacks are told. */
typedef NTSTATUS CMP_WORK(PCM_KEY_BODY Body, PVOID Information);
NTSTATUS CmpPerform(HANDLE KeyHandle, ACCESS_MASK Access, PCMP_OPERATION Operation,
                    CMP_WORK *Work);

/* ---- notification.c ---- */
VOID CmpInitializeNotifications(VOID);
/* CmpLock held. Filter: the REG_NOTIFY_CHANGE_* that happened to Node. */
VOID CmpReportChange(PCM_KEY_NODE Node, ULONG Filter);
/* CmpLock held. Node is about to leave the tree. */
VOID CmpReportDeletion(PCM_KEY_NODE Node);
/* The last handle of Body is closed: what waits for changes ends. */
VOID CmpEndNotifications(PCM_KEY_BODY Body);

/* ---- information.c ---- */
typedef struct _CMP_PIECE {
    ULONG Offset;
    ULONG Length;
    const VOID *Data;
} CMP_PIECE;
/*
 * The fixed part first. Shorter than that: STATUS_BUFFER_TOO_SMALL, nothing is written; shorter
 * than all: STATUS_BUFFER_OVERFLOW, what fits is written. *ResultLength is what all takes.
 */
NTSTATUS CmpWritePieces(const CMP_PIECE *Pieces, ULONG Count, PVOID Buffer, ULONG Length,
                        PULONG ResultLength);

/* ---- initialize.c: PASSIVE_LEVEL ---- */
VOID CmInitializeSystem(VOID);
/* The service's key, with what an installed driver's holds; values that exist stay. */
NTSTATUS CmCreateServiceKey(PCUNICODE_STRING Path, PCUNICODE_STRING Service);
