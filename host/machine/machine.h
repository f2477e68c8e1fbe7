/* SPDX-License-Identifier: MIT */
/*
 * A QEMU process and the file descriptors that tie it to this one.
 *
 * Nothing of it has a name in the file system: the boot archive is a memfd, the paging file is
 * unlinked, the channels are socket pairs. So nothing is left behind whichever way we end, and QEMU
 * itself dies with us (PR_SET_PDEATHSIG), even when we are killed with SIGKILL.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/run/options.h"

#define MACHINE_TAIL_SIZE 16384u

/* The last bytes of a stream. */
typedef struct {
    char Bytes[MACHINE_TAIL_SIZE];
    uint64_t Total;
} MACHINE_TAIL;

typedef struct {
    const char *BootFile;
    int Archive;         /* descriptor; from MachineCreateArchive */
    int PagingFile;      /* descriptor, -1: no paging disk */
    uint64_t Memory;     /* bytes */
    int MemoryFile;      /* descriptor of a file of that size to be the RAM, -1: none */
    const char *Append;  /* the kernel's command line */
    const char *Accelerator;
    bool Pci;            /* with a PCI bus and the edu device on it */
    DISK_FAULT DiskFault;
    uint32_t DiskFaultNumber;
    const char *Gdb; /* port of 127.0.0.1 or path of a socket; the machine waits there. NULL: no */
    bool Kd; /* a UART, whose other end is MACHINE.Kd */
} MACHINE_CONFIG;

typedef struct {
    pid_t Pid; /* 0: none, or reaped */
    int PidDescriptor;
    int Control; /* our end of the control channel */
    int Log;     /* what the guest writes to port 0xE9 */
    int Errors;  /* QEMU's own messages */
    int Kd;      /* the UART of the kernel debugger, -1: none */
    MACHINE_TAIL LogTail;
    MACHINE_TAIL ErrorTail;
    int Status;         /* of waitpid, once Pid is 0 */
    char Program[1024]; /* what was started */
} MACHINE;

/* False: Error says what, nothing runs, nothing is left. The config's descriptors stay open. */
bool MachineStart(MACHINE *Machine, const MACHINE_CONFIG *Config, char *Error, size_t ErrorSize);
/* Takes what the streams hold into the tails; Echo: to the standard error too. Never waits. */
void MachineDrain(MACHINE *Machine, bool Echo);
/* Reaps QEMU when it has ended; false while it runs. */
bool MachineHasEnded(MACHINE *Machine);
/* Ends QEMU (SIGTERM, after half a second SIGKILL), reaps it, closes all. May be repeated. */
void MachineStop(MACHINE *Machine);

/* The last Lines lines of a tail as text safe to print, "" when there are none. */
void MachineTailText(const MACHINE_TAIL *Tail, unsigned Lines, char *Out, size_t Capacity);

typedef struct {
    const char *Name;
    const void *Bytes;
    size_t Size;
} MACHINE_FILE;

/* Both return a descriptor, or -1 with Error set. */
int MachineCreateArchive(const MACHINE_FILE *Files, unsigned Count, char *Error, size_t ErrorSize);
int MachineCreatePagingFile(uint64_t Bytes, char *Error, size_t ErrorSize);
/* Inverts one bit in each page of the paging file that holds data; returns how many pages. */
uint64_t MachineFlipPagingFile(int PagingFile);

/* True when the processor offers hardware virtualisation and /dev/kvm can be opened. */
bool MachineHasHardwareVirtualization(void);

/* QEMU's arguments. The array and its strings are freed by MachineFreeArguments. */
typedef struct {
    char *Words[96];
    unsigned Count;
} MACHINE_ARGUMENTS;

void MachineBuildArguments(MACHINE_ARGUMENTS *Arguments, const MACHINE_CONFIG *Config,
                           const char *Program, int Control, int Log, int Kd, int FaultRules);
void MachineFreeArguments(MACHINE_ARGUMENTS *Arguments);
/* A memfd with the rules of QEMU's blkdebug driver for the fault asked for; -1: none is needed. */
int MachineCreateFaultRules(DISK_FAULT Fault, uint32_t After);
