/* SPDX-License-Identifier: MIT */
/* The kernel's command line: words `name` or `name=value`, separated by blanks. */
#pragma once

#include "ke/ki.h"

/*
 * Finds the word Name; copies its value, cut to Size - 1 characters and terminated (empty when it
 * has none). FALSE: not there, Value untouched. Value may be NULL. Any IRQL.
 */
BOOLEAN KiQueryCommandLine(PCSTR Name, PCHAR Value, SIZE_T Size);
/* The value as a number, 0x prefix for hexadecimal; Default when absent or not a number. */
ULONG64 KiQueryCommandLineNumber(PCSTR Name, ULONG64 Default);
