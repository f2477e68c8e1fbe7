/* SPDX-License-Identifier: MIT */
#include "host/symbols/source_map.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static bool SourceIsSlash(char Char)
{
    return Char == '/' || Char == '\\';
}

/* Without slashes at its end, unless it is nothing else. */
static size_t SourceTrim(const char *Text, size_t Length)
{
    while (Length > 1 && SourceIsSlash(Text[Length - 1])) {
        Length--;
    }
    return Length;
}

const char *SourceMapAdd(SOURCE_MAP *Map, const char *Text)
{
    const char *Equals = strchr(Text, '=');

    if (Equals == NULL || Equals == Text) {
        return "is FROM=TO, the directory of the sources as the PDB names it and as it is here";
    }
    for (const char *Char = Text; *Char != 0; Char++) {
        if (iscntrl((unsigned char)*Char)) {
            return "has a control character";
        }
    }
    if (Map->Count == SOURCE_MAP_MOST) {
        return "can be given 16 times";
    }
    Map->Rules[Map->Count++] = (SOURCE_RULE){
        .From = Text,
        .FromLength = SourceTrim(Text, (size_t)(Equals - Text)),
        .To = Equals + 1,
        .ToLength = SourceTrim(Equals + 1, strlen(Equals + 1)),
    };
    return NULL;
}

/* What is left of File below the directory, or NULL when it is not there. */
static const char *SourceBelow(const SOURCE_RULE *Rule, const char *File)
{
    const char *From = Rule->From;
    size_t Length = Rule->FromLength;
    bool Windows = memchr(From, '\\', Length) != NULL ||
                   (Length >= 2 && isalpha((unsigned char)From[0]) && From[1] == ':');

    for (size_t i = 0; i < Length; i++) {
        bool Same = File[i] == From[i];
        if (Windows) {
            Same = SourceIsSlash(From[i])
                       ? SourceIsSlash(File[i])
                       : tolower((unsigned char)File[i]) == tolower((unsigned char)From[i]);
        }
        if (!Same) {
            return NULL;
        }
    }
    File += Length;
    if (!SourceIsSlash(*File) && !SourceIsSlash(From[Length - 1])) {
        return NULL;
    }
    while (SourceIsSlash(*File)) {
        File++;
    }
    return File;
}

void SourceMapApply(const SOURCE_MAP *Map, const char *File, char *Out, size_t Capacity)
{
    for (unsigned i = 0; Map != NULL && i < Map->Count; i++) {
        const SOURCE_RULE *Rule = &Map->Rules[i];
        const char *Rest = SourceBelow(Rule, File);
        if (Rest == NULL) {
            continue;
        }
        bool Slash = Rule->ToLength != 0 && !SourceIsSlash(Rule->To[Rule->ToLength - 1]);
        int Start = snprintf(Out, Capacity, "%.*s%s", (int)Rule->ToLength, Rule->To,
                             Slash ? "/" : "");
        if ((size_t)Start < Capacity) {
            snprintf(Out + Start, Capacity - (size_t)Start, "%s", Rest);
            for (char *Char = Out + Start; *Char != 0; Char++) {
                *Char = *Char == '\\' ? '/' : *Char;
            }
        }
        return;
    }
    snprintf(Out, Capacity, "%s", File);
}
