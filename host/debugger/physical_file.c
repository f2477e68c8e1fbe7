/* SPDX-License-Identifier: MIT */
#include "host/debugger/physical_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/symbols/string_pool.h"

#define MAX_RUNS (1u << 24) /* every second page of 128 GB */

void PhysicalFileInitialize(PHYSICAL_FILE *Memory, int File)
{
    *Memory = (PHYSICAL_FILE){.File = File};
}

void PhysicalFileClose(PHYSICAL_FILE *Memory)
{
    if (Memory->File >= 0) {
        close(Memory->File);
    }
    free(Memory->Runs);
    PhysicalFileInitialize(Memory, -1);
}

bool PhysicalFileAdd(PHYSICAL_FILE *Memory, PHYSICAL_RUN Run)
{
    PHYSICAL_RUN *Last = Memory->Count != 0 ? &Memory->Runs[Memory->Count - 1] : NULL;
    uint64_t End = Last != NULL ? Last->BasePage + Last->PageCount : 0;

    if (Run.PageCount == 0 || Run.BasePage < End || Run.BasePage >= PHYSICAL_PAGE_LIMIT ||
        Run.PageCount > PHYSICAL_PAGE_LIMIT - Run.BasePage) {
        return false;
    }
    if (Last != NULL && Run.BasePage == End &&
        Run.Offset == Last->Offset + Last->PageCount * PHYSICAL_PAGE) {
        Last->PageCount += Run.PageCount;
        return true;
    }
    if (!ArrayGrow((void **)&Memory->Runs, &Memory->Capacity, (uint64_t)Memory->Count + 1,
                   MAX_RUNS, sizeof(PHYSICAL_RUN))) {
        return false;
    }
    Memory->Runs[Memory->Count++] = Run;
    return true;
}

/* The run that holds the page, NULL: none. */
static const PHYSICAL_RUN *PhysicalFileFind(const PHYSICAL_FILE *Memory, uint64_t Page)
{
    uint32_t Low = 0, High = Memory->Count;
    while (Low < High) {
        uint32_t Middle = Low + (High - Low) / 2;
        const PHYSICAL_RUN *Run = &Memory->Runs[Middle];
        if (Page < Run->BasePage) {
            High = Middle;
        } else if (Page - Run->BasePage >= Run->PageCount) {
            Low = Middle + 1;
        } else {
            return Run;
        }
    }
    return NULL;
}

bool PhysicalFileRead(const PHYSICAL_FILE *Memory, uint64_t Address, void *Out, size_t Size,
                      size_t *Done)
{
    const PHYSICAL_RUN *Run = PhysicalFileFind(Memory, Address / PHYSICAL_PAGE);
    ssize_t Got;

    *Done = 0;
    if (Run == NULL || Size == 0) {
        return false;
    }
    uint64_t Into = Address - Run->BasePage * PHYSICAL_PAGE;
    uint64_t Left = Run->PageCount * PHYSICAL_PAGE - Into;
    do {
        Got = pread(Memory->File, Out, Size < Left ? Size : (size_t)Left,
                    (off_t)(Run->Offset + Into));
    } while (Got < 0 && errno == EINTR);
    *Done = Got > 0 ? (size_t)Got : 0;
    return Got > 0;
}
