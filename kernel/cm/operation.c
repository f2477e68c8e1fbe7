/* SPDX-License-Identifier: MIT */
/* What every service on an open key does: the key, the callbacks, the lock, the work. */
#include "cm/cmp.h"

/* Information's first member is the object, in each of the structures. */
NTSTATUS CmpPerform(HANDLE KeyHandle, ACCESS_MASK Access, PCMP_OPERATION Operation, CMP_WORK *Work)
{
    PCM_KEY_BODY Body;
    NTSTATUS Status = CmpReferenceKey(KeyHandle, Access, &Body);
    BOOLEAN Ended = FALSE;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    *(PVOID *)Operation->Information = Body;
    Operation->Body = Body;
    __try {
        if (CmpBeginOperation(Operation)) {
            CmpLockRegistry();
            __try {
                Status = (Body->Node->Flags & CM_NODE_DELETED) ? STATUS_KEY_DELETED
                                                               : Work(Body, Operation->Information);
            } __finally {
                CmpUnlockRegistry();
            }
        } else {
            Status = Operation->Status;
        }
        Ended = TRUE;
        Status = CmpEndOperation(Operation, Status, Body);
    } __finally {
        if (!Ended) { /* the caller's buffer raised */
            CmpEndOperation(Operation, STATUS_ACCESS_VIOLATION, Body);
        }
        ObfDereferenceObject(Body);
    }
    return Status;
}
