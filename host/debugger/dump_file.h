/* SPDX-License-Identifier: MIT */
/*
 * A crash dump's file (wire/dump.h): its header, checked, and where its pages lie. The file is not
 * trusted; what is wrong is told with the file's name, the offset and the rule.
 */
#pragma once

#include "host/debugger/physical_file.h"
#include "wire/dump.h"

/* Of type 1 or 5. False: Error, one line; nothing is open. */
bool DumpFileOpen(const char *Path, DUMP_HEADER64 *Header, PHYSICAL_FILE *Memory, char *Error,
                  size_t ErrorSize);
