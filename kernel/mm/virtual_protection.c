/* SPDX-License-Identifier: MIT */
/*
 * What may be done with user pages, and who holds them to it: ZwProtectVirtualMemory,
 * MmSecureVirtualMemory, MmUnsecureVirtualMemory.
 *
 * A page's protection is in its PTE, whatever form that has; a page that nobody has touched has
 * none, and its VAD's counts. A secured range hangs at its VAD and goes with it. While it is there
 * the VAD is not freed or unmapped by its process, and no page of it loses an access that was
 * secured: STATUS_INVALID_PAGE_PROTECTION. Pages of it go out and come back as ever. The
 * AddressLock of the address space guards all of that.
 */
#include "mm/image.h"
#include "mm/mi.h"

#define MI_TAG_SECURE 'cSMM'

typedef struct _MI_SECURE {
    struct _MI_SECURE *Next;
    ULONG64 Start, End; /* End: first address behind */
    BOOLEAN Write;
} MI_SECURE;

/* AddressLock held. MI_x of the page that Va is in. */
ULONG MiProtectionOfAddress(const MI_VAD *Vad, ULONG64 Va)
{
    ULONG Protection = Vad->Protection;
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    PMMPTE Pte = MiWalk((PVOID)Va, NULL);
    MMPTE Value = Pte != NULL ? *Pte : 0;
    if (!(Value & MI_PTE_VALID)) {
        Protection = Value != 0 ? MI_PTE_PROTECTION(Value) : Protection;
    } else if (!(Value & MI_PTE_VIEW)) {
        Protection = MI_PTE_PROTECTION(MI_PFN(MI_PTE_FRAME(Value))->OriginalPte);
    } else if (Value & MI_PTE_NO_EXECUTE) {
        Protection = Value & MI_PTE_WRITE ? MI_READWRITE : MI_READONLY;
    } else {
        Protection = Value & MI_PTE_WRITE ? MI_EXECUTE_READWRITE : MI_EXECUTE_READ;
    }
    KiReleaseSpinLock(&MiPfnLock, Irql);
    return Protection;
}

/* AddressLock held. Do all pages of the range let it be written (or only read)? */
static BOOLEAN MiAllows(const MI_VAD *Vad, ULONG64 Start, ULONG64 End, BOOLEAN Write)
{
    for (ULONG64 Va = Start; Va < End; Va += PAGE_SIZE) {
        ULONG Protection = MiProtectionOfAddress(Vad, Va);
        if ((Protection & MI_GUARD) ||
            (Write && !(MiProtectionToPte[Protection] & MI_PTE_WRITE))) {
            return FALSE;
        }
    }
    return TRUE;
}

/* AddressLock held. Would Protection take something away that is secured? */
static BOOLEAN MiBreaksSecured(const MI_VAD *Vad, ULONG64 Start, ULONG64 End, ULONG Protection)
{
    BOOLEAN Writable = (MiProtectionToPte[Protection] & MI_PTE_WRITE) != 0;
    for (const MI_SECURE *Secure = Vad->Secured; Secure != NULL; Secure = Secure->Next) {
        if (Start < Secure->End && Secure->Start < End && Secure->Write && !Writable) {
            return TRUE;
        }
    }
    return FALSE;
}

VOID MiFreeVad(PMI_VAD Vad)
{
    while (Vad->Secured != NULL) {
        MI_SECURE *Secure = Vad->Secured;
        Vad->Secured = Secure->Next;
        ExFreePoolWithTag(Secure, MI_TAG_SECURE);
    }
    ExFreePoolWithTag(Vad, MI_TAG_VAD);
}

/* AddressLock held: each page of the range has a PTE with a protection. */
static NTSTATUS MiMakeProtected(const MI_VAD *Vad, ULONG64 Start, ULONG64 End)
{
    for (ULONG64 Va = Start; Va < End; Va += PAGE_SIZE) {
        if (!MiMakeUserTables(Va)) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        __sync_val_compare_and_swap(MI_PTE_OF(Va), 0, MI_SOFTWARE_PTE(Vad->Protection, 0));
    }
    return STATUS_SUCCESS;
}

/* In the current address space, whose AddressLock is held. Nothing changes on failure. */
static NTSTATUS MiProtectRange(ULONG64 Start, ULONG64 End, ULONG Protection, PULONG Old)
{
    PMI_VAD Vad = MiFindVad(MiCurrentProcess(), Start);
    if (Vad == NULL || End > Vad->End) {
        return STATUS_CONFLICTING_ADDRESSES;
    }
    ULONG64 Taken = MiProtectionToPte[Vad->Protection] ^ MiProtectionToPte[Protection];
    if (Vad->Kind != MiVadPrivate &&
        (((Taken & MI_PTE_WRITE) && (MiProtectionToPte[Protection] & MI_PTE_WRITE)) ||
         ((Taken & MI_PTE_NO_EXECUTE) && !(MiProtectionToPte[Protection] & MI_PTE_NO_EXECUTE)))) {
        return STATUS_SECTION_PROTECTION; /* more than the view was mapped with */
    }
    if (MiBreaksSecured(Vad, Start, End, Protection)) {
        return STATUS_INVALID_PAGE_PROTECTION;
    }
    *Old = MiPageOfProtection(MiProtectionOfAddress(Vad, Start));
    NTSTATUS Status = STATUS_SUCCESS;
    if (Vad->Kind == MiVadPrivate) {
        Status = MiMakeProtected(Vad, Start, End);
    }
    if (NT_SUCCESS(Status)) {
        MiProtectPages(Start, (End - Start) >> PAGE_SHIFT, Protection);
    }
    return Status;
}

/*
 * PASSIVE_LEVEL. *OldProtect: of the first page. STATUS_CONFLICTING_ADDRESSES: the range is not in
 * one allocation or view.
 */
NTSTATUS ZwProtectVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress, PSIZE_T RegionSize,
                                ULONG NewProtect, PULONG OldProtect)
{
    ULONG Protection = MiProtectionOfPage(NewProtect), Old = 0;
    PEPROCESS Process;
    KAPC_STATE ApcState;
    ULONG64 Base = (ULONG64)*BaseAddress, Size = *RegionSize;

    if (Protection == 0 || (Protection & MI_GUARD)) {
        return STATUS_INVALID_PAGE_PROTECTION;
    }
    if (Base > MM_HIGHEST_USER_ADDRESS) {
        return STATUS_INVALID_PARAMETER_2;
    }
    if (Size == 0 || Size > MM_HIGHEST_USER_ADDRESS - Base) {
        return STATUS_INVALID_PARAMETER_3;
    }
    NTSTATUS Status = ObReferenceObjectByHandle(ProcessHandle, PROCESS_VM_OPERATION,
                                                PsProcessType, KernelMode, (PVOID *)&Process, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    ULONG64 Start = (ULONG64)PAGE_ALIGN(Base);
    ULONG64 End = (Base + Size + PAGE_SIZE - 1) & ~(ULONG64)(PAGE_SIZE - 1);
    KeStackAttachProcess(&Process->Pcb, &ApcState);
    PMI_WORKING_SET Set = MiAddressSpaceOf(MiCurrentProcess());
    ExAcquireFastMutex(&Set->AddressLock);
    Status = MiProtectRange(Start, End, Protection, &Old);
    ExReleaseFastMutex(&Set->AddressLock);
    KeUnstackDetachProcess(&ApcState);
    ObfDereferenceObject(Process);
    if (NT_SUCCESS(Status)) {
        *BaseAddress = (PVOID)Start;
        *RegionSize = End - Start;
        *OldProtect = Old;
    }
    return Status;
}

/*
 * <= APC_LEVEL, in the process whose address it is. ProbeMode: PAGE_READONLY or PAGE_READWRITE.
 * NULL: the range is not in one allocation or view, or does not let that be done.
 */
HANDLE MmSecureVirtualMemory(PVOID Address, SIZE_T Size, ULONG ProbeMode)
{
    PMI_WORKING_SET Set = MiAddressSpaceOf(MiCurrentProcess());
    ULONG64 Start = (ULONG64)PAGE_ALIGN(Address);
    MI_SECURE *Secure = NULL;

    if ((ProbeMode != PAGE_READONLY && ProbeMode != PAGE_READWRITE) || Size == 0 ||
        (ULONG64)Address > MM_HIGHEST_USER_ADDRESS ||
        Size > MM_HIGHEST_USER_ADDRESS - (ULONG64)Address) {
        return NULL;
    }
    ULONG64 End = ((ULONG64)Address + Size + PAGE_SIZE - 1) & ~(ULONG64)(PAGE_SIZE - 1);
    ExAcquireFastMutex(&Set->AddressLock);
    PMI_VAD Vad = MiFindVad(MiCurrentProcess(), Start);
    if (Vad != NULL && End <= Vad->End &&
        MiAllows(Vad, Start, End, ProbeMode == PAGE_READWRITE)) {
        Secure = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Secure), MI_TAG_SECURE);
    }
    if (Secure != NULL) {
        *Secure = (MI_SECURE){Vad->Secured, Start, End, ProbeMode == PAGE_READWRITE};
        Vad->Secured = Secure;
    }
    ExReleaseFastMutex(&Set->AddressLock);
    return Secure;
}

/* <= APC_LEVEL, in the same process. A handle that is none (any more) is passed over. */
VOID MmUnsecureVirtualMemory(HANDLE SecureHandle)
{
    PMI_WORKING_SET Set = MiAddressSpaceOf(MiCurrentProcess());
    ExAcquireFastMutex(&Set->AddressLock);
    for (PMI_VAD Vad = MiCurrentProcess()->VadRoot; Vad != NULL; Vad = Vad->Next) {
        for (MI_SECURE **Link = &Vad->Secured; *Link != NULL; Link = &(*Link)->Next) {
            MI_SECURE *Secure = *Link;
            if (Secure == SecureHandle) {
                *Link = Secure->Next;
                ExFreePoolWithTag(Secure, MI_TAG_SECURE);
                ExReleaseFastMutex(&Set->AddressLock);
                return;
            }
        }
    }
    ExReleaseFastMutex(&Set->AddressLock);
}
