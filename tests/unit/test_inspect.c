/* SPDX-License-Identifier: MIT */
/* sources: host/inspect/inspect_image.c host/inspect/code_scan.c host/inspect/inspect_code.c host/inspect/inspect_findings.c host/exports/load_refusal.c host/exports/export_table.c host/text/bug_check_names.c host/text/near_names.c host/text/status_names.c host/text/text.c host_exports.c lib/pe_image.c lib/pe_exports.c lib/pe_directories.c lib/pe_load.c tests/fuzz/pe_sample.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "host/inspect/inspect.h"
#include "tests/fuzz/pe_sample.h"

#define SLOT_RVA 0x2020u /* of the import that is renamed */
#define TEXT_FILE 0x400u /* offset of .text */

static uint8_t File[SAMPLE_SIZE];
static INSPECTION Inspection;

static void Inspect(void)
{
    static PE_IMAGE Image;
    PE_ERROR Error;
    assert_true(PeImageOpen(&Image, File, sizeof(File), &Error));
    InspectImage(&Inspection, &Image);
}

static void Rename(uint32_t Section, const char *Name)
{
    strncpy((char *)File + SAMPLE_SECTION(Section, Name), Name, 8);
}

static void Flags(uint32_t Section, uint32_t Characteristics)
{
    memcpy(File + SAMPLE_SECTION(Section, Characteristics), &Characteristics, 4);
}

static bool Has(const char *Code, bool Warning)
{
    for (uint32_t i = 0; i < Inspection.FindingCount; i++) {
        if (strcmp(Inspection.Findings[i].Code, Code) == 0) {
            assert_int_equal(Inspection.Findings[i].Warning, Warning);
            return true;
        }
    }
    return false;
}

/* Code at the start of .text, which becomes pageable. */
static void PutCode(const void *Bytes, size_t Length)
{
    SampleBuild(File);
    Rename(0, "PAGECODE");
    Flags(0, 0x60000020);
    memcpy(File + TEXT_FILE, Bytes, Length);
    strcpy((char *)File + SAMPLE_INIT(0x6122), "KeRaiseIrqlToDpcLevel");
}

static void FatesGoByName(void **State)
{
    SampleBuild(File);
    Inspect();
    assert_int_equal(Inspection.Fate[0], FateNonpaged);
    assert_int_equal(Inspection.Fate[3], FatePageable);
    assert_int_equal(Inspection.Fate[4], FateFreed);
    assert_int_equal(Inspection.Fate[5], FateFreed);
    assert_int_equal(Inspection.PageablePages, 1);
    assert_int_equal(Inspection.PageableBytes, 0x1000);
    assert_int_equal(Inspection.FreedPages, 2);
    assert_true(Inspection.ChecksumRight);
    assert_true(Inspection.HasCodeView && Inspection.HasConfig);
    assert_int_equal(Inspection.Relocations, 3);
    assert_int_equal(Inspection.Functions, 2);
    assert_true(Has("write-execute", false)); /* INIT: a remark */
    assert_true(Has("not-loadable", true)); /* the ordinal */
    assert_int_equal(Inspection.Imports[ImportOrdinal], 1);
    assert_int_equal(Inspection.Imports[ImportMissing], 0);
    assert_int_equal(Inspection.Imports[ImportNoDll], 0);
    assert_int_equal(Inspection.Warnings, 1);
}

static void NamesInOtherLetters(void **State)
{
    SampleBuild(File);
    Rename(3, "page");
    Flags(3, 0x68000020);
    Rename(4, "init");
    Inspect();
    assert_int_equal(Inspection.Fate[3], FateNonpaged);
    assert_int_equal(Inspection.Fate[4], FateFreed); /* discardable, and at the end */
    assert_true(Has("page-not-capitals", true));
    assert_false(Has("init-not-capitals", true));
    assert_true(Has("nothing-pageable", false));
    Flags(4, 0x68000020);
    Inspect();
    assert_int_equal(Inspection.Fate[4], FateNonpaged);
    assert_true(Has("init-not-capitals", true));
}

static void FlagsThatDisagree(void **State)
{
    SampleBuild(File);
    Flags(3, 0x68000020);
    Flags(0, 0x60000020);
    Flags(1, 0x4a000040);
    Inspect();
    assert_true(Has("flag-not-paged", true));
    assert_true(Has("flag-pageable", true));
    assert_true(Has("discardable-kept", true));
    assert_true(Has("checksum", true));
    SampleBuild(File);
    for (uint32_t i = 0; i < 3; i++) { /* as lld leaves them */
        Flags(i, 0x60000020);
    }
    Inspect();
    assert_false(Has("flag-pageable", true));
}

static void PlacesThatDoNotStay(void **State)
{
    SampleBuild(File);
    Rename(2, "PAGEDATA");
    Inspect();
    assert_true(Has("cookie-pageable", true));
    SampleBuild(File);
    *(uint32_t *)(void *)(File + SAMPLE_DIRECTORY(IMAGE_DIRECTORY_ENTRY_SECURITY)) = 0x800;
    *(uint32_t *)(void *)(File + SAMPLE_DIRECTORY(IMAGE_DIRECTORY_ENTRY_SECURITY) + 4) = 8;
    Inspect();
    assert_int_equal(Inspection.SignatureBytes, 8);
}

/* One site expected, at Rva in the function at FunctionRva; or none, with What NULL. */
static void ExpectSite(const char *What, uint32_t Rva, uint32_t FunctionRva)
{
    Inspect();
    assert_int_equal(Inspection.SiteCount, What != NULL);
    if (What != NULL) {
        assert_string_equal(Inspection.Sites[0].What, What);
        assert_int_equal(Inspection.Sites[0].Rva, Rva);
        assert_int_equal(Inspection.Sites[0].FunctionRva, FunctionRva);
        assert_true(Inspection.Sites[0].Warning);
    }
}

static void FindsWhatRaises(void **State)
{
    static const uint8_t Call[] = {0x90, 0xff, 0x15, 0x19, 0x10, 0, 0};    /* 1001: to 2020 */
    static const uint8_t Other[] = {0x90, 0xff, 0x15, 0xf9, 0x0f, 0, 0};   /* 1001: to 2000 */
    static const uint8_t Load[] = {0x48, 0x8b, 0x05, 0x19, 0x10, 0, 0};    /* mov rax, [2020] */
    static const uint8_t Thunk[] = {0xe8, 0xfb, 0, 0, 0};                  /* call 1100 */
    static const uint8_t Jump[] = {0xff, 0x25, 0x1a, 0x0f, 0, 0};          /* 1100: jmp [2020] */
    static const uint8_t Write[] = {0x44, 0x0f, 0x22, 0xc0};               /* mov cr8, rax */
    static const uint8_t Read[] = {0x44, 0x0f, 0x20, 0xc0};                /* mov rax, cr8 */
    static const uint8_t Inside[] = {0x48, 0xb8, 0x44, 0x0f, 0x22, 0xc0, 0, 0, 0, 0};
    static const uint8_t Cli[] = {0xfa};

    PutCode(Call, sizeof(Call));
    ExpectSite("KeRaiseIrqlToDpcLevel", 0x1001, 0x1000);
    PutCode(Other, sizeof(Other));
    ExpectSite(NULL, 0, 0);
    PutCode(Load, sizeof(Load));
    ExpectSite("KeRaiseIrqlToDpcLevel", 0x1000, 0x1000);
    PutCode(Thunk, sizeof(Thunk));
    memcpy(File + TEXT_FILE + 0x100, Jump, sizeof(Jump));
    ExpectSite("KeRaiseIrqlToDpcLevel", 0x1000, 0x1000);
    PutCode(Write, sizeof(Write));
    ExpectSite("mov cr8", 0x1000, 0x1000);
    PutCode(Read, sizeof(Read));
    ExpectSite(NULL, 0, 0);
    PutCode(Inside, sizeof(Inside)); /* the bytes are there, in a constant */
    ExpectSite(NULL, 0, 0);
    PutCode(Cli, sizeof(Cli));
    ExpectSite("cli", 0x1000, 0x1000);
    /* In no function of .pdata: a leaf, behind padding. */
    PutCode("", 0);
    memcpy(File + TEXT_FILE + 0x120, Write, sizeof(Write));
    ExpectSite("mov cr8", 0x1120, 0x1120);
    Rename(0, ".text\0\0"); /* not pageable: nobody's concern */
    ExpectSite(NULL, 0, 0);
}

static void LockableSectionsAreRemarks(void **State)
{
    static const uint8_t Write[] = {0x44, 0x0f, 0x22, 0xc0};
    PutCode(Write, sizeof(Write));
    strcpy((char *)File + SAMPLE_INIT(0x6122), "MmLockPagableDataSection");
    Inspect();
    assert_int_equal(Inspection.SiteCount, 1);
    assert_false(Inspection.Sites[0].Warning);
    Rename(0, "PAGE\0\0\0");
    Inspect();
    assert_true(Inspection.Sites[0].Warning);
}

static void SitesAreBounded(void **State)
{
    uint8_t Code[0x180];
    memset(Code, 0xfa, sizeof(Code));
    PutCode(Code, sizeof(Code));
    Inspect();
    assert_int_equal(Inspection.SiteCount, INSPECT_MOST_SITES);
    assert_int_equal(Inspection.SitesLeftOut, sizeof(Code) - INSPECT_MOST_SITES);
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(FatesGoByName),
        cmocka_unit_test(NamesInOtherLetters),
        cmocka_unit_test(FlagsThatDisagree),
        cmocka_unit_test(PlacesThatDoNotStay),
        cmocka_unit_test(FindsWhatRaises),
        cmocka_unit_test(LockableSectionsAreRemarks),
        cmocka_unit_test(SitesAreBounded),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
