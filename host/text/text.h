/* SPDX-License-Identifier: MIT */
/* Turning numbers and untrusted bytes into text that is safe on a terminal and valid in JSON. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_NUMBER 32 /* bytes that hold any number or address below, with its NUL */

/*
 * Copies bytes that a guest, a file or an argument gave: valid UTF-8 stays, control characters and
 * broken sequences become \xNN, a tab a blank. Out is always terminated; what does not fit is cut
 * at a character. Returns the length.
 */
size_t TextClean(char *Out, size_t Capacity, const void *Bytes, size_t Length);
size_t TextCleanString(char *Out, size_t Capacity, const char *String);

/* The length of the UTF-8 sequence at Bytes (Length > 0) and its code; 0: it is not a valid one. */
size_t TextDecode(const uint8_t *Bytes, size_t Length, uint32_t *Code);

/* 1,234,567 */
const char *TextGroups(char Out[TEXT_NUMBER], uint64_t Number);
/* fffff880`01234000, as WinDbg prints addresses */
const char *TextAddress(char Out[TEXT_NUMBER], uint64_t Address);
/* 0xfffff88001234000, as JSON events carry addresses */
const char *TextHex(char Out[TEXT_NUMBER], uint64_t Number);
/* 48M, 64K, or plain bytes */
const char *TextSize(char Out[TEXT_NUMBER], uint64_t Bytes);

/* "48M": bytes with an optional K, M or G. False when it is no number, or too large for 64 bits. */
bool TextParseSize(const char *Text, uint64_t *Bytes);
/* Decimal, or hexadecimal after 0x. */
bool TextParseNumber(const char *Text, uint64_t *Number);

/*
 * As snprintf, for clean text: what does not fit, or is longer than its precision, is cut at a
 * character.
 */
void TextFormat(char *Out, size_t Capacity, const char *Format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Appends a word to a command line, quoted for a shell where needed; cut when it does not fit. What
 * is harmful on a terminal, or no UTF-8, is written as bash's $'...' has it, so the line is clean.
 */
void TextAppendWord(char *Line, size_t Capacity, const char *Word);
/* As TextFormat, behind what Line has. */
void TextAppendFormat(char *Line, size_t Capacity, const char *Format, ...)
    __attribute__((format(printf, 3, 4)));

/* The part after the last slash. */
const char *TextBaseName(const char *Path);

/* A PDB has backslashes even for a file named the way Linux does; C:\x and \\server\x stay. */
void TextTurnSlashes(char *File);

/* Milliseconds of a clock that only goes forward. */
uint64_t TextNow(void);
/* {01234567-89ab-cdef-0123-456789abcdef}, of a GUID as it is in memory. */
#define TEXT_GUID 40
void TextGuid(char Out[TEXT_GUID], const uint8_t Guid[16]);
