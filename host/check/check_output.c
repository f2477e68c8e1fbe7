/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/check/check.h"
#include "host/text/text.h"
#include "host/timeline/html_document.h"

static const struct {
    const char *FileName; /* in --report-dir */
    bool (*Write)(FILE *File, const CHECK_SETTINGS *Settings, const CHECK_SUMMARY *Summary);
} OutputKinds[CheckOutputKinds] = {
    [CheckJsonl] = {"results.jsonl", NULL}, /* written while the runs end */
    [CheckJunit] = {"junit.xml", JunitWrite},
    [CheckSarif] = {"results.sarif", SarifWrite},
    [CheckHtml] = {"report.html", PageWrite},
};

static bool OutputsFail(const char *Path, const char *Why, char Error[CHECK_ERROR])
{
    char Clean[2048];
    TextCleanString(Clean, sizeof(Clean), Path);
    snprintf(Error, CHECK_ERROR, "%s: %s", Clean, Why);
    return false;
}

static bool OutputsMakeDirectory(const char *Path, char Error[CHECK_ERROR])
{
    return mkdir(Path, 0777) == 0 || errno == EEXIST || OutputsFail(Path, strerror(errno), Error);
}

bool OutputsOpen(CHECK_OUTPUTS *Outputs, const CHECK_SETTINGS *Settings, char Error[CHECK_ERROR])
{
    const char *Directory = Settings->ReportDirectory;
    *Outputs = (CHECK_OUTPUTS){0};
    if (Directory != NULL) {
        if (!OutputsMakeDirectory(Directory, Error)) {
            return false;
        }
        if (!Settings->IsReport &&
            (asprintf(&Outputs->RunsDirectory, "%s/" CHECK_RUNS, Directory) < 0 ||
             !OutputsMakeDirectory(Outputs->RunsDirectory, Error))) {
            return false;
        }
    }
    for (int i = 0; i < CheckOutputKinds; i++) {
        if (Settings->Output[i] != NULL) {
            Outputs->Path[i] = strdup(Settings->Output[i]);
        } else if (Directory == NULL) {
            continue;
        } else if (asprintf(&Outputs->Path[i], "%s/%s", Directory, OutputKinds[i].FileName) < 0) {
            Outputs->Path[i] = NULL;
        }
        if (Outputs->Path[i] == NULL) {
            return OutputsFail("", "not enough memory", Error);
        }
        Outputs->File[i] = strcmp(Outputs->Path[i], "-") == 0 ? stdout
                                                              : fopen(Outputs->Path[i], "we");
        if (Outputs->File[i] == NULL) {
            return OutputsFail(Outputs->Path[i], strerror(errno), Error);
        }
    }
    if (Outputs->File[CheckHtml] != NULL) {
        HtmlBegin(Outputs->File[CheckHtml]);
    }
    return true;
}

const char *OutputsFileName(CHECK_OUTPUT_KIND Kind)
{
    return OutputKinds[Kind].FileName;
}

bool OutputsRunPath(const char *Directory, uint64_t Step, const char *Extension,
                    char Path[CHECK_RUN_PATH])
{
    return (size_t)snprintf(Path, CHECK_RUN_PATH, "%s/%06llu.%s", Directory,
                            (unsigned long long)Step, Extension) < CHECK_RUN_PATH;
}

void OutputsLine(CHECK_OUTPUTS *Outputs, const json_t *Object)
{
    FILE *File = Outputs->File[CheckJsonl];
    if (File != NULL) {
        json_dumpf(Object, File, JSON_COMPACT);
        fputc('\n', File);
        fflush(File); /* what is done is kept, whatever comes */
    }
}

void OutputsRun(CHECK_OUTPUTS *Outputs, CHECK_SUMMARY *Summary, const json_t *Result,
                EXIT_CODE Counted, int Timeline)
{
    OutputsLine(Outputs, Result);
    if (Outputs->File[CheckHtml] != NULL) {
        PageAddRun(Outputs->File[CheckHtml], Summary, Result, Counted, Timeline);
    }
}

bool OutputsClose(CHECK_OUTPUTS *Outputs, const CHECK_SETTINGS *Settings,
                  const CHECK_SUMMARY *Summary, char Error[CHECK_ERROR])
{
    bool AllGood = true;
    for (int i = 0; i < CheckOutputKinds; i++) {
        FILE *File = Outputs->File[i];
        if (File == NULL) {
            continue;
        }
        bool Good = Summary == NULL || OutputKinds[i].Write == NULL ||
                    OutputKinds[i].Write(File, Settings, Summary);
        Good = fflush(File) == 0 && ferror(File) == 0 && Good;
        Good = (File == stdout || fclose(File) == 0) && Good;
        if (!Good && AllGood) {
            AllGood = OutputsFail(Outputs->Path[i], "could not be written whole", Error);
        }
        Outputs->File[i] = NULL;
    }
    return AllGood;
}

void OutputsFree(CHECK_OUTPUTS *Outputs)
{
    for (int i = 0; i < CheckOutputKinds; i++) {
        free(Outputs->Path[i]);
    }
    free(Outputs->RunsDirectory);
}
