/* SPDX-License-Identifier: MIT */
/* Object types that drivers compare with, and of which there are no objects. */
#include "ob/obp.h"

POBJECT_TYPE ExSemaphoreObjectType, LpcPortObjectType, PsJobType;

VOID ObpCreateBareTypes(VOID)
{
    static const OBJECT_TYPE_INITIALIZER Info = {
        .GenericMapping = {STANDARD_RIGHTS_READ, STANDARD_RIGHTS_WRITE, STANDARD_RIGHTS_EXECUTE,
                           STANDARD_RIGHTS_ALL},
        .ValidAccessMask = STANDARD_RIGHTS_ALL,
        .PoolType = NonPagedPoolNx,
    };
    NT_VERIFY(NT_SUCCESS(ObCreateObjectType(L"Semaphore", &Info, NULL, &ExSemaphoreObjectType)));
    NT_VERIFY(NT_SUCCESS(ObCreateObjectType(L"ALPC Port", &Info, NULL, &LpcPortObjectType)));
    NT_VERIFY(NT_SUCCESS(ObCreateObjectType(L"Job", &Info, NULL, &PsJobType)));
}
