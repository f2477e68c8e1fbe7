/* SPDX-License-Identifier: MIT */
/* `pageable explain`: a bug check in words, without a machine. */
#pragma once

#include "host/text/exit_codes.h"

extern const char HelpExplain[];

EXIT_CODE ExplainCommand(int Count, char **Arguments);
