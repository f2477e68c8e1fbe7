/* SPDX-License-Identifier: MIT */
/*
 * Sharing: what the opens of one file want to do, and what they let others do. The file system
 * serializes the calls. An open that neither reads, writes nor deletes is not counted.
 */
#include "io/iop.h"

static BOOLEAN IopIsSharing(PFILE_OBJECT File)
{
    return File->ReadAccess || File->WriteAccess || File->DeleteAccess;
}

static VOID IopNoteAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess, PFILE_OBJECT File)
{
    File->ReadAccess = (DesiredAccess & (FILE_EXECUTE | FILE_READ_DATA)) != 0;
    File->WriteAccess = (DesiredAccess & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0;
    File->DeleteAccess = (DesiredAccess & DELETE) != 0;
    BOOLEAN Shares = IopIsSharing(File);
    File->SharedRead = Shares && (DesiredShareAccess & FILE_SHARE_READ) != 0;
    File->SharedWrite = Shares && (DesiredShareAccess & FILE_SHARE_WRITE) != 0;
    File->SharedDelete = Shares && (DesiredShareAccess & FILE_SHARE_DELETE) != 0;
}

/* The file's first open. PASSIVE_LEVEL, as all here */
VOID IoSetShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess,
                      PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess)
{
    IopNoteAccess(DesiredAccess, DesiredShareAccess, FileObject);
    RtlZeroMemory(ShareAccess, sizeof(*ShareAccess));
    IoUpdateShareAccess(FileObject, ShareAccess);
}

NTSTATUS IoCheckShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess,
                            PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess, BOOLEAN Update)
{
    ULONG Opens = ShareAccess->OpenCount;
    IopNoteAccess(DesiredAccess, DesiredShareAccess, FileObject);
    if (!IopIsSharing(FileObject)) {
        return STATUS_SUCCESS;
    }
    if ((FileObject->ReadAccess && ShareAccess->SharedRead < Opens) ||
        (FileObject->WriteAccess && ShareAccess->SharedWrite < Opens) ||
        (FileObject->DeleteAccess && ShareAccess->SharedDelete < Opens) ||
        (ShareAccess->Readers != 0 && !FileObject->SharedRead) ||
        (ShareAccess->Writers != 0 && !FileObject->SharedWrite) ||
        (ShareAccess->Deleters != 0 && !FileObject->SharedDelete)) {
        return STATUS_SHARING_VIOLATION;
    }
    if (Update) {
        IoUpdateShareAccess(FileObject, ShareAccess);
    }
    return STATUS_SUCCESS;
}

static VOID IopCountShare(PFILE_OBJECT File, PSHARE_ACCESS Share, ULONG One)
{
    if (IopIsSharing(File)) {
        Share->OpenCount += One;
        Share->Readers += File->ReadAccess ? One : 0;
        Share->Writers += File->WriteAccess ? One : 0;
        Share->Deleters += File->DeleteAccess ? One : 0;
        Share->SharedRead += File->SharedRead ? One : 0;
        Share->SharedWrite += File->SharedWrite ? One : 0;
        Share->SharedDelete += File->SharedDelete ? One : 0;
    }
}

VOID IoUpdateShareAccess(PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess)
{
    IopCountShare(FileObject, ShareAccess, 1);
}

VOID IoRemoveShareAccess(PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess)
{
    NT_VERIFY(!IopIsSharing(FileObject) || ShareAccess->OpenCount != 0);
    IopCountShare(FileObject, ShareAccess, (ULONG)-1);
}
