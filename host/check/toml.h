/* SPDX-License-Identifier: MIT */
/*
 * Reads configuration files: a subset of TOML 1.0 (toml.io). What is accepted means what TOML says
 * it means; what is left out is refused by name: dates, floats, multi-line strings, inline tables,
 * arrays in arrays, dotted and quoted keys. Debian 12 has no TOML library for C.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define TOML_MOST_BYTES (1u << 20)

typedef struct {
    const char *Table; /* "" before the first header, "name" under [name] and [[name]] */
    unsigned Entry;    /* which [[name]], from 0 */
    const char *Name;
    unsigned Line;     /* from 1 */
} TOML_KEY;

/* Value is a string, an integer, a boolean, or an array of such; borrowed. False: see Error. */
typedef bool TOML_TAKE(void *Context, const TOML_KEY *Key, json_t *Value, char *Error,
                       size_t ErrorSize);

/*
 * Calls Take for each key, in the order of the file, and for each [[name]] at its header (with
 * Name "" and Value NULL). False: Error is "LINE: rule" or, for syntax, "LINE:COLUMN: rule".
 */
bool TomlParse(const char *Text, size_t Size, TOML_TAKE *Take, void *Context, char *Error,
               size_t ErrorSize);
