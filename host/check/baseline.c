/* SPDX-License-Identifier: MIT */
/*
 * Known findings, one a line: fingerprint, rule, driver, routine, with tabs between (no name has
 * one in it: TextClean makes it a blank). The fingerprint alone decides; the rest is for who reads
 * the file, and tells which lines a check of some drivers could have met. Lines are sorted, so that
 * a changed baseline makes a small diff.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/check/check.h"
#include "host/input/driver_file.h"
#include "host/text/text.h"

#define BASELINE_MOST_BYTES (16u << 20)
#define BASELINE_FINGERPRINT 16u

static bool BaselineIsFingerprint(const char *Word)
{
    return strspn(Word, "0123456789abcdef") == BASELINE_FINGERPRINT &&
           Word[BASELINE_FINGERPRINT] == 0;
}

/* One line, which is changed; false: it is none of a baseline. */
static bool BaselineLine(json_t *Lines, char *Text, unsigned Number)
{
    char *Save, *Words[4] = {"", "", "", ""};
    char *Rest = Text;
    Text[strcspn(Text, "\r")] = 0;
    for (int i = 0; i < 3; i++) {
        char *Word = strtok_r(Rest, "\t", &Save);
        Words[i] = Word != NULL ? Word : "";
        Rest = NULL;
    }
    if (Words[0][0] == 0 || Words[0][0] == '#') {
        return true;
    }
    if (!BaselineIsFingerprint(Words[0])) {
        return false;
    }
    char *Routine = Words[2][0] != 0 ? strtok_r(NULL, "", &Save) : NULL;
    json_t *Line = json_pack("{s:i, s:s, s:s, s:s}", "line", (int)Number, "rule", Words[1],
                             "driver", Words[2], "routine", Routine != NULL ? Routine : "");
    return Line != NULL && json_object_set_new(Lines, Words[0], Line) == 0;
}

bool BaselineRead(BASELINE *Baseline, const char *Path, char Error[CHECK_ERROR])
{
    size_t Size;
    unsigned Number = 0;
    char *Text = FileReadWhole(Path, BASELINE_MOST_BYTES, &Size, Error, CHECK_ERROR);
    if (Text == NULL) {
        return false;
    }
    Baseline->Lines = json_object();
    for (char *Line = Text, *End = Text + Size; Line < End;) {
        char *Stop = memchr(Line, '\n', (size_t)(End - Line));
        char *Copy = strndup(Line, (size_t)((Stop != NULL ? Stop : End) - Line));
        bool Good = Copy != NULL && BaselineLine(Baseline->Lines, Copy, ++Number);
        free(Copy);
        if (!Good) {
            char Clean[1024];
            TextCleanString(Clean, sizeof(Clean), Path);
            snprintf(Error, CHECK_ERROR, "%s:%u: a line is a fingerprint of 16 hexadecimal digits, "
                                         "rule, driver, routine, tabs between; or # and a comment",
                     Clean, Number);
            free(Text);
            return false;
        }
        Line = Stop != NULL ? Stop + 1 : End;
    }
    free(Text);
    return true;
}

bool BaselineMutes(const BASELINE *Baseline, const char *Fingerprint)
{
    return Baseline != NULL && json_object_get(Baseline->Lines, Fingerprint) != NULL;
}

void BaselineFree(BASELINE *Baseline)
{
    json_decref(Baseline->Lines);
}

static int BaselineCompare(const void *First, const void *Second)
{
    return strcmp(*(char *const *)First, *(char *const *)Second);
}

/* The file is whole or the old one: it is written beside it and renamed. */
static bool BaselineReplace(const char *Path, char **Lines, size_t Count)
{
    char Beside[4200];
    if ((size_t)snprintf(Beside, sizeof(Beside), "%s.new", Path) >= sizeof(Beside)) {
        errno = ENAMETOOLONG;
        return false;
    }
    FILE *File = fopen(Beside, "we");
    if (File == NULL) {
        return false;
    }
    fprintf(File, "# Known findings of `pageable check`: fingerprint, rule, driver, routine.\n");
    for (size_t i = 0; i < Count; i++) {
        fputs(Lines[i], File);
    }
    bool Good = fflush(File) == 0 && ferror(File) == 0;
    Good = fclose(File) == 0 && Good && rename(Beside, Path) == 0;
    if (!Good) {
        unlink(Beside);
    }
    return Good;
}

bool BaselineWrite(const char *Path, const CHECK_SUMMARY *Summary, char Error[CHECK_ERROR])
{
    char **Lines = calloc(Summary->FindingCount + 1, sizeof(*Lines));
    size_t Count = 0;
    bool Good = Lines != NULL;
    for (size_t i = 0; Good && i < Summary->FindingCount; i++) {
        const json_t *Finding = Summary->Findings[i].Finding;
        if (FindingIsFault(Finding)) {
            continue;
        }
        const char *Routine = ResultText(Finding, "routine");
        Good = asprintf(&Lines[Count++], "%s\t%s\t%s\t%s\n",
                        ResultText(Finding, "fingerprint"),
                        ResultText(Finding, "rule"),
                        TextBaseName(ResultText(Summary->Findings[i].First, "driver")),
                        *Routine != 0 ? Routine : "-") > 0;
    }
    if (Good) {
        qsort(Lines, Count, sizeof(*Lines), BaselineCompare);
        Good = BaselineReplace(Path, Lines, Count);
    }
    if (!Good) {
        char Clean[1024];
        TextCleanString(Clean, sizeof(Clean), Path);
        snprintf(Error, CHECK_ERROR, "%s: %s", Clean, strerror(errno));
    }
    for (size_t i = 0; i < Count; i++) {
        free(Lines[i]);
    }
    free(Lines);
    return Good;
}
