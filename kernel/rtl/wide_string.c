/* SPDX-License-Identifier: MIT */
/* wcslen and its family, and the conversions between the two kinds of C string (code page 1252). */
#include "rtlp.h"

#define UNIT WCHAR
#define UNSIGNED USHORT
#define CHAR_ARGUMENT WCHAR
#define S(name) wcs##name
#define I(name) _wcs##name
#include "string_template.h"

/* Both: Destination NULL asks for the length; a NUL is written when it is among the Count units. */
CODE size_t mbstowcs(WCHAR *Destination, const char *Source, size_t Count)
{
    size_t i = 0;
    for (; Destination == NULL || i < Count; i += 1) {
        if (Destination != NULL) {
            Destination[i] = RtlpAnsiToUnicode((UCHAR)Source[i]);
        }
        if (Source[i] == 0) {
            break;
        }
    }
    return i;
}

CODE size_t wcstombs(char *Destination, const WCHAR *Source, size_t Count)
{
    size_t i = 0;
    for (; Destination == NULL || i < Count; i += 1) {
        if (Destination != NULL) {
            Destination[i] = (char)RtlpUnicodeToAnsi(Source[i]);
        }
        if (Source[i] == 0) {
            break;
        }
    }
    return i;
}
