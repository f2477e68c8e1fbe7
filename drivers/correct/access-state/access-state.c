/* SPDX-License-Identifier: MIT */
/* SeCreateAccessState and its neighbours. See README.md. */
#include <ntifs.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD StateUnload;

#define CHECK(condition)                                     \
    do {                                                     \
        if (!(condition)) {                                  \
            DbgPrint("line %u: %s\n", __LINE__, #condition); \
            return STATUS_UNSUCCESSFUL;                      \
        }                                                    \
    } while (0)

#pragma code_seg("PAGE")

/* What a driver passes that makes a create request of its own. */
static NTSTATUS StateCreate(VOID)
{
    ACCESS_STATE State, Other;
    DECLSPEC_ALIGN(8) UCHAR Aux[0xe0], OtherAux[0xe0];
    PGENERIC_MAPPING Mapping = IoGetFileObjectGenericMapping();

    PAGED_CODE();
    RtlFillMemory(Aux, sizeof(Aux), 0x5a);
    CHECK(SeCreateAccessState(&State, Aux, GENERIC_READ | DELETE, Mapping) == STATUS_SUCCESS);
    CHECK(State.RemainingDesiredAccess == (FILE_GENERIC_READ | DELETE));
    CHECK(State.OriginalDesiredAccess == State.RemainingDesiredAccess);
    CHECK(State.PreviouslyGrantedAccess == 0 && State.SecurityDescriptor == NULL);
    CHECK(State.SubjectSecurityContext.PrimaryToken != NULL && State.AuxData == Aux);
    CHECK(State.ObjectName.Buffer == NULL && !State.PrivilegesAllocated);
    CHECK(Aux[0x20] == 0x5a); /* the oldest layout ends here: no more is written */
    CHECK(SeCreateAccessState(&Other, OtherAux, GENERIC_WRITE, NULL) == STATUS_SUCCESS);
    CHECK(Other.OriginalDesiredAccess == GENERIC_WRITE);
    CHECK(Other.OperationID.LowPart != State.OperationID.LowPart);
    SeSetAccessStateGenericMapping(&Other, Mapping);
    CHECK(RtlEqualMemory(OtherAux + 8, Mapping, sizeof(*Mapping)));
    SeDeleteAccessState(&Other);
    SeDeleteAccessState(&State);
    return STATUS_SUCCESS;
}

/* Three fit into the state; then there is a block of pool. */
static NTSTATUS StatePrivileges(VOID)
{
    ACCESS_STATE State;
    DECLSPEC_ALIGN(8) UCHAR Aux[0xe0];
    PRIVILEGE_SET Set = {1, 0, {{{SE_BACKUP_PRIVILEGE, 0}, SE_PRIVILEGE_USED_FOR_ACCESS}}};

    PAGED_CODE();
    CHECK(SeCreateAccessState(&State, Aux, 0, NULL) == STATUS_SUCCESS);
    PPRIVILEGE_SET *Used = (PPRIVILEGE_SET *)Aux;
    CHECK(*Used == &State.Privileges.PrivilegeSet);
    for (ULONG i = 1; i <= 8; i++) {
        Set.Privilege[0].Luid.LowPart = i;
        CHECK(SeAppendPrivileges(&State, &Set) == STATUS_SUCCESS);
        CHECK((*Used)->PrivilegeCount == i && State.PrivilegesAllocated == (i > 3));
        for (ULONG j = 0; j < i; j++) {
            CHECK((*Used)->Privilege[j].Luid.LowPart == j + 1);
        }
    }
    SeDeleteAccessState(&State);
    return STATUS_SUCCESS;
}

VOID StateUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
}

#pragma code_seg()

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = StateUnload;
    NTSTATUS Status = StateCreate();
    return NT_SUCCESS(Status) ? StatePrivileges() : Status;
}
