/* SPDX-License-Identifier: MIT */
/* Messages with timelines, as a guest sends them. */
#pragma once

#include "lib/control_codec.h"

/* A batch of entries, numbered from First on. */
static inline CONTROL_MESSAGE TimelineMessage(const TIMELINE_ENTRY *Entries, size_t Count,
                                              uint64_t First, uint64_t Lost)
{
    return (CONTROL_MESSAGE){
        .Type = ControlTimeline,
        .Timeline = {TIMELINE_VERSION, (uint32_t)(Count * sizeof(*Entries)), First, Lost},
        .First = {(const uint8_t *)Entries, (uint32_t)(Count * sizeof(*Entries))},
    };
}
