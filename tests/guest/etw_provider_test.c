/* SPDX-License-Identifier: MIT */
/* Providers and their handles: as many as there is room for, and none twice. */
#include "etw/etwp.h"
#include "nt/rtl.h"
#include "test.h"

static ULONG EnableCalls, LastCode;

static VOID Enabled(LPCGUID SourceId, ULONG ControlCode, UCHAR Level, ULONGLONG MatchAnyKeyword,
                    ULONGLONG MatchAllKeyword, PEVENT_FILTER_DESCRIPTOR FilterData,
                    PVOID CallbackContext)
{
    EXPECT(KeGetCurrentIrql() == PASSIVE_LEVEL && CallbackContext == &EnableCalls);
    EnableCalls++;
    LastCode = ControlCode;
}

GUEST_TEST(etw_table_of_providers_is_bounded)
{
    static REGHANDLE Handles[ETWP_PROVIDERS + 1];
    GUID Guid = {0x77};
    ULONG Count = 0;

    while (Count <= ETWP_PROVIDERS &&
           EtwRegister(&Guid, NULL, NULL, &Handles[Count]) == STATUS_SUCCESS) {
        EXPECT(EtwpReferenceHandle(Handles[Count]) != NULL);
        Count++;
    }
    EXPECT(Count <= ETWP_PROVIDERS && Count + 8 > ETWP_PROVIDERS);
    EXPECT_EQUAL((ULONG)EtwRegister(&Guid, NULL, NULL, &Handles[Count]), (ULONG)STATUS_NO_MEMORY);
    for (ULONG i = 0; i < Count; i++) {
        EXPECT_EQUAL(EtwUnregister(Handles[i]), STATUS_SUCCESS);
    }
    REGHANDLE Again;
    EXPECT_EQUAL(EtwRegister(&Guid, NULL, NULL, &Again), STATUS_SUCCESS);
    for (ULONG i = 0; i < Count; i++) { /* an old handle of the same entry is none */
        EXPECT(Handles[i] != Again && EtwpReferenceHandle(Handles[i]) == NULL);
    }
    EXPECT_EQUAL(EtwUnregister(Again), STATUS_SUCCESS);
    EXPECT(EtwpReferenceHandle((REGHANDLE)ETWP_PROVIDERS << 32 | 1) == NULL);
}

GUEST_TEST(etw_session_is_kept_for_who_registers_later)
{
    GUID Guid = {0x78};
    REGHANDLE First, Second;

    EnableCalls = 0;
    EXPECT_EQUAL(EtwpEnable(&Guid, TRUE, 3, 0, 0), STATUS_SUCCESS);
    EXPECT_EQUAL(EtwRegister(&Guid, Enabled, &EnableCalls, &First), STATUS_SUCCESS);
    EXPECT_EQUAL(EtwRegister(&Guid, Enabled, &EnableCalls, &Second), STATUS_SUCCESS);
    EXPECT(EnableCalls == 2 && LastCode == EVENT_CONTROL_CODE_ENABLE_PROVIDER);
    EXPECT(EtwProviderEnabled(First, 3, 1ull << 63) && !EtwProviderEnabled(First, 4, 1));
    EXPECT_EQUAL(EtwUnregister(Second), STATUS_SUCCESS);
    EXPECT_EQUAL(EtwpEnable(&Guid, FALSE, 0, 0, 0), STATUS_SUCCESS);
    EXPECT(EnableCalls == 3 && LastCode == EVENT_CONTROL_CODE_DISABLE_PROVIDER);
    EXPECT(!EtwProviderEnabled(First, 1, 0));
    EXPECT_EQUAL(EtwUnregister(First), STATUS_SUCCESS);
    /* More GUIDs than the session follows. */
    ULONG Count = 0;
    for (; Count <= ETWP_WANTED; Count++) {
        Guid.Data2 = (USHORT)(Count + 1);
        if (!NT_SUCCESS(EtwpEnable(&Guid, TRUE, 0, 0, 0))) {
            break;
        }
    }
    EXPECT_EQUAL(Count, ETWP_WANTED);
    while (Count-- > 0) {
        Guid.Data2 = (USHORT)(Count + 1);
        EXPECT_EQUAL(EtwpEnable(&Guid, FALSE, 0, 0, 0), STATUS_SUCCESS);
    }
}
