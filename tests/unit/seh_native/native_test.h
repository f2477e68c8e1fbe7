/* SPDX-License-Identifier: MIT */
/* GUEST_TEST and EXPECT for the native build: a list, run in order of name of section and file. */
#pragma once

#include "nt/ntdef.h"

typedef struct _NATIVE_TEST {
    const char *Name;
    void (*Run)(void);
} NATIVE_TEST;

void NativeFail(const char *Condition, const char *File, int Line);

#define GUEST_TEST(name)                                                             \
    static void name(void);                                                          \
    __attribute__((section("tests$m"), used)) static const NATIVE_TEST Test_##name = \
        {#name, name};                                                               \
    __attribute__((noinline)) static void name(void)
#define EXPECT(cond) ((cond) ? (void)0 : NativeFail(#cond, __FILE__, __LINE__))
