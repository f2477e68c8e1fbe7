/* SPDX-License-Identifier: MIT */
/* Both generic tables, in paged pool and with pageable routines. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD TableUnload;

#define TAG 'lbaT'
#define RECORDS 400u
#define CHECK(condition)                                     \
    do {                                                     \
        if (!(condition)) {                                  \
            DbgPrint("line %u: %s\n", __LINE__, #condition); \
            return STATUS_UNSUCCESSFUL;                      \
        }                                                    \
    } while (0)

typedef struct _RECORD {
    ULONG Key;
    ULONG Value;
    UCHAR Filler[120];
} RECORD, *PRECORD;

static ULONG TableAllocations;
static BOOLEAN TableIsFull;

#pragma code_seg("PAGE")

static RTL_GENERIC_COMPARE_RESULTS TableOrder(PVOID First, PVOID Second)
{
    ULONG a = ((PRECORD)First)->Key, b = ((PRECORD)Second)->Key;
    return a < b ? GenericLessThan : a > b ? GenericGreaterThan : GenericEqual;
}

static PVOID TableAllocate(SIZE_T Size)
{
    PVOID Memory = TableIsFull ? NULL : ExAllocatePoolWithTag(PagedPool, Size, TAG);
    TableAllocations += Memory != NULL;
    return Memory;
}

static VOID TableFree(PVOID Memory)
{
    TableAllocations--;
    ExFreePoolWithTag(Memory, TAG);
}

static RTL_GENERIC_COMPARE_RESULTS TableCompare(PRTL_GENERIC_TABLE Table, PVOID First,
                                                PVOID Second)
{
    PAGED_CODE();
    return TableOrder(First, Second);
}

static PVOID TableAllocateEntry(PRTL_GENERIC_TABLE Table, CLONG ByteSize)
{
    PAGED_CODE();
    return TableAllocate(ByteSize);
}

static VOID TableFreeEntry(PRTL_GENERIC_TABLE Table, PVOID Buffer)
{
    PAGED_CODE();
    TableFree(Buffer);
}

static RTL_GENERIC_COMPARE_RESULTS TableCompareAvl(PRTL_AVL_TABLE Table, PVOID First, PVOID Second)
{
    PAGED_CODE();
    return TableOrder(First, Second);
}

static PVOID TableAllocateAvl(PRTL_AVL_TABLE Table, CLONG ByteSize)
{
    PAGED_CODE();
    return TableAllocate(ByteSize);
}

static VOID TableFreeAvl(PRTL_AVL_TABLE Table, PVOID Buffer)
{
    PAGED_CODE();
    TableFree(Buffer);
}

/* RtlInsertElementGenericTable, RtlGetElementGenericTable, RtlEnumerateGenericTable... [ntddk.h] */
static NTSTATUS TableSplay(VOID)
{
    RTL_GENERIC_TABLE Table;
    RECORD Record = {0};
    BOOLEAN New;
    PVOID Key = NULL;

    PAGED_CODE();
    RtlInitializeGenericTable(&Table, TableCompare, TableAllocateEntry, TableFreeEntry, NULL);
    CHECK(RtlIsGenericTableEmpty(&Table) && RtlNumberGenericTableElements(&Table) == 0);
    CHECK(RtlEnumerateGenericTable(&Table, TRUE) == NULL);
    CHECK(RtlGetElementGenericTable(&Table, 0) == NULL);
    CHECK(!RtlDeleteElementGenericTable(&Table, &Record));
    for (ULONG i = 0; i < RECORDS; i++) {
        Record.Key = i * 149 % RECORDS;
        Record.Value = i;
        PRECORD At = RtlInsertElementGenericTable(&Table, &Record, sizeof(Record), &New);
        CHECK(At != NULL && New && At->Key == Record.Key);
    }
    Record.Key = 7;
    PRECORD There = RtlInsertElementGenericTable(&Table, &Record, sizeof(Record), &New);
    CHECK(There == RtlLookupElementGenericTable(&Table, &Record) && !New && There->Value != 399);
    Record.Key = RECORDS;
    CHECK(RtlLookupElementGenericTable(&Table, &Record) == NULL);
    for (ULONG i = 0; i < RECORDS; i++) { /* in the order of insertion, and in that of the keys */
        CHECK(((PRECORD)RtlGetElementGenericTable(&Table, i))->Value == i);
        CHECK(((PRECORD)RtlEnumerateGenericTableWithoutSplaying(&Table, &Key))->Key == i);
    }
    CHECK(RtlEnumerateGenericTableWithoutSplaying(&Table, &Key) == NULL);
    for (PRECORD At = RtlEnumerateGenericTable(&Table, TRUE); At != NULL;
         At = RtlEnumerateGenericTable(&Table, TRUE)) {
        Record = *At;
        CHECK(RtlDeleteElementGenericTable(&Table, &Record));
    }
    CHECK(RtlIsGenericTableEmpty(&Table) && TableAllocations == 0);
    TableIsFull = TRUE;
    CHECK(RtlInsertElementGenericTable(&Table, &Record, sizeof(Record), &New) == NULL && !New);
    TableIsFull = FALSE;
    return STATUS_SUCCESS;
}

static NTSTATUS TableAvl(VOID)
{
    PRTL_AVL_TABLE Table = ExAllocatePoolWithTag(PagedPool, sizeof(*Table), TAG);
    RECORD Record = {0};
    TABLE_SEARCH_RESULT Result;
    BOOLEAN New;
    PVOID Node, Key = NULL;

    PAGED_CODE();
    CHECK(Table != NULL);
    RtlInitializeGenericTableAvl(Table, TableCompareAvl, TableAllocateAvl, TableFreeAvl, NULL);
    CHECK(RtlIsGenericTableEmptyAvl(Table) && RtlNumberGenericTableElementsAvl(Table) == 0);
    CHECK(RtlLookupElementGenericTableFullAvl(Table, &Record, &Node, &Result) == NULL);
    CHECK(Result == TableEmptyTree);
    for (ULONG i = 0; i < RECORDS; i++) {
        Record.Key = i * 149 % RECORDS;
        Record.Value = i;
        CHECK(RtlLookupElementGenericTableFullAvl(Table, &Record, &Node, &Result) == NULL);
        PRECORD At = RtlInsertElementGenericTableFullAvl(Table, &Record, sizeof(Record), &New, Node,
                                                         Result);
        CHECK(At != NULL && New && At->Key == Record.Key);
    }
    CHECK(RtlInsertElementGenericTableAvl(Table, &Record, sizeof(Record), &New) != NULL && !New);
    for (ULONG i = 0; i < RECORDS; i++) { /* both in the order of the keys */
        CHECK(((PRECORD)RtlGetElementGenericTableAvl(Table, i))->Key == i);
        CHECK(((PRECORD)RtlEnumerateGenericTableWithoutSplayingAvl(Table, &Key))->Key == i);
    }
    CHECK(RtlGetElementGenericTableAvl(Table, RECORDS) == NULL);
    Record.Key = 100;
    PRECORD First = RtlLookupFirstMatchingElementGenericTableAvl(Table, &Record, &Key);
    CHECK(First != NULL && First->Key == 100);
    for (PRECORD At = RtlEnumerateGenericTableAvl(Table, TRUE); At != NULL;
         At = RtlEnumerateGenericTableAvl(Table, FALSE)) {
        Record = *At;
        CHECK(RtlDeleteElementGenericTableAvl(Table, &Record));
    }
    CHECK(RtlIsGenericTableEmptyAvl(Table) && TableAllocations == 0);
    TableIsFull = TRUE;
    CHECK(RtlInsertElementGenericTableAvl(Table, &Record, sizeof(Record), &New) == NULL && !New);
    TableIsFull = FALSE;
    ExFreePoolWithTag(Table, TAG);
    return STATUS_SUCCESS;
}

VOID TableUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
}

#pragma code_seg()

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = TableUnload;
    NTSTATUS Status = TableSplay();
    return NT_SUCCESS(Status) ? TableAvl() : Status;
}
