/* SPDX-License-Identifier: MIT */
/*
 * The driver under test: loaded from the boot archive by name, one at a time. All on the agent
 * thread, so nothing here needs a lock.
 */
#include "io/control_client.h"

#include "io/iop.h"
#include "lib/cpio.h"
#include "mm/mm.h"
#include "nt/rtl.h"

#define NAME_MAXIMUM 63u /* bytes of a driver file's name; what a bug check's report holds */
#define ERROR_TEXT 256u
#define SECTION_MAXIMUM 97u /* headers and the 96 sections an image may have */

static struct {
    PMM_IMAGE Image; /* NULL: none is loaded */
    PDRIVER_OBJECT Object;
    CHAR Name[NAME_MAXIMUM + 1];
} Driver;

/* A file of the archive that may be a driver: no directory in its name, which is short enough. */
static NTSTATUS IopFindDriverFile(CONTROL_BYTES Name, CPIO_ENTRY *File)
{
    const VOID *Archive = MmPhysicalAddressToVirtual(KeLoaderBlock->ArchivePhysical);
    ULONG i;

    if (Name.Length > NAME_MAXIMUM) {
        return STATUS_NAME_TOO_LONG;
    }
    for (i = 0; i < Name.Length; i++) {
        /* Also what an object name may not contain, and what could not be shown. */
        if (Name.Data[i] <= ' ' || Name.Data[i] >= 0x7f || Name.Data[i] == '\\' ||
            Name.Data[i] == '/') {
            return STATUS_OBJECT_NAME_INVALID;
        }
    }
    RtlCopyMemory(Driver.Name, Name.Data, Name.Length);
    Driver.Name[Name.Length] = 0;
    if (KeLoaderBlock->ArchiveSize == 0 ||
        !CpioFind(Archive, KeLoaderBlock->ArchiveSize, Driver.Name, File) ||
        (File->Mode & CPIO_MODE_TYPE) != (CPIO_MODE_FILE & CPIO_MODE_TYPE)) {
        return STATUS_NO_SUCH_FILE;
    }
    return STATUS_SUCCESS;
}

/* Prefix and the driver's ASCII name, without its last Cut characters. */
static VOID IopMakeDriverName(PUNICODE_STRING Out, PWCHAR Buffer, PCWSTR Prefix, SIZE_T Cut)
{
    SIZE_T Length = 0;
    SIZE_T i;

    for (; *Prefix != 0; Prefix++) {
        Buffer[Length++] = *Prefix;
    }
    for (i = 0; i < strlen(Driver.Name) - Cut; i++) {
        Buffer[Length++] = (WCHAR)Driver.Name[i];
    }
    Out->Buffer = Buffer;
    Out->Length = Out->MaximumLength = (USHORT)(Length * sizeof(WCHAR));
}

/* Image and driver object of Driver.Name; ErrorText stays empty unless the image is at fault. */
static NTSTATUS IopLoadDriverFile(const CPIO_ENTRY *File, PCHAR ErrorText)
{
    static const WCHAR Folder[] = L"\\SystemRoot\\System32\\drivers\\";
    WCHAR Buffer[RTL_NUMBER_OF(Folder) + NAME_MAXIMUM];
    UNICODE_STRING Name;
    SIZE_T Length = strlen(Driver.Name);
    BOOLEAN HasSuffix = Length > 4 && _stricmp(Driver.Name + Length - 4, ".sys") == 0;
    NTSTATUS Status;

    IopMakeDriverName(&Name, Buffer, Folder, 0);
    Status = MmLoadSystemImage(&Name, File->Data, File->Size, &Driver.Image, ErrorText,
                               ERROR_TEXT);
    if (!NT_SUCCESS(Status)) {
        Driver.Image = NULL;
        return Status;
    }
    ErrorText[0] = 0;
    IopSendImageEvent(ControlImageLoaded, MmImageBase(Driver.Image), MmImageSize(Driver.Image),
                      IopControlBytes(Driver.Name, Length), TRUE);
    IopMakeDriverName(&Name, Buffer, L"", HasSuffix ? 4 : 0);
    return IopLoadDriver(&Name, Driver.Image, FALSE, &Driver.Object);
}

static VOID IopUnloadDriverImage(VOID)
{
    PVOID Base = MmImageBase(Driver.Image);
    ULONG Size = MmImageSize(Driver.Image);

    MmUnloadSystemImage(Driver.Image);
    Driver.Image = NULL;
    Driver.Object = NULL;
    IopSendImageEvent(ControlImageUnloaded, Base, Size,
                      IopControlBytes(Driver.Name, strlen(Driver.Name)), TRUE);
}

PDRIVER_OBJECT IopDriverUnderTest(VOID)
{
    return Driver.Object;
}

VOID IopControlLoad(PCONTROL_REQUEST Request)
{
    ULONG Id = Request->Message.Id;
    CHAR ErrorText[ERROR_TEXT] = {0};
    CPIO_ENTRY File;
    NTSTATUS Status;

    if (Driver.Image != NULL) {
        IopReply(Id, STATUS_DEVICE_BUSY, 0, NULL, 0);
        return;
    }
    Status = IopFindDriverFile(Request->Message.First, &File);
    if (NT_SUCCESS(Status)) {
        Status = IopLoadDriverFile(&File, ErrorText);
        ErrorText[ERROR_TEXT - 1] = 0;
    }
    if (NT_SUCCESS(Status)) {
        IopReply(Id, Status, (ULONG64)MmImageBase(Driver.Image), NULL, 0);
        return;
    }
    if (Driver.Image != NULL) {
        IopUnloadDriverImage();
    }
    IopReply(Id, Status, 0, ErrorText, (ULONG)strlen(ErrorText));
}

VOID IopControlUnload(PCONTROL_REQUEST Request)
{
    NTSTATUS Status = STATUS_NO_SUCH_DEVICE;

    if (Driver.Image != NULL) {
        Status = IopUnloadDriver(Driver.Object);
        if (NT_SUCCESS(Status)) {
            IopUnloadDriverImage();
        }
    }
    IopReply(Request->Message.Id, Status, 0, NULL, 0);
}

VOID IopControlSections(PCONTROL_REQUEST Request)
{
    ULONG Id = Request->Message.Id;
    CONTROL_SECTION *Rows;
    ULONG Count;

    if (Driver.Image == NULL) {
        IopReply(Id, STATUS_NO_SUCH_DEVICE, 0, NULL, 0);
        return;
    }
    Rows = ExAllocatePoolWithTag(NonPagedPoolNx, SECTION_MAXIMUM * sizeof(*Rows), CONTROL_TAG);
    if (Rows == NULL) {
        IopReply(Id, STATUS_INSUFFICIENT_RESOURCES, 0, NULL, 0);
        return;
    }
    Count = MmQueryImageSections(Driver.Image, Rows, SECTION_MAXIMUM);
    Count = Count < SECTION_MAXIMUM ? Count : SECTION_MAXIMUM;
    IopReply(Id, STATUS_SUCCESS, Count, Rows, Count * sizeof(*Rows));
    ExFreePoolWithTag(Rows, CONTROL_TAG);
}
