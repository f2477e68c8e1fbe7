/* SPDX-License-Identifier: MIT */
/* ZwQueryDirectoryObject: the whole of a directory, piece by piece, and too small lengths. */
#include "nt/rtl.h"
#include "ob/obp.h"
#include "test.h"

static HANDLE OpenDirectory(PCWSTR Path)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Directory = NULL;
    RtlInitUnicodeString(&Name, Path);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    EXPECT_EQUAL(ZwOpenDirectoryObject(&Directory, DIRECTORY_QUERY, &Attributes), STATUS_SUCCESS);
    return Directory;
}

static BOOLEAN Is(PCUNICODE_STRING String, PCWSTR Text)
{
    UNICODE_STRING Wanted;
    RtlInitUnicodeString(&Wanted, Text);
    return RtlEqualUnicodeString(String, &Wanted, FALSE) && String->Buffer[String->Length / 2] == 0;
}

GUEST_TEST(ob_directory_is_listed_whole_and_by_one)
{
    DECLSPEC_ALIGN(8) static UCHAR Buffer[4096];
    POBJECT_DIRECTORY_INFORMATION Entry = (POBJECT_DIRECTORY_INFORMATION)Buffer;
    ULONG Context = 99, Length, All = 0, One = 0, Drives = 0;
    HANDLE Directory = OpenDirectory(L"\\??");
    NTSTATUS Status;

    EXPECT_EQUAL(ZwQueryDirectoryObject(Directory, Buffer, sizeof(Buffer), FALSE, TRUE, &Context,
                                        &Length),
                 STATUS_SUCCESS);
    for (; Entry->Name.Length != 0; Entry++, All++) {
        EXPECT((PUCHAR)Entry->Name.Buffer >= Buffer &&
               (PUCHAR)Entry->Name.Buffer < Buffer + Length);
        EXPECT(Is(&Entry->TypeName, L"SymbolicLink"));
        Drives += Is(&Entry->Name, L"C:");
    }
    EXPECT_EQUAL(Drives, 1);
    EXPECT_EQUAL(Context, All);
    EXPECT_EQUAL((ULONG)ZwQueryDirectoryObject(Directory, Buffer, sizeof(Buffer), FALSE, FALSE,
                                               &Context, NULL),
                 (ULONG)STATUS_NO_MORE_ENTRIES);
    for (Context = 0;; One++) {
        Status = ZwQueryDirectoryObject(Directory, Buffer, 120, TRUE, One == 0, &Context, &Length);
        if (Status != STATUS_SUCCESS) {
            break;
        }
        EXPECT_EQUAL(Context, One + 1);
    }
    EXPECT_EQUAL((ULONG)Status, (ULONG)STATUS_NO_MORE_ENTRIES);
    EXPECT_EQUAL(One, All);
    EXPECT_EQUAL((ULONG)ZwQueryDirectoryObject(Directory, Buffer, 40, TRUE, TRUE, &Context,
                                               &Length),
                 (ULONG)STATUS_BUFFER_TOO_SMALL);
    EXPECT(Length > 40);
    EXPECT_EQUAL((ULONG)ZwQueryDirectoryObject(Directory, Buffer, 150, FALSE, TRUE, &Context,
                                               &Length),
                 (ULONG)STATUS_MORE_ENTRIES);
    EXPECT(Context < All);
    ZwClose(Directory);
}
