/* SPDX-License-Identifier: MIT */
/* sources: host/check -host/check/check_command.c -host/check/check_run.c host/run/options.c host/symbols/source_map.c host/timeline/budget.c host/text/text.c host/run/report.c host/timeline/html_document.c host/input/driver_file.c host/text/bug_check_names.c host/text/status_names.c lib/pe_image.c lib/pe_directories.c lib/pe_load.c lib/pe_exports.c */
/*
 * The files that `pageable check` and `report` read. The first byte says which: a configuration
 * and a baseline made of the other bytes, or the lines of two shards, changed at (offset, offset,
 * value) for each three bytes, joined and written as JUnit and SARIF.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/check/check.h"
#include "host/check/toml.h"

#define HEADER(shard) \
    "{\"type\":\"check\",\"schema_version\":1,\"pageable\":\"0.1.0\",\"plan\":\"0x12\"," \
    "\"steps\":2,\"shard\":" shard ",\"shards\":2}\n"
#define RUN(step, code, findings) \
    "{\"type\":\"run\",\"step\":" step ",\"driver\":\"a/x.sys\",\"scenario\":\"default\"," \
    "\"page_out\":\"always\",\"memory\":50331648,\"seed\":1,\"verdict\":\"finding\"," \
    "\"detail\":\"d\",\"exit_code\":" code ",\"ms\":12,\"replay\":\"r\"," \
    "\"findings\":[" findings "]}\n"
#define FINDING \
    "{\"fingerprint\":\"5f697e00aaf2e86e\",\"rule\":\"0xC4/0x3B\",\"name\":\"N\",\"text\":\"T\"," \
    "\"where\":\"x!A (C:\\\\b c.c:9)\",\"routine\":\"x!A\",\"file\":\"C:\\\\b c.c\",\"line\":9," \
    "\"advice\":\"A.\",\"stack\":[{\"routine\":\"x!A\",\"file\":\"/b.c\",\"line\":0}]}"
#define END(complete) "{\"type\":\"end\",\"runs\":1,\"complete\":" complete "}\n"

/* The page, as short as can be; the build makes it of host/timeline/page/. */
const char HtmlPage[] = "<!--style--><!--data--><!--script-->", HtmlStyle[] = "", HtmlScript[] = "";

/* What check_command.c does, without words. */
EXIT_CODE CheckFail(EXIT_CODE Code, const char *Text)
{
    return *Text != 0 ? Code : (abort(), Code);
}

EXIT_CODE CheckFinish(CHECK_SCREEN *Screen, const CHECK_SETTINGS *Settings,
                      CHECK_OUTPUTS *Outputs, CHECK_SUMMARY *Summary)
{
    char Error[CHECK_ERROR];
    ScreenFindings(Screen, Settings, Summary);
    if (!OutputsClose(Outputs, Settings, Summary, Error)) {
        abort(); /* whatever a shard holds, both files can be written */
    }
    ScreenVerdict(Screen, Outputs, Summary);
    return Summary->Code;
}

bool ScenarioCheck(const char *Path, const char *Text, size_t Size, char *Error, size_t ErrorSize)
{
    return true;
}

static bool Take(void *Context, const TOML_KEY *Key, json_t *Value, char *Error, size_t Size)
{
    *(unsigned *)Context += Key->Line;
    return Key->Name[0] == 0 ? Value == NULL : Value != NULL;
}

static int Memory(const void *Bytes, size_t Size, char Path[64])
{
    int File = memfd_create("fuzz", 0);
    if (File < 0 || write(File, Bytes, Size) != (ssize_t)Size) {
        abort();
    }
    snprintf(Path, 64, "/proc/self/fd/%d", File);
    return File;
}

static void FuzzTexts(const uint8_t *Data, size_t Size)
{
    char Path[64], Error[CHECK_ERROR];
    unsigned Lines = 0;
    BASELINE Baseline = {0};
    CHECK_SETTINGS Settings = {.Shard = 1, .Shards = 1};
    char *Copy = malloc(Size + 1); /* of the exact size, for the address sanitizer */
    memcpy(Copy, Data, Size);
    TomlParse(Copy, Size, Take, &Lines, Error, sizeof(Error));
    free(Copy);
    int File = Memory(Data, Size, Path);
    BaselineRead(&Baseline, Path, Error);
    BaselineFree(&Baseline);
    ConfigRead(&Settings, Path, Error);
    SettingsFree(&Settings);
    close(File);
}

static void FuzzShards(const uint8_t *Data, size_t Size)
{
    static const char First[] = HEADER("1") RUN("0", "0", "") END("true");
    static const char Second[] = HEADER("2") RUN("1", "1", FINDING) END("true");
    char Bytes[sizeof(First) + sizeof(Second)], Paths[2][64];
    memcpy(Bytes, First, sizeof(First));
    memcpy(Bytes + sizeof(First), Second, sizeof(Second));
    for (; Size >= 3; Data += 3, Size -= 3) {
        Bytes[(Data[0] | Data[1] << 8) % sizeof(Bytes)] = (char)Data[2];
    }
    int Files[2] = {Memory(Bytes, sizeof(First) - 1, Paths[0]),
                    Memory(Bytes + sizeof(First), sizeof(Second) - 1, Paths[1])};
    char *Arguments[] = {Paths[0], Paths[1], "-v", "--junit=/dev/null", "--sarif=/dev/null",
                         "--html=/dev/null"};
    ReportCommand(6, Arguments);
    close(Files[0]);
    close(Files[1]);
}

int LLVMFuzzerInitialize(int *Count, char ***Arguments)
{
    return freopen("/dev/null", "w", stdout) == NULL; /* the report's own text */
}

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    if (Size != 0) {
        (Data[0] % 2 == 0 ? FuzzTexts : FuzzShards)(Data + 1, Size - 1);
    }
    return 0;
}
