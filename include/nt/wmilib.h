/* SPDX-License-Identifier: MIT */
/* What a provider that uses WMILIB includes. */
#pragma once

#include "wdm.h"
