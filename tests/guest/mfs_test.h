/* SPDX-License-Identifier: MIT */
/* What the tests of the volume share. */
#pragma once

#include "io/iop.h"
#include "nt/rtl.h"
#include "test.h"

#define MFS_TEST_ACCESS (FILE_READ_DATA | FILE_WRITE_DATA | DELETE | SYNCHRONIZE)

extern ULONG MfsTestShare;           /* of the next opens; all at first */
extern ULONG_PTR MfsTestInformation; /* of the last create */

/* FILE_SYNCHRONOUS_IO_... adds SYNCHRONIZE to the access. */
NTSTATUS MfsTestCreate(PCWSTR Path, ACCESS_MASK Access, ULONG Disposition, ULONG Options,
                       PHANDLE File);
NTSTATUS MfsTestCreateIn(HANDLE Root, PCWSTR Path, ACCESS_MASK Access, ULONG Disposition,
                         ULONG Options, PHANDLE File);
VOID MfsTestWriteWhole(PCWSTR Path, PCSTR Text, ULONG Length);
ULONG64 MfsTestSize(HANDLE File);
NTSTATUS MfsTestDelete(PCWSTR Path);
/* Deletes what tests have left; nobody has it open. */
VOID MfsTestEmptyVolume(VOID);
