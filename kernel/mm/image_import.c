/* SPDX-License-Identifier: MIT */
/*
 * Imports of a driver: bound by name against the kernel's own export directory (ntoskrnl.exe and
 * hal.dll are the same image here) or that of a loaded driver.
 *
 * A module that is neither, a name that another driver does not export, or an ordinal refuses the
 * load, and the error text names them (host/exports/load_refusal.c says the same of a file).
 * A name that the kernel lacks gets a stub: the load goes on, the host is told, and only a call
 * ends in a bug check that names what was called and from where. When drivers are verified, and in
 * the page-out modes always and random, functions are reached through a stub as well, those that
 * the driver looks up by MmGetSystemRoutineAddress too: it enters the gate, which has the call
 * checked and pages out first. Writes of CR8 in the code of a verified
 * driver are replaced here too, where the image is complete and still writable.
 *
 * Stubs are code in executable nonpaged pool, freed with the image, and so are their records:
 *   missing:  movabs $record, %rcx ; movabs $MiMissingImport, %rax ; jmp *%rax
 *   gate:     movabs $import, %r11 ; movabs $MiKernelCallGate, %rax ; jmp *%rax
 * rax and r11 are free at a call by the x64 convention.
 */
#include "mm/image.h"

#include "nt/rtl.h"
#include "vf/vf.h"

#define MI_TAG_IMAGE 'gmIM'
#define MI_STUB_SIZE 24u

VOID (*MmMissingImportHook)(PCSTR Dll, PCSTR Name);

typedef struct _MI_MISSING_IMPORT {
    CHAR Dll[40];
    CHAR Name[88];
} MI_MISSING_IMPORT, *PMI_MISSING_IMPORT;

/* The called side of a missing import's stub; the return address is the driver's. */
static DECLSPEC_NORETURN VOID MiMissingImport(PMI_MISSING_IMPORT Missing)
{
    CHAR Text[192];
    PVOID Caller = KI_RETURN_ADDRESS();
    _snprintf(Text, sizeof(Text), "call of %s!%s, which is not implemented", Missing->Dll,
              Missing->Name);
    MiReportFinding(0xC0000263, Text, KI_CALL_SITE(Caller));
    KeBugCheckEx(KMODE_EXCEPTION_NOT_HANDLED, (ULONG_PTR)(ULONG)STATUS_DRIVER_ENTRYPOINT_NOT_FOUND,
                 (ULONG_PTR)Caller, (ULONG_PTR)Missing->Name, (ULONG_PTR)Missing->Dll);
}

static VOID MiWriteStub(PUCHAR Stub, UCHAR Register, ULONG64 Value, PVOID Target)
{
    Stub[0] = Register == 1 ? 0x48 : 0x49; /* rcx or r11 */
    Stub[1] = Register == 1 ? 0xb9 : 0xbb;
    __builtin_memcpy(Stub + 2, &Value, 8);
    Stub[10] = 0x48;
    Stub[11] = 0xb8;
    __builtin_memcpy(Stub + 12, &Target, 8);
    Stub[20] = 0xff;
    Stub[21] = 0xe0;
}

/* One way or the other for all images: the timeline is started before the first driver. */
static PVOID MiChooseGate(VOID)
{
    return VfTimelineOn ? (PVOID)MiTimelineGate : (PVOID)MiKernelCallGate;
}

/* ntoskrnl.exe, hal.dll and the names ntoskrnl.exe has on other Windows machines. */
static BOOLEAN MiIsKernelName(PCSTR Dll)
{
    static const PCSTR Names[] = {"ntoskrnl.exe", "hal.dll", "ntkrnlmp.exe", "ntkrnlpa.exe"};
    for (ULONG i = 0; i < RTL_NUMBER_OF(Names); i++) {
        if (_stricmp(Dll, Names[i]) == 0) {
            return TRUE;
        }
    }
    return FALSE;
}

/* Its routines are in the kernel's image here, and their names begin alike. */
static BOOLEAN MiIsStorPort(PCSTR Dll)
{
    return _stricmp(Dll, "storport.sys") == 0;
}

static BOOLEAN MiIsWmiLibrary(PCSTR Dll)
{
    return _stricmp(Dll, "wmilib.sys") == 0;
}

static PMM_IMAGE MiFindModule(PCSTR Dll)
{
    for (ULONG i = 0; i < MI_MAX_IMAGES; i++) {
        if (MiImages[i] != NULL && _stricmp(Dll, MiImages[i]->Name) == 0) {
            return MiImages[i];
        }
    }
    return NULL;
}

static PVOID MiFindExport(PCSTR Dll, PCSTR Name)
{
    if (MiIsKernelName(Dll) || (MiIsStorPort(Dll) && strncmp(Name, "StorPort", 8) == 0) ||
        (MiIsWmiLibrary(Dll) && strncmp(Name, "Wmi", 3) == 0)) {
        return PeMappedFindExport((PVOID)KeLoaderBlock->KernelBase, KeLoaderBlock->KernelSize,
                                  Name);
    }
    PMM_IMAGE Image = MiFindModule(Dll);
    return Image != NULL
               ? PeMappedFindExport((PVOID)Image->Base, Image->Pages << PAGE_SHIFT, Name)
               : NULL;
}

/*
 * Of an import that nothing was found for: success if a stub may stand in for it. NV: the status
 * for a module that is not there is that of its file, which NT looks for.
 */
static NTSTATUS MiJudgeMissing(PCSTR Dll, const PE_IMPORT *Import, PCHAR ErrorText,
                               SIZE_T ErrorSize)
{
    BOOLEAN Kernel = MiIsKernelName(Dll);
    if (Kernel && Import->Name != NULL) {
        return STATUS_SUCCESS;
    }
    if (Kernel || Import->Name == NULL) {
        _snprintf(ErrorText, ErrorSize, "imports #%u of %s: ordinals name no routine for sure",
                  Import->Ordinal, Dll);
        return STATUS_DRIVER_ORDINAL_NOT_FOUND;
    }
    if (MiIsStorPort(Dll) || MiIsWmiLibrary(Dll) || MiFindModule(Dll) != NULL) {
        _snprintf(ErrorText, ErrorSize, "imports %s from %s, which does not export it",
                  Import->Name, Dll);
        return STATUS_DRIVER_ENTRYPOINT_NOT_FOUND;
    }
    _snprintf(ErrorText, ErrorSize, "imports %s from %s, a module that is not provided",
              Import->Name, Dll);
    return STATUS_OBJECT_NAME_NOT_FOUND;
}

static BOOLEAN MiIsExecutable(PVOID Address)
{
    PMMPTE Pte = MiWalk(Address, NULL);
    return Pte != NULL && (*Pte & MI_PTE_VALID) && !(*Pte & MI_PTE_NO_EXECUTE);
}

static BOOLEAN MiCallsAreGated(VOID)
{
    return VfIsEnabled() || MiKernelCallsPageOut();
}

static BOOLEAN MiMustGate(PCSTR Name, PVOID Target)
{
    return MiCallsAreGated() && MiIsExecutable(Target) && !VfIsCompilerRoutine(Name);
}

/* A routine that a driver has looked up: its stub and what the gate needs. */
typedef struct _MI_ROUTINE {
    struct _MI_ROUTINE *Next;
    VF_IMPORT Import;
    UCHAR Stub[MI_STUB_SIZE];
} MI_ROUTINE, *PMI_ROUTINE;

typedef struct _MI_BINDING {
    PMM_IMAGE Image;
    PUCHAR NextStub;
    PVF_IMPORT NextImport;
    PMI_MISSING_IMPORT NextMissing;
} MI_BINDING;

static VOID MiBindOne(MI_BINDING *Binding, const PE_IMPORT_DLL *Dll, const PE_IMPORT *Import)
{
    PVOID *Slot = (PVOID *)(Binding->Image->Base + Import->SlotRva);
    PVOID Target = MiFindExport(Dll->Name, Import->Name);
    PUCHAR Stub = Binding->NextStub;
    if (Target == NULL) {
        PMI_MISSING_IMPORT Missing = Binding->NextMissing++;
        _snprintf(Missing->Dll, sizeof(Missing->Dll) - 1, "%s", Dll->Name);
        _snprintf(Missing->Name, sizeof(Missing->Name) - 1, "%s", Import->Name);
        MiWriteStub(Stub, 1, (ULONG64)Missing, MiMissingImport);
        if (MmMissingImportHook != NULL) {
            MmMissingImportHook(Missing->Dll, Missing->Name);
        }
    } else if (MiMustGate(Import->Name, Target)) {
        PVF_IMPORT Record = Binding->NextImport++;
        BOOLEAN Kernel = MiIsKernelName(Dll->Name) || MiIsStorPort(Dll->Name) ||
                         MiIsWmiLibrary(Dll->Name);
        VfDescribeImport(Record, Kernel ? Import->Name : NULL, Target);
        if (Binding->Image->ImportsStorPort) {
            VfWatchMiniport(Record, Binding->Image);
        }
        MiWriteStub(Stub, 11, (ULONG64)Record, MiChooseGate());
    } else {
        *Slot = Target;
        return;
    }
    Binding->NextStub += MI_STUB_SIZE;
    *Slot = Stub;
}

/*
 * A stub for a routine that Image has looked up by name, the same for each look-up. Without memory
 * for it the driver gets the routine itself. PASSIVE_LEVEL.
 */
static PVOID MiGateRoutine(PMM_IMAGE Image, PCSTR Name, PVOID Target)
{
    VF_IMPORT Import;
    PMI_ROUTINE Found;
    VfDescribeImport(&Import, Name, Target);
    ExAcquireFastMutex(&MiImageLock);
    for (Found = Image->Routines; Found != NULL; Found = Found->Next) {
        if (Found->Import.Target == Import.Target && Found->Import.Export == Import.Export) {
            break;
        }
    }
    if (Found == NULL) {
        Found = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Found), MI_TAG_IMAGE);
        if (Found != NULL) {
            Found->Import = Import;
            MiWriteStub(Found->Stub, 11, (ULONG64)&Found->Import, MiChooseGate());
            if (Image->ImportsStorPort) {
                VfWatchMiniport(&Found->Import, Image);
            }
            Found->Next = Image->Routines;
            Image->Routines = Found;
        }
    }
    ExReleaseFastMutex(&MiImageLock);
    return Found != NULL ? (PVOID)Found->Stub : Target;
}

PVOID MmGetSystemRoutineAddress(PUNICODE_STRING SystemRoutineName)
{
    CHAR Name[128];
    PMM_IMAGE Image = MmFindImage(KI_RETURN_ADDRESS());
    ULONG Chars = SystemRoutineName->Length / sizeof(WCHAR);
    if (Chars == 0 || Chars >= sizeof(Name)) {
        return NULL;
    }
    for (ULONG i = 0; i < Chars; i++) {
        WCHAR Char = SystemRoutineName->Buffer[i];
        if (Char >= 0x80) {
            return NULL;
        }
        Name[i] = (CHAR)Char;
    }
    Name[Chars] = 0;
    PVOID Target =
        PeMappedFindExport((PVOID)KeLoaderBlock->KernelBase, KeLoaderBlock->KernelSize, Name);
    if (Target == NULL || Image == NULL || !MiMustGate(Name, Target)) {
        return Target;
    }
    return MiGateRoutine(Image, Name, Target);
}

VOID MiFreeImportStubs(PMM_IMAGE Image)
{
    while (Image->Routines != NULL) {
        PMI_ROUTINE Routine = Image->Routines;
        Image->Routines = Routine->Next;
        ExFreePoolWithTag(Routine, MI_TAG_IMAGE);
    }
    if (Image->ImportStubs != NULL) {
        ExFreePoolWithTag(Image->ImportStubs, MI_TAG_IMAGE);
    }
}

/*
 * Counts all imports, and the missing ones, so that one block holds every stub and record. An image
 * that is damaged or cannot be bound is refused here, with its reason.
 */
static NTSTATUS MiCountImports(PMM_IMAGE Image, const PE_IMAGE *Pe, PULONG Imports, PULONG Missing,
                               PCHAR ErrorText, SIZE_T ErrorSize)
{
    PE_IMPORT_DLL Dll;
    PE_IMPORT Import;
    PE_ERROR Error;
    PE_STEP Step;
    *Imports = *Missing = 0;
    for (ULONG d = 0; (Step = PeImageImportDll(Pe, d, &Dll, &Error)) == PeStepItem; d++) {
        Image->ImportsStorPort = Image->ImportsStorPort || MiIsStorPort(Dll.Name);
        for (ULONG i = 0; (Step = PeImageImport(Pe, &Dll, i, &Import, &Error)) == PeStepItem; i++) {
            (*Imports)++;
            if (Import.Name == NULL || MiFindExport(Dll.Name, Import.Name) == NULL) {
                NTSTATUS Status = MiJudgeMissing(Dll.Name, &Import, ErrorText, ErrorSize);
                if (!NT_SUCCESS(Status)) {
                    return Status;
                }
                (*Missing)++;
            }
        }
        if (Step == PeStepError) {
            break;
        }
    }
    if (Step == PeStepError) {
        _snprintf(ErrorText, ErrorSize, "offset 0x%I64x: %s", Error.Offset, Error.Rule);
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    return STATUS_SUCCESS;
}

NTSTATUS MiBindImports(PMM_IMAGE Image, const PE_IMAGE *Pe, PCHAR ErrorText, SIZE_T ErrorSize)
{
    PE_ERROR Error;
    PE_IMPORT_DLL Dll;
    PE_IMPORT Import;
    ULONG Imports, Missing;
    NTSTATUS Status = MiCountImports(Image, Pe, &Imports, &Missing, ErrorText, ErrorSize);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    BOOLEAN Gated = MiCallsAreGated();
    ULONG Stubs = Gated ? Imports : Missing;
    SIZE_T StubBytes = (SIZE_T)Stubs * MI_STUB_SIZE;
    SIZE_T ImportBytes = Gated ? (SIZE_T)Imports * sizeof(VF_IMPORT) : 0;
    SIZE_T Size = StubBytes + ImportBytes + (SIZE_T)Missing * sizeof(MI_MISSING_IMPORT);
    if (Size != 0) {
        Image->ImportStubs = ExAllocatePoolWithTag(NonPagedPool, Size, MI_TAG_IMAGE);
        if (Image->ImportStubs == NULL) {
            _snprintf(ErrorText, ErrorSize, "not enough memory for %u import stubs", Stubs);
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        __builtin_memset(Image->ImportStubs, 0, Size);
    }
    PUCHAR Block = Image->ImportStubs;
    MI_BINDING Binding = {Image, Block, (PVF_IMPORT)(Block + StubBytes),
                          (PMI_MISSING_IMPORT)(Block + StubBytes + ImportBytes)};
    for (ULONG d = 0; PeImageImportDll(Pe, d, &Dll, &Error) == PeStepItem; d++) {
        for (ULONG i = 0; PeImageImport(Pe, &Dll, i, &Import, &Error) == PeStepItem; i++) {
            MiBindOne(&Binding, &Dll, &Import);
        }
    }
    if (VfIsEnabled()) {
        VfPatchIrqlWrites((PUCHAR)Image->Base, Pe);
    }
    VfWatchImage((PUCHAR)Image->Base, Pe);
    return STATUS_SUCCESS;
}
