/* SPDX-License-Identifier: MIT */
/*
 * What the volume holds at the start: Windows' usual folders, and the files of the boot archive.
 *
 *   volume/a/b   becomes \a\b
 *   NAME         (no slash) becomes \Windows\System32\drivers\NAME, ntoskrnl.exe's place is
 *                \Windows\System32
 *
 * Names are UTF-8. A file is read from the archive until it is written. The host has checked what
 * it put there; what is still wrong is left out and told in the log.
 */
#include "lib/cpio.h"
#include "mfs/mfs.h"

#define MFS_PATH_CHARACTERS 1024u

/* The directory or file of that path, made with all that lead to it; NULL and a status: no. */
static PMFS_NODE MfsMakePath(PCUNICODE_STRING Path, ULONG Attributes, PNTSTATUS Status)
{
    PMFS_NODE Node = MfsRoot;
    UNICODE_STRING First, Rest = *Path;

    *Status = Path->Length != 0 ? STATUS_SUCCESS : STATUS_OBJECT_NAME_INVALID;
    while (NT_SUCCESS(*Status) && Rest.Length != 0) {
        UNICODE_STRING All = Rest;
        FsRtlDissectName(All, &First, &Rest);
        *Status = MfsCheckName(&First, FALSE);
        if (!NT_SUCCESS(*Status)) {
            break;
        }
        PMFS_NODE Child = MfsFindChild(Node, &First);
        if (Child == NULL) {
            *Status = MfsCreateNode(Node, &First,
                                    Rest.Length != 0 ? FILE_ATTRIBUTE_DIRECTORY : Attributes,
                                    &Child);
        } else if (!MfsIsDirectory(Child) && Rest.Length != 0) {
            *Status = STATUS_OBJECT_PATH_NOT_FOUND;
        }
        Node = Child;
    }
    return NT_SUCCESS(*Status) ? Node : NULL;
}

static NTSTATUS MfsDecodePath(const CPIO_ENTRY *Entry, PWCHAR Buffer, PUNICODE_STRING Path)
{
    static const CHAR Folder[] = "volume/";
    PCWSTR Prefix = L"Windows\\System32\\drivers\\";
    PCSTR Name = Entry->Name;
    ULONG Length = Entry->NameLength, Bytes = 0;

    RtlInitEmptyUnicodeString(Path, Buffer, MFS_PATH_CHARACTERS * sizeof(WCHAR));
    if (strncmp(Name, Folder, sizeof(Folder) - 1) == 0) {
        Name += sizeof(Folder) - 1;
        Length -= sizeof(Folder) - 1;
        Prefix = L"";
    } else if (strchr(Name, '/') != NULL) {
        return STATUS_OBJECT_NAME_INVALID;
    } else if (strcmp(Name, "ntoskrnl.exe") == 0) {
        Prefix = L"Windows\\System32\\";
    }
    RtlAppendUnicodeToString(Path, Prefix);
    NTSTATUS Status =
        RtlUTF8ToUnicodeN(Buffer + Path->Length / sizeof(WCHAR),
                          MFS_PATH_CHARACTERS * sizeof(WCHAR) - Path->Length, &Bytes, Name, Length);
    if (Status != STATUS_SUCCESS) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    for (ULONG i = 0; i < Bytes / sizeof(WCHAR); i++) {
        PWCHAR Character = Buffer + Path->Length / sizeof(WCHAR) + i;
        *Character = *Character == L'/' ? L'\\' : *Character;
    }
    Path->Length = (USHORT)(Path->Length + Bytes);
    return STATUS_SUCCESS;
}

static NTSTATUS MfsTakeEntry(const CPIO_ENTRY *Entry, PWCHAR Buffer)
{
    UNICODE_STRING Path;
    ULONG Clusters = (ULONG)(((ULONG64)Entry->Size + MFS_CLUSTER_BYTES - 1) / MFS_CLUSTER_BYTES);
    NTSTATUS Status = MfsDecodePath(Entry, Buffer, &Path);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Clusters > MFS_CLUSTERS - MfsUsedClusters) {
        return STATUS_DISK_FULL;
    }
    PMFS_NODE Node = MfsMakePath(&Path, FILE_ATTRIBUTE_ARCHIVE, &Status);
    if (Node == NULL) {
        return Status;
    }
    if (MfsIsDirectory(Node)) {
        return STATUS_FILE_IS_A_DIRECTORY;
    }
    MfsFreeContent(Node); /* of an earlier entry of the same name */
    Node->Header.AllocationSize.QuadPart = (LONGLONG)Clusters * MFS_CLUSTER_BYTES;
    Node->Header.FileSize.QuadPart = Node->Header.ValidDataLength.QuadPart = Entry->Size;
    Node->Content = (PUCHAR)Entry->Data;
    Node->Flags |= Entry->Size != 0 ? MFS_ARCHIVED : 0;
    MfsUsedClusters += Clusters;
    return STATUS_SUCCESS;
}

VOID MfsTakeArchive(VOID)
{
    static const PCWSTR Folders[] = {L"Windows\\System32\\drivers", L"Windows\\System32\\config",
                                     L"Windows\\Temp", L"Users", L"Program Files"};
    UNICODE_STRING Path;
    CPIO_ENTRY Entry;
    PCSTR Rule;
    ULONG64 Cursor = 0;
    NTSTATUS Status;

    for (ULONG i = 0; i < RTL_NUMBER_OF(Folders); i++) {
        RtlInitUnicodeString(&Path, Folders[i]);
        NT_VERIFY(MfsMakePath(&Path, FILE_ATTRIBUTE_DIRECTORY, &Status) != NULL);
    }
    PWCHAR Buffer = ExAllocatePoolWithTag(PagedPool, MFS_PATH_CHARACTERS * sizeof(WCHAR), MFS_TAG);
    NT_VERIFY(Buffer != NULL);
    const VOID *Archive = MmPhysicalAddressToVirtual(KeLoaderBlock->ArchivePhysical);
    while (KeLoaderBlock->ArchiveSize != 0 &&
           CpioNext(Archive, KeLoaderBlock->ArchiveSize, &Cursor, &Entry, &Rule) == CpioStepItem) {
        Status = MfsTakeEntry(&Entry, Buffer);
        if (!NT_SUCCESS(Status)) {
            DbgPrint("mfs: %s of the boot archive is left out: %08x\n", Entry.Name, Status);
        }
    }
    ExFreePoolWithTag(Buffer, MFS_TAG);
}
