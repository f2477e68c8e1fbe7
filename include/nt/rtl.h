/* SPDX-License-Identifier: MIT */
/* Rtl and the C library routines the kernel exports, as drivers see them. */
#pragma once

#include <stdarg.h>

#include "ntdef.h"
#include "ntstatus.h"

/* ---- strings ---- */

#define UNICODE_STRING_MAX_BYTES ((USHORT)65534)
#define UNICODE_NULL ((WCHAR)0)
#define ANSI_NULL ((CHAR)0)
#define HASH_STRING_ALGORITHM_DEFAULT 0
#define HASH_STRING_ALGORITHM_X65599 1
#define HASH_STRING_ALGORITHM_INVALID 0xffffffffu

VOID RtlInitUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString);
NTSTATUS RtlInitUnicodeStringEx(PUNICODE_STRING DestinationString, PCWSTR SourceString);
VOID RtlInitAnsiString(PANSI_STRING DestinationString, PCSZ SourceString);
NTSTATUS RtlInitAnsiStringEx(PANSI_STRING DestinationString, PCSZ SourceString);
VOID RtlInitString(PSTRING DestinationString, PCSZ SourceString);
FORCEINLINE VOID RtlInitEmptyUnicodeString(PUNICODE_STRING String, PWCHAR Buffer, USHORT Bytes)
{
    String->Length = 0;
    String->MaximumLength = Bytes;
    String->Buffer = Buffer;
}
VOID RtlCopyUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString);
VOID RtlCopyString(PSTRING DestinationString, const STRING *SourceString);
NTSTATUS RtlAppendUnicodeToString(PUNICODE_STRING Destination, PCWSTR Source);
NTSTATUS RtlAppendUnicodeStringToString(PUNICODE_STRING Destination, PCUNICODE_STRING Source);
NTSTATUS RtlAppendStringToString(PSTRING Destination, const STRING *Source);
LONG RtlCompareUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                             BOOLEAN CaseInSensitive);
LONG RtlCompareUnicodeStrings(PCWCH String1, SIZE_T String1Length, PCWCH String2,
                              SIZE_T String2Length, BOOLEAN CaseInSensitive);
BOOLEAN RtlEqualUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                              BOOLEAN CaseInSensitive);
BOOLEAN RtlPrefixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                               BOOLEAN CaseInSensitive);
LONG RtlCompareString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive);
BOOLEAN RtlEqualString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive);
BOOLEAN RtlPrefixString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive);
NTSTATUS RtlHashUnicodeString(PCUNICODE_STRING String, BOOLEAN CaseInSensitive,
                              ULONG HashAlgorithm, PULONG HashValue);
NTSTATUS RtlValidateUnicodeString(ULONG Flags, PCUNICODE_STRING String);
WCHAR RtlUpcaseUnicodeChar(WCHAR SourceCharacter);
WCHAR RtlDowncaseUnicodeChar(WCHAR SourceCharacter);
CHAR RtlUpperChar(CHAR Character);
VOID RtlUpperString(PSTRING DestinationString, const STRING *SourceString);
NTSTATUS RtlUpcaseUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                BOOLEAN AllocateDestinationString);
NTSTATUS RtlDowncaseUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                  BOOLEAN AllocateDestinationString);
BOOLEAN RtlCreateUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString);
#define RTL_DUPLICATE_UNICODE_STRING_NULL_TERMINATE 1
#define RTL_DUPLICATE_UNICODE_STRING_ALLOCATE_NULL_STRING 2
NTSTATUS RtlDuplicateUnicodeString(ULONG Flags, PCUNICODE_STRING StringIn,
                                   PUNICODE_STRING StringOut);
VOID RtlFreeUnicodeString(PUNICODE_STRING UnicodeString);
VOID RtlFreeAnsiString(PANSI_STRING AnsiString);

/* The ANSI code page is 1252. */
ULONG RtlxAnsiStringToUnicodeSize(PCANSI_STRING AnsiString);
ULONG RtlxUnicodeStringToAnsiSize(PCUNICODE_STRING UnicodeString);
#define RtlAnsiStringToUnicodeSize(String) RtlxAnsiStringToUnicodeSize(String)
#define RtlUnicodeStringToAnsiSize(String) RtlxUnicodeStringToAnsiSize(String)
NTSTATUS RtlAnsiStringToUnicodeString(PUNICODE_STRING DestinationString, PCANSI_STRING SourceString,
                                      BOOLEAN AllocateDestinationString);
NTSTATUS RtlUnicodeStringToAnsiString(PANSI_STRING DestinationString, PCUNICODE_STRING SourceString,
                                      BOOLEAN AllocateDestinationString);
WCHAR RtlAnsiCharToUnicodeChar(PUCHAR *SourceCharacter);
NTSTATUS RtlMultiByteToUnicodeN(PWCH UnicodeString, ULONG MaxBytesInUnicodeString,
                                PULONG BytesInUnicodeString, const CHAR *MultiByteString,
                                ULONG BytesInMultiByteString);
NTSTATUS RtlMultiByteToUnicodeSize(PULONG BytesInUnicodeString, const CHAR *MultiByteString,
                                   ULONG BytesInMultiByteString);
NTSTATUS RtlUnicodeToMultiByteN(PCHAR MultiByteString, ULONG MaxBytesInMultiByteString,
                                PULONG BytesInMultiByteString, PCWCH UnicodeString,
                                ULONG BytesInUnicodeString);
NTSTATUS RtlUnicodeToMultiByteSize(PULONG BytesInMultiByteString, PCWCH UnicodeString,
                                   ULONG BytesInUnicodeString);
NTSTATUS RtlUTF8ToUnicodeN(PWSTR UnicodeString, ULONG MaxBytes, PULONG ActualBytes,
                           PCSTR Utf8String, ULONG Utf8Bytes);
NTSTATUS RtlUnicodeToUTF8N(PCHAR Utf8String, ULONG MaxBytes, PULONG ActualBytes,
                           PCWCH UnicodeString, ULONG UnicodeBytes);

NTSTATUS RtlIntegerToUnicodeString(ULONG Value, ULONG Base, PUNICODE_STRING String);
NTSTATUS RtlInt64ToUnicodeString(ULONGLONG Value, ULONG Base, PUNICODE_STRING String);
NTSTATUS RtlUnicodeStringToInteger(PCUNICODE_STRING String, ULONG Base, PULONG Value);
NTSTATUS RtlCharToInteger(PCSZ String, ULONG Base, PULONG Value);
VOID RtlAssert(PVOID FailedAssertion, PVOID FileName, ULONG LineNumber, PCHAR Message);
NTSTATUS RtlGUIDFromString(PCUNICODE_STRING GuidString, GUID *Guid);
NTSTATUS RtlStringFromGUID(const GUID *Guid, PUNICODE_STRING GuidString);

/* ---- memory ---- */

SIZE_T RtlCompareMemory(const VOID *Source1, const VOID *Source2, SIZE_T Length);
SIZE_T RtlCompareMemoryUlong(PVOID Source, SIZE_T Length, ULONG Pattern);
#define RtlEqualMemory(a, b, n) (__builtin_memcmp((a), (b), (n)) == 0)
#define RtlCopyMemory(d, s, n) __builtin_memcpy((d), (s), (n))
#define RtlMoveMemory(d, s, n) __builtin_memmove((d), (s), (n))
#define RtlFillMemory(d, n, c) __builtin_memset((d), (c), (n))
#define RtlZeroMemory(d, n) __builtin_memset((d), 0, (n))
FORCEINLINE PVOID RtlSecureZeroMemory(PVOID Address, SIZE_T Length)
{
    __builtin_memset(Address, 0, Length);
    __asm__ volatile("" : : "r"(Address) : "memory");
    return Address;
}

/* ---- bitmaps ---- */

typedef struct _RTL_BITMAP {
    ULONG SizeOfBitMap; /* bits */
    PULONG Buffer;
} RTL_BITMAP, *PRTL_BITMAP;

typedef struct _RTL_BITMAP_RUN {
    ULONG StartingIndex;
    ULONG NumberOfBits;
} RTL_BITMAP_RUN, *PRTL_BITMAP_RUN;

VOID RtlInitializeBitMap(PRTL_BITMAP BitMapHeader, PULONG BitMapBuffer, ULONG SizeOfBitMap);
VOID RtlClearAllBits(PRTL_BITMAP BitMapHeader);
VOID RtlSetAllBits(PRTL_BITMAP BitMapHeader);
VOID RtlClearBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber);
VOID RtlSetBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber);
BOOLEAN RtlTestBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber);
VOID RtlClearBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToClear);
VOID RtlSetBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToSet);
BOOLEAN RtlAreBitsClear(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG Length);
BOOLEAN RtlAreBitsSet(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG Length);
ULONG RtlNumberOfSetBits(PRTL_BITMAP BitMapHeader);
ULONG RtlNumberOfClearBits(PRTL_BITMAP BitMapHeader);
ULONG RtlFindClearBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex);
ULONG RtlFindSetBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex);
ULONG RtlFindClearBitsAndSet(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex);
ULONG RtlFindSetBitsAndClear(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex);
ULONG RtlFindNextForwardRunClear(PRTL_BITMAP BitMapHeader, ULONG FromIndex,
                                 PULONG StartingRunIndex);
ULONG RtlFindFirstRunClear(PRTL_BITMAP BitMapHeader, PULONG StartingIndex);
ULONG RtlFindLastBackwardRunClear(PRTL_BITMAP BitMapHeader, ULONG FromIndex,
                                  PULONG StartingRunIndex);
ULONG RtlFindLongestRunClear(PRTL_BITMAP BitMapHeader, PULONG StartingIndex);
ULONG RtlFindClearRuns(PRTL_BITMAP BitMapHeader, PRTL_BITMAP_RUN RunArray, ULONG SizeOfRunArray,
                       BOOLEAN LocateLongestRuns);
CCHAR RtlFindLeastSignificantBit(ULONGLONG Set);
CCHAR RtlFindMostSignificantBit(ULONGLONG Set);
#define RtlCheckBit(BitMap, Position) \
    ((((BitMap)->Buffer[(Position) / 32]) >> ((Position) % 32)) & 1)

/* ---- time, version, random numbers ---- */

typedef struct _TIME_FIELDS {
    CSHORT Year; /* 1601 and later */
    CSHORT Month;
    CSHORT Day;
    CSHORT Hour;
    CSHORT Minute;
    CSHORT Second;
    CSHORT Milliseconds;
    CSHORT Weekday; /* 0: Sunday */
} TIME_FIELDS, *PTIME_FIELDS;

VOID RtlTimeToTimeFields(PLARGE_INTEGER Time, PTIME_FIELDS TimeFields);
BOOLEAN RtlTimeFieldsToTime(PTIME_FIELDS TimeFields, PLARGE_INTEGER Time);
BOOLEAN RtlTimeToSecondsSince1970(PLARGE_INTEGER Time, PULONG ElapsedSeconds);
VOID RtlSecondsSince1970ToTime(ULONG ElapsedSeconds, PLARGE_INTEGER Time);
BOOLEAN RtlTimeToSecondsSince1980(PLARGE_INTEGER Time, PULONG ElapsedSeconds);
VOID RtlSecondsSince1980ToTime(ULONG ElapsedSeconds, PLARGE_INTEGER Time);

typedef struct _OSVERSIONINFOW {
    ULONG dwOSVersionInfoSize;
    ULONG dwMajorVersion;
    ULONG dwMinorVersion;
    ULONG dwBuildNumber;
    ULONG dwPlatformId;
    WCHAR szCSDVersion[128];
} RTL_OSVERSIONINFOW, *PRTL_OSVERSIONINFOW, OSVERSIONINFOW;

typedef struct _OSVERSIONINFOEXW {
    ULONG dwOSVersionInfoSize;
    ULONG dwMajorVersion;
    ULONG dwMinorVersion;
    ULONG dwBuildNumber;
    ULONG dwPlatformId;
    WCHAR szCSDVersion[128];
    USHORT wServicePackMajor;
    USHORT wServicePackMinor;
    USHORT wSuiteMask;
    UCHAR wProductType;
    UCHAR wReserved;
} RTL_OSVERSIONINFOEXW, *PRTL_OSVERSIONINFOEXW, OSVERSIONINFOEXW;

#define VER_PLATFORM_WIN32_NT 2
#define VER_NT_WORKSTATION 1
#define RTL_BUILD_NUMBER 18362u
#define NTDDI_WIN10_19H1 0x0a000007u

NTSTATUS RtlGetVersion(PRTL_OSVERSIONINFOW VersionInformation);
BOOLEAN RtlIsNtDdiVersionAvailable(ULONG Version);

#define VER_MINORVERSION 0x01
#define VER_MAJORVERSION 0x02
#define VER_BUILDNUMBER 0x04
#define VER_PLATFORMID 0x08
#define VER_SERVICEPACKMINOR 0x10
#define VER_SERVICEPACKMAJOR 0x20
#define VER_SUITENAME 0x40
#define VER_PRODUCT_TYPE 0x80
#define VER_EVERYTHING 0xff /* ours */
#define VER_EQUAL 1
#define VER_GREATER 2
#define VER_GREATER_EQUAL 3
#define VER_LESS 4
#define VER_LESS_EQUAL 5
#define VER_AND 6
#define VER_OR 7
ULONGLONG VerSetConditionMask(ULONGLONG ConditionMask, ULONG TypeMask, UCHAR Condition);
NTSTATUS RtlVerifyVersionInfo(PRTL_OSVERSIONINFOEXW VersionInfo, ULONG TypeMask,
                              ULONGLONG ConditionMask);
#define VER_SET_CONDITION(Mask, Type, Condition) \
    ((Mask) = VerSetConditionMask((Mask), (Type), (Condition)))

struct _IMAGE_NT_HEADERS64;
struct _IMAGE_NT_HEADERS64 *RtlImageNtHeader(PVOID Base);
PVOID RtlImageDirectoryEntryToData(PVOID Base, BOOLEAN MappedAsImage, USHORT DirectoryEntry,
                                   PULONG Size);
PVOID RtlFindExportedRoutineByName(PVOID ImageBase, PCSZ RoutineName);

ULONG RtlUniform(PULONG Seed);
ULONG RtlRandom(PULONG Seed);
ULONG RtlRandomEx(PULONG Seed);

C_ASSERT(sizeof(RTL_BITMAP) == 16);
C_ASSERT(sizeof(TIME_FIELDS) == 16);
C_ASSERT(sizeof(RTL_OSVERSIONINFOW) == 276);
C_ASSERT(sizeof(RTL_OSVERSIONINFOEXW) == 284);

/* ---- the C library's names; natively they would clash with the host's ---- */

#ifdef _WIN32

typedef int errno_t;

void *memset(void *Destination, int Value, size_t Count);
void *memcpy(void *Destination, const void *Source, size_t Count);
void *memmove(void *Destination, const void *Source, size_t Count);
int memcmp(const void *a, const void *b, size_t Count);
void *memchr(const void *Buffer, int Value, size_t Count);
errno_t memcpy_s(void *Destination, size_t Size, const void *Source, size_t Count);
errno_t memmove_s(void *Destination, size_t Size, const void *Source, size_t Count);

size_t strlen(const char *s);
size_t strnlen(const char *s, size_t Max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t Count);
int _stricmp(const char *a, const char *b);
int _strnicmp(const char *a, const char *b, size_t Count);
char *strcpy(char *Destination, const char *Source);
char *strncpy(char *Destination, const char *Source, size_t Count);
char *strcat(char *Destination, const char *Source);
char *strncat(char *Destination, const char *Source, size_t Count);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *Sub);
size_t strspn(const char *s, const char *Set);
size_t strcspn(const char *s, const char *Set);
char *strpbrk(const char *s, const char *Set);
char *_strlwr(char *s);
char *_strupr(char *s);
errno_t strcpy_s(char *Destination, size_t Size, const char *Source);
errno_t strncpy_s(char *Destination, size_t Size, const char *Source, size_t Count);
errno_t strcat_s(char *Destination, size_t Size, const char *Source);
errno_t strncat_s(char *Destination, size_t Size, const char *Source, size_t Count);

size_t wcslen(const WCHAR *s);
size_t wcsnlen(const WCHAR *s, size_t Max);
int wcscmp(const WCHAR *a, const WCHAR *b);
int wcsncmp(const WCHAR *a, const WCHAR *b, size_t Count);
int _wcsicmp(const WCHAR *a, const WCHAR *b);
int _wcsnicmp(const WCHAR *a, const WCHAR *b, size_t Count);
WCHAR *wcscpy(WCHAR *Destination, const WCHAR *Source);
WCHAR *wcsncpy(WCHAR *Destination, const WCHAR *Source, size_t Count);
WCHAR *wcscat(WCHAR *Destination, const WCHAR *Source);
WCHAR *wcsncat(WCHAR *Destination, const WCHAR *Source, size_t Count);
WCHAR *wcschr(const WCHAR *s, WCHAR c);
WCHAR *wcsrchr(const WCHAR *s, WCHAR c);
WCHAR *wcsstr(const WCHAR *s, const WCHAR *Sub);
size_t wcsspn(const WCHAR *s, const WCHAR *Set);
size_t wcscspn(const WCHAR *s, const WCHAR *Set);
WCHAR *_wcslwr(WCHAR *s);
WCHAR *_wcsupr(WCHAR *s);
errno_t wcscpy_s(WCHAR *Destination, size_t Size, const WCHAR *Source);
errno_t wcsncpy_s(WCHAR *Destination, size_t Size, const WCHAR *Source, size_t Count);
errno_t wcscat_s(WCHAR *Destination, size_t Size, const WCHAR *Source);
errno_t wcsncat_s(WCHAR *Destination, size_t Size, const WCHAR *Source, size_t Count);
size_t mbstowcs(WCHAR *Destination, const char *Source, size_t Count);
size_t wcstombs(char *Destination, const WCHAR *Source, size_t Count);

int tolower(int c);
int toupper(int c);
USHORT towlower(USHORT c);
USHORT towupper(USHORT c);
int isdigit(int c);
int isxdigit(int c);
int isspace(int c);
int isprint(int c);
int isalpha(int c);
int isalnum(int c);
int islower(int c);
int isupper(int c);
int atoi(const char *s);
LONG atol(const char *s);
LONGLONG _atoi64(const char *s);
int _wtoi(const WCHAR *s);
char *_itoa(int Value, char *Buffer, int Radix);
WCHAR *_itow(int Value, WCHAR *Buffer, int Radix);
void qsort(void *Base, size_t Count, size_t Width, int (*Compare)(const void *, const void *));
void *bsearch(const void *Key, const void *Base, size_t Count, size_t Width,
              int (*Compare)(const void *, const void *));
int rand(void);
void srand(UINT Seed);

int sprintf(char *Buffer, const char *Format, ...);
int vsprintf(char *Buffer, const char *Format, va_list Arguments);
int _snprintf(char *Buffer, size_t Count, const char *Format, ...);
int _vsnprintf(char *Buffer, size_t Count, const char *Format, va_list Arguments);
int sprintf_s(char *Buffer, size_t Size, const char *Format, ...);
int vsprintf_s(char *Buffer, size_t Size, const char *Format, va_list Arguments);
int _snprintf_s(char *Buffer, size_t Size, size_t Count, const char *Format, ...);
int _vsnprintf_s(char *Buffer, size_t Size, size_t Count, const char *Format, va_list Arguments);
/* The kernel exports the old form of swprintf and _vswprintf, without a size. */
int swprintf(WCHAR *Buffer, const WCHAR *Format, ...);
int _vswprintf(WCHAR *Buffer, const WCHAR *Format, va_list Arguments);
int _snwprintf(WCHAR *Buffer, size_t Count, const WCHAR *Format, ...);
int _vsnwprintf(WCHAR *Buffer, size_t Count, const WCHAR *Format, va_list Arguments);
int swprintf_s(WCHAR *Buffer, size_t Size, const WCHAR *Format, ...);
int vswprintf_s(WCHAR *Buffer, size_t Size, const WCHAR *Format, va_list Arguments);
int _snwprintf_s(WCHAR *Buffer, size_t Size, size_t Count, const WCHAR *Format, ...);
int _vsnwprintf_s(WCHAR *Buffer, size_t Size, size_t Count, const WCHAR *Format, va_list Arguments);

#endif
