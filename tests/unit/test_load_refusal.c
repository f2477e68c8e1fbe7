/* SPDX-License-Identifier: MIT */
/* sources: host/exports/load_refusal.c host/exports/export_table.c host/text/bug_check_names.c host/text/near_names.c host/text/status_names.c host/text/text.c host_exports.c lib/pe_image.c lib/pe_exports.c lib/pe_directories.c lib/pe_load.c tests/fuzz/pe_sample.c */
/* Modules that are out of scope, imports by ordinal, and names that are made to confuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "host/exports/load_refusal.h"
#include "tests/fuzz/pe_sample.h"

#define KERNEL_NAME SAMPLE_INIT(0x6180) /* 15 bytes and a NUL; of two descriptors */
#define HAL_NAME SAMPLE_INIT(0x6190)
#define FIRST_IMPORT SAMPLE_INIT(0x60e2)
#define ORDINAL_THUNK SAMPLE_INIT(0x60b0)

static uint8_t File[SAMPLE_SIZE];
static LOAD_REFUSALS Refusals;

static int Setup(void **State)
{
    SampleBuild(File);
    memset(File + ORDINAL_THUNK, 0, 8); /* no import by ordinal */
    return 0;
}

static void Rename(uint32_t Offset, const char *Name)
{
    strncpy((char *)File + Offset, Name, 15);
}

static void Check(void)
{
    static PE_IMAGE Image;
    PE_ERROR Error;
    assert_true(PeImageOpen(&Image, File, sizeof(File), &Error));
    LoadRefusals(&Refusals, &Image);
}

static void WhatIsProvidedLoads(void **State)
{
    Check();
    assert_int_equal(Refusals.Count, 0);
    Rename(FIRST_IMPORT, "NoSuchRoutine"); /* of the kernel: told when it is called */
    Check();
    assert_int_equal(Refusals.Count, 0);
}

static void ModulesAreNamedOnce(void **State)
{
    SampleBuild(File); /* two in one descriptor, the ordinal in another */
    Rename(KERNEL_NAME, "WDFLDR.sys");
    Check();
    assert_int_equal(Refusals.Count, 1);
    assert_string_equal(Refusals.Text[0],
                        "cannot be loaded: 3 imports from WDFLDR.sys (IoCreateDevice, ...): the "
                        "kernel-mode driver framework, KMDF, out of scope; docs/compatibility.md");
}

static void EachModuleHasALine(void **State)
{
    Rename(KERNEL_NAME, "ndis.sys");
    Rename(HAL_NAME, "mine.sys");
    Check();
    assert_int_equal(Refusals.Count, 2);
    assert_non_null(strstr(Refusals.Text[0], "imports from ndis.sys"));
    assert_non_null(strstr(Refusals.Text[1], "1 import from mine.sys (KeStallExecutionProcessor): "
                                             "a module that is not provided;"));
}

static void OrdinalsOfTheKernel(void **State)
{
    SampleBuild(File);
    Check();
    assert_int_equal(Refusals.Count, 1);
    assert_non_null(strstr(Refusals.Text[0], "1 of 3 imports from ntoskrnl.exe by ordinal (#42)"));
}

/* A module that is provided in part: one import that is there is not counted. */
static void PartOfAModule(void **State)
{
    Rename(KERNEL_NAME, "storport.sys");
    memset(File + FIRST_IMPORT, 0, 30);
    strcpy((char *)File + FIRST_IMPORT, "StorPortInitialize");
    Check();
    assert_int_equal(Refusals.Count, 1);
    assert_non_null(strstr(Refusals.Text[0], "1 of 2 imports from storport.sys (IoDeleteDevice):"));
}

static void NamesAreCleaned(void **State)
{
    Rename(KERNEL_NAME, "\x1b[31m\xff\n.sys");
    Rename(FIRST_IMPORT, "\x1b]0;x\x07");
    Check();
    assert_int_equal(Refusals.Count, 1);
    for (const char *c = Refusals.Text[0]; *c != 0; c++) {
        assert_true(*c >= ' ' && *c < 0x7f);
    }
    assert_non_null(strstr(Refusals.Text[0], "\\x1b[31m\\xff"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, Setup)
    const struct CMUnitTest Tests[] = {TEST(WhatIsProvidedLoads), TEST(ModulesAreNamedOnce),
                                       TEST(EachModuleHasALine),  TEST(OrdinalsOfTheKernel),
                                       TEST(PartOfAModule),       TEST(NamesAreCleaned)};
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
