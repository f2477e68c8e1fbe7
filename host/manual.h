/* SPDX-License-Identifier: MIT */
/* Manual pages, made from the texts of help.h: `pageable help --man [COMMAND]`. */
#pragma once

#include "host/help.h"

/* Writes pageable-COMMAND(1) to the standard output as roff; NULL: pageable(1). */
void ManualPrint(const HELP_TOPIC *Topic);
