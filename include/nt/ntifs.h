/* SPDX-License-Identifier: MIT */
#pragma once

#include "wdm.h"

#include "fsrtl.h"
