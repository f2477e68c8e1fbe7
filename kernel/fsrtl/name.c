/* SPDX-License-Identifier: MIT */
/*
 * Names and expressions, as FsRtlIsNameInExpression's WDK page tells the wildcards:
 *
 *   *          any characters, or none
 *   ?          one character
 *   DOS_STAR < any characters, or none, but not the name's last period
 *   DOS_QM   > one character; at a period or at the end of the name, none
 *   DOS_DOT  " a period; at the end of the name, nothing
 *
 * The match follows all ways through the expression at once: a set of the places that the name so
 * far may have led to. So its time is at most the product of the lengths, whatever the expression.
 */
#include "nt/fsrtl.h"
#include "nt/se.h"
#include "rtl/rtlp.h"

#ifndef _WIN32 /* the native tests bring their own */
DECLSPEC_NORETURN VOID ExRaiseStatus(NTSTATUS Status);
#endif

#define FSRTL_TAG 0x74527346u /* 'FsRt' */
#define WORD_BITS 64u
#define STACK_WORDS 8u /* an expression of 511 characters needs no pool */

/* A set of places in an expression, 0 to its length. */
typedef struct _FSRTL_PLACES {
    PCWSTR Expression;
    ULONG Length; /* characters */
    ULONG64 *Now, *Next;
} FSRTL_PLACES;

static BOOLEAN FsRtlpHas(const ULONG64 *Set, ULONG Place)
{
    return (Set[Place / WORD_BITS] >> (Place % WORD_BITS)) & 1;
}

static VOID FsRtlpAdd(ULONG64 *Set, ULONG Place)
{
    Set[Place / WORD_BITS] |= 1ull << (Place % WORD_BITS);
}

/* Adds the places that need no character: behind stars; at a period or the end behind DOS_QMs; at
   the end behind DOS_DOTs. Ascending, so that one pass finds all. */
static VOID FsRtlpClose(FSRTL_PLACES *Places, BOOLEAN AtPeriod, BOOLEAN AtEnd)
{
    for (ULONG Place = 0; Place < Places->Length; Place++) {
        WCHAR Wanted = Places->Expression[Place];
        if (FsRtlpHas(Places->Now, Place) &&
            (Wanted == L'*' || Wanted == DOS_STAR ||
             (Wanted == DOS_QM && (AtPeriod || AtEnd)) || (Wanted == DOS_DOT && AtEnd))) {
            FsRtlpAdd(Places->Now, Place + 1);
        }
    }
}

/* LastPeriod: the character is the name's last period. */
static VOID FsRtlpStep(FSRTL_PLACES *Places, WCHAR Character, BOOLEAN LastPeriod)
{
    for (ULONG Place = 0; Place < Places->Length; Place++) {
        WCHAR Wanted = Places->Expression[Place];
        if (!FsRtlpHas(Places->Now, Place)) {
            continue;
        }
        if (Wanted == L'*' || (Wanted == DOS_STAR && !LastPeriod)) {
            FsRtlpAdd(Places->Next, Place);
        } else if (Wanted == L'?' || (Wanted == DOS_QM && Character != L'.') ||
                   (Wanted == DOS_DOT && Character == L'.') || Wanted == Character) {
            if (Wanted != DOS_STAR) {
                FsRtlpAdd(Places->Next, Place + 1);
            }
        }
    }
}

static BOOLEAN FsRtlpMatch(FSRTL_PLACES *Places, PCUNICODE_STRING Name, BOOLEAN IgnoreCase,
                           PCWSTR UpcaseTable)
{
    ULONG Count = Name->Length / sizeof(WCHAR), Words = Places->Length / WORD_BITS + 1;
    ULONG LastPeriod = Count;

    for (ULONG i = 0; i < Count; i++) {
        LastPeriod = Name->Buffer[i] == L'.' ? i : LastPeriod;
    }
    FsRtlpAdd(Places->Now, 0);
    for (ULONG i = 0; i < Count; i++) {
        WCHAR Character = Name->Buffer[i];
        FsRtlpClose(Places, Character == L'.', FALSE);
        if (IgnoreCase) {
            Character = UpcaseTable != NULL ? UpcaseTable[Character]
                                            : RtlUpcaseUnicodeChar(Character);
        }
        FsRtlpStep(Places, Character, i == LastPeriod);
        ULONG64 *Used = Places->Now;
        Places->Now = Places->Next;
        Places->Next = Used;
        RtlZeroMemory(Used, Words * sizeof(ULONG64));
    }
    FsRtlpClose(Places, FALSE, TRUE);
    return FsRtlpHas(Places->Now, Places->Length);
}

/*
 * IgnoreCase: the expression is in upper case already. An expression that is too long for the
 * stack takes pool; without it this raises STATUS_INSUFFICIENT_RESOURCES. PASSIVE_LEVEL
 */
BOOLEAN FsRtlIsNameInExpression(PUNICODE_STRING Expression, PUNICODE_STRING Name,
                                BOOLEAN IgnoreCase, PWCH UpcaseTable)
{
    ULONG64 Stack[2 * STACK_WORDS] = {0}, *Pool = NULL;
    FSRTL_PLACES Places = {Expression->Buffer, Expression->Length / sizeof(WCHAR), Stack,
                           Stack + STACK_WORDS};
    ULONG Words = Places.Length / WORD_BITS + 1;

    if (Name->Length == 0 || Expression->Length == 0) {
        return Name->Length == Expression->Length;
    }
    if (Words > STACK_WORDS) {
        SIZE_T Bytes = 2 * Words * sizeof(ULONG64);
        Pool = ExAllocatePoolWithTag(PagedPool, Bytes, FSRTL_TAG);
        if (Pool == NULL) {
            ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
        }
        RtlZeroMemory(Pool, Bytes);
        Places.Now = Pool;
        Places.Next = Pool + Words;
    }
    BOOLEAN Matches = FsRtlpMatch(&Places, Name, IgnoreCase, UpcaseTable);
    if (Pool != NULL) {
        ExFreePoolWithTag(Pool, FSRTL_TAG);
    }
    return Matches;
}

BOOLEAN FsRtlDoesNameContainWildCards(PUNICODE_STRING Name)
{
    for (ULONG i = 0; i < Name->Length / sizeof(WCHAR); i++) {
        WCHAR Character = Name->Buffer[i];
        if (Character == L'*' || Character == L'?' || Character == DOS_STAR ||
            Character == DOS_QM || Character == DOS_DOT) {
            return TRUE;
        }
    }
    return FALSE;
}

/* The first component and what follows it, both without the backslash between them. */
VOID FsRtlDissectName(UNICODE_STRING Path, PUNICODE_STRING FirstName,
                      PUNICODE_STRING RemainingName)
{
    ULONG Count = Path.Length / sizeof(WCHAR), Start, End;

    *FirstName = *RemainingName = (UNICODE_STRING){0, 0, NULL};
    if (Count == 0) {
        return;
    }
    Start = Path.Buffer[0] == L'\\' ? 1 : 0;
    for (End = Start; End < Count && Path.Buffer[End] != L'\\'; End++) {
    }
    FirstName->Buffer = Path.Buffer + Start;
    FirstName->Length = FirstName->MaximumLength = (USHORT)((End - Start) * sizeof(WCHAR));
    if (End < Count) {
        RemainingName->Buffer = Path.Buffer + End + 1;
        RemainingName->Length = RemainingName->MaximumLength =
            (USHORT)((Count - End - 1) * sizeof(WCHAR));
    }
}

BOOLEAN FsRtlAreNamesEqual(PCUNICODE_STRING ConstantNameA, PCUNICODE_STRING ConstantNameB,
                           BOOLEAN IgnoreCase, PCWCH UpcaseTable)
{
    if (ConstantNameA->Length != ConstantNameB->Length) {
        return FALSE;
    }
    for (ULONG i = 0; i < ConstantNameA->Length / sizeof(WCHAR); i++) {
        WCHAR A = ConstantNameA->Buffer[i], B = ConstantNameB->Buffer[i];
        if (IgnoreCase) {
            A = UpcaseTable != NULL ? UpcaseTable[A] : RtlUpcaseUnicodeChar(A);
            B = UpcaseTable != NULL ? UpcaseTable[B] : RtlUpcaseUnicodeChar(B);
        }
        if (A != B) {
            return FALSE;
        }
    }
    return TRUE;
}
