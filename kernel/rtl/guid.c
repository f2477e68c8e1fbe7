/* SPDX-License-Identifier: MIT */
/* GUIDs as {XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX}. */
#include "rtlp.h"

#define GUID_UNITS 38u

/* For each unit: which byte of the GUID its digit belongs to, high digit first; else itself. */
static const CHAR RtlpGuidShape[GUID_UNITS + 1] = "{33221100-5544-7766-8899-AABBCCDDEEFF}";

static ULONG RtlpGuidByte(CHAR Place)
{
    return Place <= '9' ? (ULONG)(Place - '0') : (ULONG)(Place - 'A' + 10);
}

static BOOLEAN RtlpGuidIsPunctuation(CHAR Place)
{
    return Place == '{' || Place == '-' || Place == '}';
}

/* PASSIVE_LEVEL. *Guid is written on success only. */
NTSTATUS RtlGUIDFromString(PCUNICODE_STRING GuidString, GUID *Guid)
{
    UCHAR Bytes[sizeof(GUID)] = {0};
    if (GuidString->Length < GUID_UNITS * sizeof(WCHAR)) {
        return STATUS_INVALID_PARAMETER;
    }
    for (ULONG i = 0; i < GUID_UNITS; i += 1) {
        ULONG c = GuidString->Buffer[i];
        CHAR Place = RtlpGuidShape[i];
        if (RtlpGuidIsPunctuation(Place)) {
            if (c != (UCHAR)Place) {
                return STATUS_INVALID_PARAMETER;
            }
            continue;
        }
        ULONG Digit = c - '0' < 10 ? c - '0' : (c | 0x20) - 'a' < 6 ? (c | 0x20) - 'a' + 10 : 16;
        if (Digit > 15) {
            return STATUS_INVALID_PARAMETER;
        }
        UCHAR *Byte = &Bytes[RtlpGuidByte(Place)];
        *Byte = (UCHAR)(*Byte << 4 | Digit);
    }
    RtlCopyMemory(Guid, Bytes, sizeof(*Guid));
    return STATUS_SUCCESS;
}

/* PASSIVE_LEVEL. The caller frees GuidString with RtlFreeUnicodeString. */
NTSTATUS RtlStringFromGUID(const GUID *Guid, PUNICODE_STRING GuidString)
{
    const UCHAR *Bytes = (const UCHAR *)Guid;
    PWCH Buffer = ExAllocatePoolWithTag(PagedPool, (GUID_UNITS + 1) * sizeof(WCHAR),
                                        RTLP_STRING_TAG);
    if (Buffer == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (ULONG i = 0; i < GUID_UNITS; i += 1) {
        CHAR Place = RtlpGuidShape[i];
        if (RtlpGuidIsPunctuation(Place)) {
            Buffer[i] = (WCHAR)Place;
            continue;
        }
        UCHAR Byte = Bytes[RtlpGuidByte(Place)];
        BOOLEAN High = RtlpGuidShape[i + 1] == Place;
        Buffer[i] = (WCHAR)"0123456789ABCDEF"[High ? Byte >> 4 : Byte & 0xf];
    }
    Buffer[GUID_UNITS] = 0;
    GuidString->Buffer = Buffer;
    GuidString->Length = GUID_UNITS * sizeof(WCHAR);
    GuidString->MaximumLength = (GUID_UNITS + 1) * sizeof(WCHAR);
    return STATUS_SUCCESS;
}
