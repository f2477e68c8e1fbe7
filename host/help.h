/* SPDX-License-Identifier: MIT */
#pragma once

/* The texts of --help and `help run`. */
extern const char HelpMain[];
extern const char HelpRun[];
extern const char HelpKd[];
extern const char HelpDebug[];
extern const char HelpGdbSymbols[];
