/* SPDX-License-Identifier: MIT */
/* `pageable completion SHELL`: a script for a shell, made from the texts of help.h. */
#pragma once

extern const char HelpCompletion[];

/* Exit code: 0, or 2 for a shell that is not known. */
int CompletionCommand(int Count, char **Arguments);
