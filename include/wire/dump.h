/* SPDX-License-Identifier: MIT */
/*
 * Windows' kernel crash dump of a 64-bit machine: PAGE, DU64. The header takes two pages; bytes of
 * it that mean nothing hold the letters PAGE again. Offsets in comments are hexadecimal.
 *
 * Type 1 (full): the pages of the runs follow, back to back, from 2000 on.
 * Type 5 (bitmap): DUMP_BITMAP_HEADER at 2000, then a bit for each page of physical memory, and
 * from FirstPage on the pages whose bit is set.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "nt/se.h"
#include "wire/kd.h"

#define DUMP_HEADER_BYTES 0x2000u
#define DUMP_SIGNATURE 0x45474150u      /* the bytes PAGE */
#define DUMP_VALID 0x34365544u          /* the bytes DU64 */
#define DUMP_FILL DUMP_SIGNATURE
#define DUMP_TYPE_FULL 1u
#define DUMP_TYPE_BITMAP_FULL 5u
#define DUMP_MACHINE_AMD64 0x8664u
#define DUMP_MAX_RUNS 42u
#define DUMP_MAX_PROCESSORS 64u
#define DUMP_CODE_LIVE 0x161u /* LIVE_SYSTEM_DUMP: there was no bug check */
#define DUMP_SECONDARY_VERSION 2u

typedef struct {
    uint64_t BasePage;
    uint64_t PageCount;
} DUMP_MEMORY_RUN;

typedef struct {
    uint32_t Signature, ValidDump;
    uint32_t MajorVersion, MinorVersion; /* of DBGKD_GET_VERSION64 */
    uint64_t DirectoryTableBase;         /* the CR3 in use, its low 12 bits 0 */
    uint64_t PfnDatabase;                /* the database's address, not the variable's */
    uint64_t PsLoadedModuleList, PsActiveProcessHead; /* addresses of the heads */
    uint32_t MachineImageType;
    uint32_t NumberProcessors;
    uint32_t BugCheckCode;
    uint32_t Fill03C;
    uint64_t BugCheckParameter[4];
    char VersionUser[32];
    uint64_t KdDebuggerDataBlock; /* virtual address */
    union {
        struct {
            uint32_t NumberOfRuns;
            uint32_t Fill08C;
            uint64_t NumberOfPages;
            DUMP_MEMORY_RUN Run[DUMP_MAX_RUNS];
        };
        uint8_t PhysicalMemoryBlock[700];
    };
    uint8_t ContextRecord[3000]; /* begins with a CONTEXT, which is not aligned here */
    KD_EXCEPTION_RECORD64 Exception;
    uint32_t DumpType;
    uint32_t FillF9C;
    int64_t RequiredDumpSpace; /* bytes of the file */
    uint64_t SystemTime;       /* 100 ns since 1601 */
    char Comment[128];
    uint64_t SystemUpTime; /* 100 ns */
    uint32_t MiniDumpFields, SecondaryDataState;
    uint32_t ProductType; /* 1 workstation, 2 domain controller, 3 server */
    uint32_t SuiteMask;
    uint32_t WriterStatus;
    uint8_t Unused1;
    uint8_t KdSecondaryVersion;
    uint8_t Unused2[2];
    uint32_t Attributes, BootId;
    uint8_t Fill1058[0x2000 - 0x1058];
} DUMP_HEADER64;

#define DUMP_BITMAP_SIGNATURE 0x504d4453u      /* SDMP */
#define DUMP_BITMAP_FULL_SIGNATURE 0x504d4446u /* FDMP */
#define DUMP_BITMAP_VALID 0x504d5544u          /* DUMP */

typedef struct {
    uint32_t Signature, ValidDump;
    uint8_t Reserved[0x18];
    uint64_t FirstPage;         /* offset in the file */
    uint64_t TotalPresentPages;
    uint64_t Pages;             /* bits in the bitmap, which follows; the lowest bit is first */
} DUMP_BITMAP_HEADER;

_Static_assert(sizeof(DUMP_HEADER64) == DUMP_HEADER_BYTES, "DUMP_HEADER64");
_Static_assert(sizeof(DUMP_BITMAP_HEADER) == 0x38, "DUMP_BITMAP_HEADER");
#define DUMP_ASSERT(member, offset) \
    _Static_assert(offsetof(DUMP_HEADER64, member) == (offset), #member)
DUMP_ASSERT(DirectoryTableBase, 0x10);
DUMP_ASSERT(PsActiveProcessHead, 0x28);
DUMP_ASSERT(BugCheckCode, 0x38);
DUMP_ASSERT(BugCheckParameter, 0x40);
DUMP_ASSERT(VersionUser, 0x60);
DUMP_ASSERT(KdDebuggerDataBlock, 0x80);
DUMP_ASSERT(NumberOfRuns, 0x88);
DUMP_ASSERT(Run, 0x98);
DUMP_ASSERT(ContextRecord, 0x348);
DUMP_ASSERT(Exception, 0xF00);
DUMP_ASSERT(DumpType, 0xF98);
DUMP_ASSERT(RequiredDumpSpace, 0xFA0);
DUMP_ASSERT(Comment, 0xFB0);
DUMP_ASSERT(SystemUpTime, 0x1030);
DUMP_ASSERT(ProductType, 0x1040);
DUMP_ASSERT(KdSecondaryVersion, 0x104D);
DUMP_ASSERT(BootId, 0x1054);
