/* SPDX-License-Identifier: MIT */
#pragma once

#include "wdm.h"

#include "fsrtl.h"
#include "cc.h"
#include "heap.h"
