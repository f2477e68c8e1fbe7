/* SPDX-License-Identifier: MIT */
/* UTF-16, which is what a registry and a .reg file are written in, from UTF-8 and back. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Out has room for Length characters; *Count gets how many there are. False: the bytes from
 * offset *Count on are no UTF-8.
 */
bool WideFromUtf8(const void *Bytes, size_t Length, uint16_t *Out, size_t *Count);
/* Out has room for 3 * Count bytes; returns how many there are. Half of a surrogate pair alone
   becomes U+FFFD. */
size_t WideToUtf8(const uint16_t *Text, size_t Count, char *Out);
