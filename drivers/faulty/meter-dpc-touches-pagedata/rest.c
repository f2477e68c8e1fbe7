/* SPDX-License-Identifier: MIT */
/* What is right in the driver is its correct twin's. */
#include "correct/meter/meter.c"
#include "correct/meter/provider.c"
#include "correct/meter/sampler.c"
#include "correct/meter/settings.c"
