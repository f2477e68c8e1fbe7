/* SPDX-License-Identifier: MIT */
/* The options of `pageable run` and of the other subcommands that start a machine. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/symbols/source_map.h"
#include "host/timeline/budget.h"

/* Slow is no error: the disk answers so many requests a second and no more. */
typedef enum {
    DiskFaultNone,
    DiskFaultRead,
    DiskFaultWrite,
    DiskFaultFlip,
    DiskFaultSlow,
} DISK_FAULT;

#define OPTIONS_DEFAULT_MEMORY (48ull << 20)
#define OPTIONS_DEFAULT_PAGING_FILE (512ull << 20)
#define OPTIONS_DEFAULT_TIMEOUT 60u
#define OPTIONS_DEFAULT_DPC_WATCHDOG 10u
#define OPTIONS_DEFAULT_HISTORY 20u
#define OPTIONS_MAX_FILES 32u

typedef struct {
    const char *Driver;   /* `run`: the .sys file; `test-guest`: a name pattern or NULL */
    const char *Scenario; /* NULL: the default flow */
    const char *PageOut;  /* never, pressure, at-raise, always, random */
    const char *Json;     /* NULL, "-" or a file */
    const char *Accelerator; /* tcg, kvm, auto */
    const char *Machine;     /* microvm, pci */
    const char *Kd;          /* path of the socket for a kernel debugger, or NULL */
    const char *NtVersion;   /* 5.1, 5.2, 6.0, 10.0, or NULL: as it is */
    const char *Gdb;         /* port of 127.0.0.1 or path of a socket for gdb, or NULL */
    const char *Dump;        /* path of the crash dump to write at a bug check, or NULL */
    const char *Registry;    /* path of a .reg file, or NULL */
    const char *Trace;       /* path of the trace-event file to write, or NULL */
    const char *Html;        /* path of the HTML report to write, or NULL */
    const char *TimelineJson; /* path of the timeline as JSON, or NULL */
    const char *Append;      /* further words of the kernel's command line, or NULL */
    const char *Files[OPTIONS_MAX_FILES]; /* `test-guest`: more files for the boot archive */
    uint32_t FileCount;
    uint64_t Memory;         /* bytes */
    uint64_t PagingFile;     /* bytes; 0: no paging disk */
    uint32_t TimeoutSeconds;
    bool TimeoutGiven; /* not the default */
    uint64_t Seed;
    DISK_FAULT DiskFault;
    /* read, write: requests that still succeed; slow: requests a second */
    uint32_t DiskFaultNumber;
    uint32_t DpcWatchdog; /* seconds; 0: never */
    uint32_t History; /* events that the report of a bug check shows */
    SOURCE_MAP SourceMap;
    BUDGET Budgets[BUDGET_MOST];
    unsigned BudgetCount;
    bool UnlessClean; /* files of the timeline are written unless the run is clean */
    bool Timeline; /* also for Trace, Html, TimelineJson and Budgets */
    bool Evict;
    bool NoVerify;
    bool Verbose;
} RUN_OPTIONS;

/*
 * Reads the arguments after the subcommand. False: Error holds one line that names the argument.
 * Strings point into Arguments or into static storage. A seed not given is 1, but chosen at
 * random for --page-out=random.
 */
bool OptionsParse(RUN_OPTIONS *Options, int Count, char **Arguments, char *Error, size_t ErrorSize);

/* The command line that does the same again: every choice that matters is spelled out. */
void OptionsReplay(const RUN_OPTIONS *Options, const char *Program, char *Line, size_t Capacity);
