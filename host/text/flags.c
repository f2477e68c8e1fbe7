/* SPDX-License-Identifier: MIT */
#include "host/text/flags.h"

#include <stdio.h>
#include <string.h>

#include "host/text/text.h"

static bool FlagsKnow(const char *Word, const FLAG *Flags, size_t FlagCount)
{
    for (size_t i = 0; i < FlagCount; i++) {
        if (strcmp(Word, Flags[i].Word) == 0) {
            *Flags[i].Given = true;
            return true;
        }
    }
    return false;
}

int FlagsTake(int Count, char **Arguments, const FLAG *Flags, size_t FlagCount)
{
    int Kept = 0;
    bool OnlyNames = false;

    for (int i = 0; i < Count; i++) {
        if (OnlyNames || Arguments[i][0] != '-') {
            Arguments[Kept++] = Arguments[i];
        } else if (strcmp(Arguments[i], "--") == 0) {
            OnlyNames = true;
        } else if (!FlagsKnow(Arguments[i], Flags, FlagCount)) {
            char Clean[100];
            TextCleanString(Clean, sizeof(Clean), Arguments[i]);
            fprintf(stderr, "pageable: %s: no such option\n", Clean);
            return -1;
        }
    }
    return Kept;
}
