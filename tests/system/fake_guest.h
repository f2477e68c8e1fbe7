/* SPDX-License-Identifier: MIT */
/* Between the parts of the fake guest. */
#pragma once

#include "lib/control_codec.h"

#define FAKE_IMAGE_BASE 0xfffff88200000000ull

/* An event of one variable part. */
void FakeSend(uint32_t Type, const void *Fixed, size_t FixedSize, const void *Bytes, size_t Size);
/* FAKE_GUEST=timeline: what follows the load. */
void FakeTimeline(void);
