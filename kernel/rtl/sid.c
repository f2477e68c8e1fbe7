/* SPDX-License-Identifier: MIT */
/*
 * Security identifiers: revision, count, six bytes of authority, up to 15 sub-authorities.
 *
 * The routines trust the count of a SID that they are given, as documented; RtlpValidSidWithin is
 * for bytes that nobody has looked at yet.
 */
#include "rtlp.h"
#include "rtl_security.h"

#define SID_HEADER 8u

/* "S-255-" and an authority in hexadecimal or of up to 10 digits, "-" and 10 digits for each */
#define SID_TEXT_UNITS (6 + 14 + SID_MAX_SUB_AUTHORITIES * 11)

BOOLEAN RtlpValidSidWithin(const VOID *Sid, ULONG Length)
{
    const SID *Identifier = Sid;
    return Length >= SID_HEADER && Identifier->Revision == SID_REVISION &&
           Identifier->SubAuthorityCount <= SID_MAX_SUB_AUTHORITIES &&
           Length >= SID_HEADER + Identifier->SubAuthorityCount * sizeof(ULONG);
}

BOOLEAN RtlValidSid(PSID Sid)
{
    return Sid != NULL && RtlpValidSidWithin(Sid, SECURITY_MAX_SID_SIZE);
}

ULONG RtlLengthRequiredSid(ULONG SubAuthorityCount)
{
    return SID_HEADER + SubAuthorityCount * (ULONG)sizeof(ULONG);
}

ULONG RtlLengthSid(PSID Sid)
{
    return RtlLengthRequiredSid(((PISID)Sid)->SubAuthorityCount);
}

/* STATUS_INVALID_PARAMETER: more sub-authorities than a SID can have; Sid is then unchanged. */
NTSTATUS RtlInitializeSid(PSID Sid, PSID_IDENTIFIER_AUTHORITY IdentifierAuthority,
                          UCHAR SubAuthorityCount)
{
    PISID Identifier = Sid;
    if (SubAuthorityCount > SID_MAX_SUB_AUTHORITIES) {
        return STATUS_INVALID_PARAMETER;
    }
    Identifier->Revision = SID_REVISION;
    Identifier->SubAuthorityCount = SubAuthorityCount;
    Identifier->IdentifierAuthority = *IdentifierAuthority;
    return STATUS_SUCCESS;
}

/* The index is not checked, as documented. */
PULONG RtlSubAuthoritySid(PSID Sid, ULONG SubAuthority)
{
    return (PULONG)((PCHAR)Sid + SID_HEADER) + SubAuthority;
}

PUCHAR RtlSubAuthorityCountSid(PSID Sid)
{
    return &((PISID)Sid)->SubAuthorityCount;
}

PSID_IDENTIFIER_AUTHORITY RtlIdentifierAuthoritySid(PSID Sid)
{
    return &((PISID)Sid)->IdentifierAuthority;
}

BOOLEAN RtlEqualSid(PSID Sid1, PSID Sid2)
{
    return *(const UCHAR *)Sid1 == *(const UCHAR *)Sid2 &&
           RtlLengthSid(Sid1) == RtlLengthSid(Sid2) &&
           RtlEqualMemory(Sid1, Sid2, RtlLengthSid(Sid1));
}

/* Equal but for the last sub-authority: the same domain. */
BOOLEAN RtlEqualPrefixSid(PSID Sid1, PSID Sid2)
{
    ULONG Length = RtlLengthSid(Sid1);
    if (Length != RtlLengthSid(Sid2)) {
        return FALSE;
    }
    return RtlEqualMemory(Sid1, Sid2, Length > SID_HEADER ? Length - sizeof(ULONG) : Length);
}

NTSTATUS RtlCopySid(ULONG DestinationSidLength, PSID DestinationSid, PSID SourceSid)
{
    ULONG Length = RtlLengthSid(SourceSid);
    if (Length > DestinationSidLength) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    RtlMoveMemory(DestinationSid, SourceSid, Length);
    return STATUS_SUCCESS;
}

static PWCH RtlpPutNumber(PWCH Out, ULONGLONG Value, ULONG Base, ULONG Digits)
{
    WCHAR Reversed[20];
    ULONG Count = 0;
    do {
        Reversed[Count++] = (WCHAR)"0123456789abcdef"[Value % Base];
        Value /= Base;
    } while (Value != 0 || Count < Digits);
    while (Count > 0) {
        *Out++ = Reversed[--Count];
    }
    return Out;
}

/* S-R-A-S...: A in decimal below 2^32, else as 0x and twelve digits [MS-DTYP 2.4.2.1]. */
static ULONG RtlpSidToText(const SID *Sid, WCHAR Text[SID_TEXT_UNITS])
{
    PWCH Out = Text;
    ULONGLONG Authority = 0;

    for (ULONG i = 0; i < sizeof(Sid->IdentifierAuthority); i++) {
        Authority = Authority << 8 | Sid->IdentifierAuthority.Value[i];
    }
    *Out++ = 'S';
    *Out++ = '-';
    Out = RtlpPutNumber(Out, Sid->Revision, 10, 1);
    *Out++ = '-';
    if (Authority >> 32 != 0) {
        *Out++ = '0';
        *Out++ = 'x';
        Out = RtlpPutNumber(Out, Authority, 16, 12);
    } else {
        Out = RtlpPutNumber(Out, Authority, 10, 1);
    }
    for (ULONG i = 0; i < Sid->SubAuthorityCount; i++) {
        *Out++ = '-';
        Out = RtlpPutNumber(Out, *RtlSubAuthoritySid((PSID)Sid, i), 10, 1);
    }
    return (ULONG)(Out - Text);
}

/*
 * With AllocateDestinationString the caller frees UnicodeString with RtlFreeUnicodeString. The
 * result ends in a NUL. <= APC_LEVEL. STATUS_INVALID_SID, STATUS_BUFFER_OVERFLOW, STATUS_NO_MEMORY
 */
NTSTATUS RtlConvertSidToUnicodeString(PUNICODE_STRING UnicodeString, PSID Sid,
                                      BOOLEAN AllocateDestinationString)
{
    WCHAR Text[SID_TEXT_UNITS];

    if (!RtlValidSid(Sid)) {
        return STATUS_INVALID_SID;
    }
    ULONG Units = RtlpSidToText(Sid, Text);
    USHORT Bytes = (USHORT)(Units * sizeof(WCHAR));
    if (AllocateDestinationString) {
        PWCH Buffer =
            ExAllocatePoolWithTag(PagedPool, Bytes + sizeof(WCHAR), RTLP_STRING_TAG);
        if (Buffer == NULL) {
            return STATUS_NO_MEMORY;
        }
        UnicodeString->Buffer = Buffer;
        UnicodeString->MaximumLength = (USHORT)(Bytes + sizeof(WCHAR));
    } else if (UnicodeString->MaximumLength < Bytes + sizeof(WCHAR)) {
        return STATUS_BUFFER_OVERFLOW;
    }
    RtlCopyMemory(UnicodeString->Buffer, Text, Bytes);
    UnicodeString->Buffer[Units] = 0;
    UnicodeString->Length = Bytes;
    return STATUS_SUCCESS;
}
