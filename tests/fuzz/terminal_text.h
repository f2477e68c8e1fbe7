/* SPDX-License-Identifier: MIT */
/* What must hold of all that the host prints, whatever the input: it does nothing to a terminal. */
#pragma once

#include <stdlib.h>

#include "host/text/text.h"

/* Ends the fuzz target when Text is no valid UTF-8, or has control characters but \n and \t. */
static inline void RequireTerminalText(const char *Text, size_t Size)
{
    uint32_t Code;
    for (size_t i = 0, Length; i < Size; i += Length) {
        Length = TextDecode((const uint8_t *)Text + i, Size - i, &Code);
        if (Length == 0 || (Code < ' ' && Code != '\n' && Code != '\t') ||
            (Code >= 0x7f && Code <= 0x9f)) {
            abort();
        }
    }
}
