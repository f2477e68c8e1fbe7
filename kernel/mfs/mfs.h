/* SPDX-License-Identifier: MIT */
/*
 * Mfs's internals: a volume of directories and files in paged pool.
 *
 * A node is a directory or a file, and what FILE_OBJECT.FsContext points to; FsContext2 is the
 * open's own MFS_OPEN. A node that a request deleted goes when its last handle is closed, as on
 * any Windows file system; its memory goes with the last file object.
 *
 * Invariants, under MfsLock:
 *   1. node.References = file objects that point to it + (1 while it is in the tree).
 *   2. node.Opens = file objects that point to it and have not had their cleanup; a node in the
 *      tree that MFS_DELETE_PENDING marks has Opens != 0.
 *   3. Children is sorted by name without case, and no two names are equal so.
 *   4. Of a file, Header.ValidDataLength = FileSize <= AllocationSize, a multiple of
 *      MFS_CLUSTER_BYTES, and Content has AllocationSize bytes, zeros behind FileSize; Content of
 *      MFS_ARCHIVED is the boot archive's, is never written, and ends at FileSize.
 *   5. node.Depth = its parent's + 1, at most MFS_DEPTH.
 *   6. MfsUsedClusters is the sum of the clusters of all nodes in the tree and open ones; it is
 *      at most MFS_CLUSTERS.
 *
 * Lock order: MfsLock (a resource, in a critical region), then what pool takes. Callers' buffers
 * are touched under it, always by MfsCopy, which does not raise. Nothing that may dereference a
 * file object or complete a request is called with it.
 *
 * All at PASSIVE_LEVEL, or APC_LEVEL for paging I/O.
 */
#pragma once

#include "io/iop.h"
#include "nt/ex.h"
#include "nt/fsrtl.h"
#include "nt/pool.h"
#include "nt/rtl.h"

#define MFS_TAG 0x2073664du         /* 'Mfs ': what lives as long as an open or a request */
#define MFS_TAG_VOLUME 0x5673664du  /* 'MfsV': nodes, names, contents; counted apart */

#define MFS_SECTOR_BYTES 512u
#define MFS_CLUSTER_BYTES 4096u
#define MFS_CLUSTERS 65536u /* 256 MB */
#define MFS_NODES 65536u    /* ours, so that names can not fill the pool */
#define MFS_NAME_BYTES (255u * sizeof(WCHAR))
#define MFS_DEPTH 256u
#define MFS_NODE_TYPE 0x4d01

/* MFS_NODE.Flags */
#define MFS_IN_TREE 0x1
#define MFS_DELETE_PENDING 0x2
#define MFS_ARCHIVED 0x4 /* Content is in the boot archive */
#define MFS_ROOT 0x8
#define MFS_VOLUME 0x10 /* stands for an open of the volume itself */

typedef struct _MFS_NODE {
    FSRTL_COMMON_FCB_HEADER Header; /* its sizes are the file's */
    struct _MFS_NODE *Parent;
    LIST_ENTRY Siblings;
    LIST_ENTRY Children; /* MFS_NODE.Siblings */
    ULONG References;
    ULONG Opens;
    ULONG Depth; /* 0: the root */
    ULONG Flags;
    ULONG Attributes; /* FILE_ATTRIBUTE_*, without NORMAL */
    ULONG64 Id;
    LARGE_INTEGER CreationTime, LastAccessTime, LastWriteTime, ChangeTime;
    SHARE_ACCESS ShareAccess;
    SECTION_OBJECT_POINTERS SectionPointers;
    PUCHAR Content;
    UNICODE_STRING Name; /* a block of its own */
} MFS_NODE, *PMFS_NODE;

/* MFS_OPEN.Flags */
#define MFS_OPEN_DELETE_ON_CLOSE 0x1
#define MFS_OPEN_SEARCHED 0x2   /* the pattern is set */
#define MFS_OPEN_IGNORES_SHARING 0x4
#define MFS_OPEN_KEEP_WRITE_TIME 0x8 /* the times that -1 was set for, as documented */
#define MFS_OPEN_KEEP_ACCESS_TIME 0x10
#define MFS_OPEN_KEEP_CHANGE_TIME 0x20

/* One open of a node. */
typedef struct _MFS_OPEN {
    ULONG Flags;
    ACCESS_MASK Access;
    UNICODE_STRING Pattern; /* of the directory query, empty: all; a block of its own */
    ULONG Dots;             /* of "." and ".." how many have been given */
    USHORT LastLength;      /* bytes of Last; 0: before the first name */
    WCHAR Last[MFS_NAME_BYTES / sizeof(WCHAR)]; /* the name given last */
} MFS_OPEN, *PMFS_OPEN;

/* A request on its way: what a routine needs of it, and what it answers. */
typedef struct _MFS_REQUEST {
    PIRP Irp;
    PIO_STACK_LOCATION Stack;
    PFILE_OBJECT File;
    PMFS_NODE Node; /* NULL in a create */
    PMFS_OPEN Open;
    ULONG_PTR Information;
} MFS_REQUEST, *PMFS_REQUEST;

extern PDEVICE_OBJECT MfsDiskDevice, MfsVolumeDevice;
extern PMFS_NODE MfsRoot, MfsVolumeNode;
extern ULONG MfsUsedClusters;
extern LARGE_INTEGER MfsVolumeTime; /* of its creation */

/* ---- volume.c ---- */
/* The driver, its devices, the names that lead to them. PASSIVE_LEVEL, once. */
VOID MfsInitializeSystem(VOID);
VOID MfsLockShared(VOID);
VOID MfsLockExclusive(VOID);
VOID MfsUnlock(VOID);
VOID MfsQueryTime(PLARGE_INTEGER Time);
/*
 * Whether the system buffer of a query or a set, Length bytes, holds what its class takes: Least,
 * 0 for a class that there is not. STATUS_INVALID_INFO_CLASS, STATUS_INFO_LENGTH_MISMATCH.
 */
NTSTATUS MfsCheckInformation(PMFS_REQUEST Request, ULONG Length, ULONG Least);

/* ---- archive.c ---- */
VOID MfsTakeArchive(VOID);

/* ---- node.c; MfsLock held exclusive, MfsFindChild also shared ---- */
PMFS_NODE MfsFindChild(PMFS_NODE Directory, PCUNICODE_STRING Name);
/* The first child whose name is not below Name (Above: is above), NULL: none. */
PMFS_NODE MfsNextChild(PMFS_NODE Directory, PCUNICODE_STRING Name, BOOLEAN Above);
/* STATUS_OBJECT_NAME_INVALID; Wild: the name may have wildcards. */
NTSTATUS MfsCheckName(PCUNICODE_STRING Name, BOOLEAN Wild);
/* In the tree; the name is checked and not there yet. Attributes with DIRECTORY: a directory. */
NTSTATUS MfsCreateNode(PMFS_NODE Directory, PCUNICODE_STRING Name, ULONG Attributes,
                       PMFS_NODE *Node);
VOID MfsRemoveNode(PMFS_NODE Node); /* from the tree; the tree's reference goes */
/* The node after Node of those below Top, each directory before what is in it; NULL: none. */
PMFS_NODE MfsNextBelow(PMFS_NODE Top, PMFS_NODE Node);
/*
 * A copy of Name in place of the node's, under another directory or the same one; Replaced, when
 * not NULL, goes. STATUS_OBJECT_NAME_INVALID: too deep, STATUS_INSUFFICIENT_RESOURCES; nothing has
 * changed.
 */
NTSTATUS MfsMoveNode(PMFS_NODE Node, PMFS_NODE Directory, PCUNICODE_STRING Name,
                     PMFS_NODE Replaced);
VOID MfsDereferenceNode(PMFS_NODE Node);
/* Bytes of \A\B\C; written backwards from End when that is not NULL. */
ULONG MfsBuildPath(PMFS_NODE Node, PCHAR End);
BOOLEAN MfsIsDirectory(PMFS_NODE Node);

/* ---- content.c; MfsLock held exclusive ---- */
/* The content becomes Size bytes, new ones zero. STATUS_DISK_FULL, STATUS_INSUFFICIENT_RESOURCES:
   nothing has changed. */
NTSTATUS MfsSetFileSize(PMFS_NODE Node, ULONG64 Size);
/* At least Size bytes of room; less than the content: it is cut. */
NTSTATUS MfsSetAllocation(PMFS_NODE Node, ULONG64 Size);
/* Before the content is written: it is the node's own then. */
NTSTATUS MfsOwnContent(PMFS_NODE Node);
VOID MfsFreeContent(PMFS_NODE Node);
/* Room that nothing fills is given back. */
VOID MfsTrimContent(PMFS_NODE Node);

/* ---- the requests: one routine each, MfsLock not held; the status is the answer ---- */
typedef NTSTATUS MFS_ROUTINE(PMFS_REQUEST Request);
MFS_ROUTINE MfsCreate, MfsCleanup, MfsClose, MfsRead, MfsWrite, MfsQuery, MfsSet, MfsFlush;
MFS_ROUTINE MfsQueryDirectory, MfsQueryVolume, MfsSetVolume, MfsControl;

/* ---- rename.c; MfsLock held exclusive ---- */
NTSTATUS MfsRename(PMFS_REQUEST Request, const FILE_RENAME_INFORMATION *Rename, ULONG Length,
                   BOOLEAN Replace);
/* Whether the node may be marked for deletion. */
NTSTATUS MfsCheckDelete(PMFS_NODE Node, BOOLEAN IgnoreReadOnly);
