/* SPDX-License-Identifier: MIT */
/* sources: host/machine/guest_files.c host/input/driver_file.c host/text/text.c lib/pe_image.c lib/pe_directories.c lib/pe_exports.c lib/pe_load.c lib/crc32c.c */
/* The files for the guest's volume: their paths, from the user's and from a scenario's hands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/machine/guest_files.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void TestNames(void **State)
{
    static const struct {
        const char *Path, *Name;
    } Good[] = {
        {"C:\\a\\b.txt", "volume/a/b.txt"},   {"c:/a", "volume/a"},
        {"\\??\\C:\\a", "volume/a"},          {"\\DosDevices\\C:\\a", "volume/a"},
        {"\\SystemRoot\\a", "volume/Windows/a"}, {"/a/b", "volume/a/b"},
        {"a", "volume/a"},                    {"\\Device\\HarddiskVolume1\\x", "volume/x"},
        {"C:\\\xc3\xa4", "volume/\xc3\xa4"},  {"a.b..c", "volume/a.b..c"},
    };
    static const char *const Bad[] = {
        "", "C:\\", "C:", "a\\", "a\\\\b", "..", "a\\..\\b", ".", "D:\\a", "a:b", "a*", "a|b",
        "a\tb", "a\x1f", "a\xff", "\\??\\D:\\a",
    };
    char Name[GUEST_FILES_PATH], Error[1000];
    for (size_t i = 0; i < COUNT(Good); i++) {
        assert_true(GuestFilesName(Good[i].Path, Name, Error, sizeof(Error)));
        assert_string_equal(Name, Good[i].Name);
    }
    for (size_t i = 0; i < COUNT(Bad); i++) {
        if (GuestFilesName(Bad[i], Name, Error, sizeof(Error))) {
            fail_msg("taken: %s", Bad[i]);
        }
    }
}

static void TestLimits(void **State)
{
    char Path[2000], Name[GUEST_FILES_PATH], Error[1000];
    static GUEST_FILES Files;

    memset(Path, 'a', sizeof(Path));
    Path[255] = 0;
    assert_true(GuestFilesName(Path, Name, Error, sizeof(Error)));
    Path[255] = 'a';
    Path[256] = 0;
    assert_false(GuestFilesName(Path, Name, Error, sizeof(Error)));
    for (unsigned i = 0; i < 1999; i++) {
        Path[i] = i % 100 == 99 ? '/' : 'b';
    }
    Path[1999] = 0;
    assert_false(GuestFilesName(Path, Name, Error, sizeof(Error)));
    for (unsigned i = 0; i < GUEST_FILES_MOST; i++) {
        assert_true(GuestFilesAdd(&Files, "x", "12345", 5, Error, sizeof(Error)));
    }
    assert_false(GuestFilesAdd(&Files, "x", "12345", 5, Error, sizeof(Error)));
    assert_int_equal(Files.Bytes, GUEST_FILES_MOST * 5);
    assert_true(GuestFilesFit(&Files, 4 * GUEST_FILES_MOST * 5, Error, sizeof(Error)));
    assert_false(GuestFilesFit(&Files, 4 * GUEST_FILES_MOST * 5 - 4, Error, sizeof(Error)));
    GuestFilesFree(&Files);
}

static void TestOptions(void **State)
{
    static const char *const Bad[] = {"", "=", "a=", "=b", "a", "a=/nowhere/at/all", "a=/tmp"};
    static GUEST_FILES Files;
    char Error[1000];
    for (size_t i = 0; i < COUNT(Bad); i++) {
        assert_false(GuestFilesAddOption(&Files, Bad[i], Error, sizeof(Error)));
        assert_true(Error[0] != 0);
    }
    assert_int_equal(Files.Count, 0);
}

static void PutFile(const char *Path, const char *Text)
{
    FILE *File = fopen(Path, "w");
    assert_non_null(File);
    fputs(Text, File);
    fclose(File);
}

/* A scenario reaches its own folder and nothing else. */
static void TestBelow(void **State)
{
    static GUEST_FILES Files;
    char Folder[] = "/tmp/pageable-test-XXXXXX", Path[200], Error[1000];
    assert_non_null(mkdtemp(Folder));
    snprintf(Path, sizeof(Path), "%s/in", Folder);
    assert_int_equal(mkdir(Path, 0700), 0);
    snprintf(Path, sizeof(Path), "%s/secret", Folder);
    PutFile(Path, "secret");
    snprintf(Path, sizeof(Path), "%s/in/own", Folder);
    PutFile(Path, "own");
    snprintf(Path, sizeof(Path), "%s/in/link", Folder);
    assert_int_equal(symlink("../secret", Path), 0);
    snprintf(Path, sizeof(Path), "%s/in/", Folder);
    assert_true(GuestFilesAddBelow(&Files, "a", Path, "own", Error, sizeof(Error)));
    assert_int_equal(Files.Files[0].Size, 3);
    assert_memory_equal(Files.Files[0].Bytes, "own", 3);
    const char *HostPath = GuestFilesHostPath(&Files, "\\??\\c:\\A");
    assert_non_null(HostPath);
    assert_string_equal(HostPath + strlen(HostPath) - 4, "/own");
    assert_null(GuestFilesHostPath(&Files, "\\SystemRoot\\a"));
    assert_null(GuestFilesHostPath(&Files, "C:\\..\\a"));
    assert_true(GuestFilesAdd(&Files, "b", "12345", 5, Error, sizeof(Error)));
    assert_null(GuestFilesHostPath(&Files, "C:\\b"));
    assert_false(GuestFilesAddBelow(&Files, "a", Path, "../secret", Error, sizeof(Error)));
    assert_non_null(strstr(Error, "not below"));
    assert_false(GuestFilesAddBelow(&Files, "a", Path, "link", Error, sizeof(Error)));
    assert_false(GuestFilesAddBelow(&Files, "a", Path, "/etc/passwd", Error, sizeof(Error)));
    assert_false(GuestFilesAddBelow(&Files, "a", Path, "nowhere", Error, sizeof(Error)));
    assert_false(GuestFilesAddBelow(&Files, "a", Path, ".", Error, sizeof(Error)));
    GuestFilesFree(&Files);
    snprintf(Path, sizeof(Path), "%s/in/link", Folder);
    unlink(Path);
    snprintf(Path, sizeof(Path), "%s/in/own", Folder);
    unlink(Path);
    snprintf(Path, sizeof(Path), "%s/in", Folder);
    rmdir(Path);
    snprintf(Path, sizeof(Path), "%s/secret", Folder);
    unlink(Path);
    assert_int_equal(rmdir(Folder), 0);
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(TestNames),
        cmocka_unit_test(TestLimits),
        cmocka_unit_test(TestOptions),
        cmocka_unit_test(TestBelow),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
