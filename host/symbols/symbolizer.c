/* SPDX-License-Identifier: MIT */
#include "host/symbols/symbolizer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/symbols/child_program.h"
#include "host/text/text.h"

#define SYMBOLIZER_LIMIT_MS 60000 /* for one that hangs: under load ten seconds may not do */
#define SYMBOLIZER_OUTPUT (1u << 20)

static void SymbolizerTake(json_t *Entry, SYMBOLIZER_ANSWER *Answer)
{
    json_t *Symbol = json_array_get(json_object_get(Entry, "Symbol"), 0);
    const char *Function = json_string_value(json_object_get(Symbol, "FunctionName"));
    const char *File = json_string_value(json_object_get(Symbol, "FileName"));
    json_int_t Line = json_integer_value(json_object_get(Symbol, "Line"));

    memset(Answer, 0, sizeof(*Answer));
    if (Function != NULL && strcmp(Function, "??") != 0) {
        TextCleanString(Answer->Function, sizeof(Answer->Function), Function);
    }
    if (File != NULL && strcmp(File, "??") != 0 && Line > 0 && Line < INT32_MAX) {
        TextCleanString(Answer->File, sizeof(Answer->File), File);
        TextTurnSlashes(Answer->File);
        Answer->Line = (uint32_t)Line;
    }
}

static bool SymbolizerParse(const char *Bytes, size_t Size, unsigned Count,
                            SYMBOLIZER_ANSWER *Answers)
{
    json_t *Root = json_loadb(Bytes, Size, JSON_DISABLE_EOF_CHECK, NULL);
    bool Good = json_is_array(Root) && json_array_size(Root) == Count;
    for (unsigned i = 0; Good && i < Count; i++) {
        SymbolizerTake(json_array_get(Root, i), &Answers[i]);
    }
    json_decref(Root);
    return Good;
}

bool SymbolizerRun(const char *ImagePath, SYMBOLIZER_NAMES Names, const uint64_t *Rva,
                   unsigned Count, SYMBOLIZER_ANSWER *Answers)
{
    char Object[4200], Number[SYMBOLIZER_MAX_ADDRESSES][TEXT_NUMBER];
    char *Words[SYMBOLIZER_MAX_ADDRESSES + 8] = {NULL, Object, "--relative-address", "--no-inlines",
                                                 "--output-style=JSON",
                                                 Names == SymbolizerDebugNames
                                                     ? "--functions=short"
                                                     : "--functions=linkage"};
    static const char *const Programs[] = {"llvm-symbolizer-19", "llvm-symbolizer", NULL};
    const CHILD_PROGRAM Program = {"PAGEABLE_SYMBOLIZER", Programs, Words, SYMBOLIZER_LIMIT_MS,
                                   SYMBOLIZER_OUTPUT};
    unsigned Used = 6;
    size_t Size = 0;

    if (Count == 0 || Count > SYMBOLIZER_MAX_ADDRESSES) {
        return false;
    }
    snprintf(Object, sizeof(Object), "--obj=%s", ImagePath);
    for (unsigned i = 0; i < Count; i++) {
        Words[Used++] = (char *)TextHex(Number[i], Rva[i]);
    }
    char *Bytes = ChildProgramRun(&Program, &Size);
    bool Good = Bytes != NULL && SymbolizerParse(Bytes, Size, Count, Answers);
    free(Bytes);
    return Good;
}
