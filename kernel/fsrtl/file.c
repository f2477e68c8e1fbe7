/* SPDX-License-Identifier: MIT */
/* Questions about file objects and statuses. */
#include "io/iop.h"
#include "nt/fsrtl.h"

/* The size as the file system tells it; of a directory there is none. PASSIVE_LEVEL */
NTSTATUS FsRtlGetFileSize(PFILE_OBJECT FileObject, PLARGE_INTEGER FileSize)
{
    FILE_STANDARD_INFORMATION Standard;
    ULONG Length;
    NTSTATUS Status = IoQueryFileInformation(FileObject, FileStandardInformation,
                                             sizeof(Standard), &Standard, &Length);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Standard.Directory) {
        return STATUS_FILE_IS_A_DIRECTORY;
    }
    *FileSize = Standard.EndOfFile;
    return STATUS_SUCCESS;
}

/* Whether an exception handler may take the status for an answer, and not for a defect. */
BOOLEAN FsRtlIsNtstatusExpected(NTSTATUS Exception)
{
    switch (Exception) {
    case STATUS_DATATYPE_MISALIGNMENT:
    case STATUS_ACCESS_VIOLATION:
    case STATUS_ILLEGAL_INSTRUCTION:
    case STATUS_INSTRUCTION_MISALIGNMENT:
        return FALSE;
    default:
        return TRUE;
    }
}

/* The paging file is a disk here, and no file. */
ULONG FsRtlIsPagingFile(PFILE_OBJECT FileObject)
{
    return FALSE;
}
