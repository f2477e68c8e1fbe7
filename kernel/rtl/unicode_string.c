/* SPDX-License-Identifier: MIT */
/*
 * Counted UTF-16 strings: initialising, copying, comparing. Lengths are in bytes; an odd byte at
 * the end of one is ignored. Any IRQL at which the strings are resident, as far as this code goes.
 */
#include "rtlp.h"

#define MAX_UNITS 0x7ffeu /* so that a terminator still fits 16 bits of length */

static SIZE_T RtlpUnits(PCWSTR s)
{
    SIZE_T n = 0;
    while (s[n] != 0) {
        n += 1;
    }
    return n;
}

/* A NUL after the string, where the buffer has room for it. */
static VOID RtlpTerminate(PUNICODE_STRING String)
{
    ULONG Unit = String->Length / sizeof(WCHAR);
    if ((Unit + 1) * sizeof(WCHAR) <= String->MaximumLength) {
        String->Buffer[Unit] = 0;
    }
}

/* A longer source is cut to what a UNICODE_STRING can count. */
VOID RtlInitUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString)
{
    *DestinationString = (UNICODE_STRING){.Buffer = (PWCH)SourceString};
    if (SourceString != NULL) {
        SIZE_T Units = RtlpUnits(SourceString);
        if (Units > MAX_UNITS) {
            Units = MAX_UNITS;
        }
        DestinationString->Length = (USHORT)(Units * sizeof(WCHAR));
        DestinationString->MaximumLength = (USHORT)((Units + 1) * sizeof(WCHAR));
    }
}

NTSTATUS RtlInitUnicodeStringEx(PUNICODE_STRING DestinationString, PCWSTR SourceString)
{
    *DestinationString = (UNICODE_STRING){0};
    if (SourceString != NULL && RtlpUnits(SourceString) > MAX_UNITS) {
        return STATUS_NAME_TOO_LONG;
    }
    RtlInitUnicodeString(DestinationString, SourceString);
    return STATUS_SUCCESS;
}

VOID RtlCopyUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString)
{
    DestinationString->Length = 0;
    if (SourceString == NULL) {
        return;
    }
    USHORT Bytes = SourceString->Length;
    if (Bytes > DestinationString->MaximumLength) {
        Bytes = DestinationString->MaximumLength;
    }
    RtlMoveMemory(DestinationString->Buffer, SourceString->Buffer, Bytes);
    DestinationString->Length = Bytes;
    RtlpTerminate(DestinationString);
}

/* All or nothing. */
static NTSTATUS RtlpAppend(PUNICODE_STRING Destination, PCWCH Source, SIZE_T Bytes)
{
    if (Bytes > Destination->MaximumLength ||
        Destination->Length > Destination->MaximumLength - Bytes) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    RtlMoveMemory((PUCHAR)Destination->Buffer + Destination->Length, Source, Bytes);
    Destination->Length = (USHORT)(Destination->Length + Bytes);
    RtlpTerminate(Destination);
    return STATUS_SUCCESS;
}

NTSTATUS RtlAppendUnicodeToString(PUNICODE_STRING Destination, PCWSTR Source)
{
    if (Source == NULL) {
        return STATUS_SUCCESS;
    }
    return RtlpAppend(Destination, Source, RtlpUnits(Source) * sizeof(WCHAR));
}

NTSTATUS RtlAppendUnicodeStringToString(PUNICODE_STRING Destination, PCUNICODE_STRING Source)
{
    if (Source->Length == 0) {
        return STATUS_SUCCESS;
    }
    return RtlpAppend(Destination, Source->Buffer, Source->Length);
}

/* Lengths in units. */
LONG RtlCompareUnicodeStrings(PCWCH String1, SIZE_T String1Length, PCWCH String2,
                              SIZE_T String2Length, BOOLEAN CaseInSensitive)
{
    SIZE_T Common = String1Length < String2Length ? String1Length : String2Length;
    for (SIZE_T i = 0; i < Common; i += 1) {
        LONG a = String1[i];
        LONG b = String2[i];
        if (a != b && CaseInSensitive) {
            a = RtlUpcaseUnicodeChar((WCHAR)a);
            b = RtlUpcaseUnicodeChar((WCHAR)b);
        }
        if (a != b) {
            return a - b;
        }
    }
    if (String1Length == String2Length) {
        return 0;
    }
    return String1Length < String2Length ? -1 : 1;
}

LONG RtlCompareUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                             BOOLEAN CaseInSensitive)
{
    return RtlCompareUnicodeStrings(String1->Buffer, String1->Length / sizeof(WCHAR),
                                    String2->Buffer, String2->Length / sizeof(WCHAR),
                                    CaseInSensitive);
}

BOOLEAN RtlEqualUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                              BOOLEAN CaseInSensitive)
{
    return String1->Length == String2->Length &&
           RtlCompareUnicodeString(String1, String2, CaseInSensitive) == 0;
}

/* Whether String1 is a prefix of String2. */
BOOLEAN RtlPrefixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                               BOOLEAN CaseInSensitive)
{
    SIZE_T Units = String1->Length / sizeof(WCHAR);
    return String1->Length <= String2->Length &&
           RtlCompareUnicodeStrings(String1->Buffer, Units, String2->Buffer, Units,
                                    CaseInSensitive) == 0;
}

NTSTATUS RtlHashUnicodeString(PCUNICODE_STRING String, BOOLEAN CaseInSensitive,
                              ULONG HashAlgorithm, PULONG HashValue)
{
    if (String == NULL || HashValue == NULL || (HashAlgorithm != HASH_STRING_ALGORITHM_DEFAULT &&
                                                HashAlgorithm != HASH_STRING_ALGORITHM_X65599)) {
        return STATUS_INVALID_PARAMETER;
    }
    ULONG Hash = 0;
    for (ULONG i = 0; i < String->Length / sizeof(WCHAR); i += 1) {
        WCHAR c = String->Buffer[i];
        Hash = Hash * 65599 + (CaseInSensitive ? RtlUpcaseUnicodeChar(c) : c);
    }
    *HashValue = Hash;
    return STATUS_SUCCESS;
}

/* Flags must be 0. A NULL string is valid. */
NTSTATUS RtlValidateUnicodeString(ULONG Flags, PCUNICODE_STRING String)
{
    if (Flags != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if (String != NULL &&
        (String->Length % sizeof(WCHAR) != 0 || String->MaximumLength % sizeof(WCHAR) != 0 ||
         String->Length > String->MaximumLength ||
         (String->Buffer == NULL && String->MaximumLength != 0))) {
        return STATUS_INVALID_PARAMETER;
    }
    return STATUS_SUCCESS;
}

/*
 * Readies a destination for Bytes (and a terminator, when allocated here). The caller frees
 * what was allocated with RtlFreeUnicodeString. <= APC_LEVEL: paged pool.
 */
static NTSTATUS RtlpPrepare(PUNICODE_STRING Destination, USHORT Bytes, BOOLEAN Allocate)
{
    if (!Allocate) {
        return Bytes > Destination->MaximumLength ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
    }
    PWCH Buffer = ExAllocatePoolWithTag(PagedPool, Bytes != 0 ? Bytes : sizeof(WCHAR),
                                        RTLP_STRING_TAG);
    if (Buffer == NULL) {
        return STATUS_NO_MEMORY;
    }
    *Destination = (UNICODE_STRING){.MaximumLength = Bytes, .Buffer = Buffer};
    return STATUS_SUCCESS;
}

static NTSTATUS RtlpMapString(PUNICODE_STRING Destination, PCUNICODE_STRING Source,
                              BOOLEAN Allocate, WCHAR (*Map)(WCHAR))
{
    NTSTATUS Status = RtlpPrepare(Destination, Source->Length, Allocate);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    for (ULONG i = 0; i < Source->Length / sizeof(WCHAR); i += 1) {
        Destination->Buffer[i] = Map(Source->Buffer[i]);
    }
    Destination->Length = Source->Length;
    return STATUS_SUCCESS;
}

NTSTATUS RtlUpcaseUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                BOOLEAN AllocateDestinationString)
{
    return RtlpMapString(DestinationString, SourceString, AllocateDestinationString,
                         RtlUpcaseUnicodeChar);
}

NTSTATUS RtlDowncaseUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                  BOOLEAN AllocateDestinationString)
{
    return RtlpMapString(DestinationString, SourceString, AllocateDestinationString,
                         RtlDowncaseUnicodeChar);
}

BOOLEAN RtlCreateUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString)
{
    SIZE_T Units = RtlpUnits(SourceString);
    if (Units > MAX_UNITS ||
        !NT_SUCCESS(RtlpPrepare(DestinationString, (USHORT)((Units + 1) * sizeof(WCHAR)), TRUE))) {
        return FALSE;
    }
    RtlCopyMemory(DestinationString->Buffer, SourceString, (Units + 1) * sizeof(WCHAR));
    DestinationString->Length = (USHORT)(Units * sizeof(WCHAR));
    return TRUE;
}

NTSTATUS RtlDuplicateUnicodeString(ULONG Flags, PCUNICODE_STRING StringIn,
                                   PUNICODE_STRING StringOut)
{
    BOOLEAN Terminate = (Flags & RTL_DUPLICATE_UNICODE_STRING_NULL_TERMINATE) != 0;
    BOOLEAN AllocateEmpty = (Flags & RTL_DUPLICATE_UNICODE_STRING_ALLOCATE_NULL_STRING) != 0;
    if ((Flags & ~3u) != 0 || StringIn == NULL || StringOut == NULL ||
        !NT_SUCCESS(RtlValidateUnicodeString(0, StringIn)) || (AllocateEmpty && !Terminate)) {
        return STATUS_INVALID_PARAMETER;
    }
    *StringOut = (UNICODE_STRING){0};
    if (StringIn->Length == 0 && !AllocateEmpty) {
        return STATUS_SUCCESS;
    }
    if (Terminate && StringIn->Length > MAX_UNITS * sizeof(WCHAR)) {
        return STATUS_NAME_TOO_LONG;
    }
    USHORT Bytes = (USHORT)(StringIn->Length + (Terminate ? sizeof(WCHAR) : 0));
    NTSTATUS Status = RtlpPrepare(StringOut, Bytes, TRUE);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    RtlCopyMemory(StringOut->Buffer, StringIn->Buffer, StringIn->Length);
    StringOut->Length = StringIn->Length;
    RtlpTerminate(StringOut);
    return STATUS_SUCCESS;
}

VOID RtlFreeUnicodeString(PUNICODE_STRING UnicodeString)
{
    if (UnicodeString->Buffer != NULL) {
        ExFreePoolWithTag(UnicodeString->Buffer, 0);
        *UnicodeString = (UNICODE_STRING){0};
    }
}
