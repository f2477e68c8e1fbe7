/* SPDX-License-Identifier: MIT */
/*
 * What a driver answers to IRP_MN_REGINFO: a WMIREGINFO whose offsets are the driver's word. It is
 * read within the bytes of the buffer alone; what leaves them is a finding, and nothing is
 * registered.
 */
#include "io/wmip.h"

#define WMIP_BLOCKS_MOST 256u
#define WMIP_INSTANCES_MOST 0x10000u

/* The counted string at Offset: USHORT bytes, then the text. FALSE: it is not within Size. */
static BOOLEAN WmipStringAt(const VOID *Base, ULONG Size, ULONG Offset, PUNICODE_STRING String)
{
    USHORT Length;
    if (Offset % sizeof(USHORT) != 0 || Offset > Size - sizeof(Length)) {
        return FALSE;
    }
    Length = *(const USHORT *)((const UCHAR *)Base + Offset);
    if (Length % sizeof(WCHAR) != 0 || Length > Size - Offset - sizeof(Length)) {
        return FALSE;
    }
    String->Buffer = (PWSTR)((PUCHAR)Base + Offset + sizeof(Length));
    String->Length = String->MaximumLength = Length;
    return TRUE;
}

/* Instances of a physical device are named by its path, others by what the driver gives. */
static BOOLEAN WmipNameOf(PWMIP_PROVIDER Provider, const WMIREGINFO *Info, ULONG Size,
                          const WMIREGGUID *From, PUNICODE_STRING Name)
{
    RtlInitUnicodeString(Name, NULL);
    if (From->Flags & WMIREG_FLAG_INSTANCE_BASENAME) {
        return WmipStringAt(Info, Size, From->BaseNameOffset, Name);
    }
    if (From->Flags & WMIREG_FLAG_INSTANCE_PDO) {
        PDEVICE_OBJECT Pdo = (PDEVICE_OBJECT)From->Pdo;
        PCUNICODE_STRING Path = MmIsAddressValid(Pdo) ? IopRootDeviceName(Pdo) : NULL;
        *Name = Path != NULL ? *Path : Provider->Device->DriverObject->DriverName;
    }
    return TRUE;
}

/* Counts the bytes of all names, and checks everything once. NULL: it is right. */
static PCSTR WmipCheck(PWMIP_PROVIDER Provider, const WMIREGINFO *Info, ULONG Size,
                       PULONG NameBytes)
{
    UNICODE_STRING Name;
    *NameBytes = 0;
    if (Info->BufferSize > Size || Info->BufferSize < FIELD_OFFSET(WMIREGINFO, WmiRegGuid)) {
        return "a WMIREGINFO whose BufferSize is not that of its buffer";
    }
    if (Info->GuidCount > WMIP_BLOCKS_MOST ||
        Info->GuidCount * sizeof(WMIREGGUID) >
            Info->BufferSize - FIELD_OFFSET(WMIREGINFO, WmiRegGuid)) {
        return "a WMIREGINFO with more GUIDs than its buffer has";
    }
    for (ULONG i = 0; i < Info->GuidCount; i++) {
        const WMIREGGUID *From = &Info->WmiRegGuid[i];
        if (!WmipNameOf(Provider, Info, Info->BufferSize, From, &Name)) {
            return "a WMIREGINFO with an instance name outside of its buffer";
        }
        if (From->InstanceCount > WMIP_INSTANCES_MOST) {
            return "a WMIREGINFO with more than 65,536 instances of a block";
        }
        *NameBytes += Name.Length;
    }
    return NULL;
}

/* Copies what was checked; Blocks has room for it. */
static ULONG WmipFillBlocks(PWMIP_PROVIDER Provider, const WMIREGINFO *Info, PWMIP_BLOCK Blocks)
{
    PWCHAR Text = (PWCHAR)(Blocks + Info->GuidCount);
    ULONG Count = 0;
    for (ULONG i = 0; i < Info->GuidCount; i++) {
        const WMIREGGUID *From = &Info->WmiRegGuid[i];
        PWMIP_BLOCK Block = &Blocks[Count];
        if (From->Flags & WMIREG_FLAG_REMOVE_GUID) {
            continue;
        }
        Block->Guid = From->Guid;
        Block->Flags = From->Flags;
        Block->InstanceCount = From->InstanceCount;
        WmipNameOf(Provider, Info, Info->BufferSize, From, &Block->BaseName);
        RtlCopyMemory(Text, Block->BaseName.Buffer, Block->BaseName.Length);
        Block->BaseName.Buffer = Text;
        Text += Block->BaseName.Length / sizeof(WCHAR);
        Count++;
    }
    return Count;
}

/* To IRP_MN_REGINFO_EX a driver answers with a reference to the device in each block. */
static VOID WmipReleaseDevices(const WMIREGINFO *Info)
{
    for (ULONG i = 0; i < Info->GuidCount; i++) {
        PVOID Pdo = (PVOID)Info->WmiRegGuid[i].Pdo;
        if ((Info->WmiRegGuid[i].Flags & WMIREG_FLAG_INSTANCE_PDO) && MmIsAddressValid(Pdo)) {
            ObfDereferenceObject(Pdo);
        }
    }
}

NTSTATUS WmipTakeRegistration(PWMIP_PROVIDER Provider, const WMIREGINFO *Info, ULONG Size,
                              BOOLEAN Referenced)
{
    ULONG NameBytes;
    PCSTR Rule = WmipCheck(Provider, Info, Size, &NameBytes);
    if (Rule != NULL) {
        IopReportFinding(IopFindingWmiRegistration, Rule, KI_CALL_SITE(Provider->Caller));
        return STATUS_INVALID_PARAMETER;
    }
    PWMIP_BLOCK Blocks = ExAllocatePoolWithTag(
        PagedPool, Info->GuidCount * sizeof(*Blocks) + NameBytes + 1, WMI_TAG);
    if (Blocks == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ULONG Count = WmipFillBlocks(Provider, Info, Blocks);
    if (Referenced) {
        WmipReleaseDevices(Info);
    }
    ExAcquireFastMutex(&WmipLock);
    PWMIP_BLOCK Old = Provider->Blocks;
    Provider->Blocks = Blocks;
    Provider->BlockCount = Count;
    ExReleaseFastMutex(&WmipLock);
    if (Old != NULL) {
        ExFreePoolWithTag(Old, WMI_TAG);
    }
    return STATUS_SUCCESS;
}
