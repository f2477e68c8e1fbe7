/* SPDX-License-Identifier: MIT */
/* `pageable exports`: what the kernel exports, and what drivers want beyond it. */
#pragma once

#include <stdbool.h>

#include "host/text/exit_codes.h"

extern const char HelpExports[];

EXIT_CODE ExportsCommand(int Count, char **Arguments);

/* ---- exports_missing.c: reads drivers and tells what they import that is not exported ---- */
EXIT_CODE ExportsMissing(int Count, char **Files, bool Json);

/* ---- exports_markdown.c: docs/routines.md ---- */
void ExportsMarkdown(void);
