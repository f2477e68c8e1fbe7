/* SPDX-License-Identifier: MIT */
/* The file system run-time library, as ntifs.h declares it. */
#pragma once

#include "irp.h"

#define DOS_STAR L'<'
#define DOS_QM L'>'
#define DOS_DOT L'"'

/* IgnoreCase: Expression is in upper case. UpcaseTable: 65,536 characters, or NULL. */
BOOLEAN FsRtlIsNameInExpression(PUNICODE_STRING Expression, PUNICODE_STRING Name,
                                BOOLEAN IgnoreCase, PWCH UpcaseTable);
BOOLEAN FsRtlDoesNameContainWildCards(PUNICODE_STRING Name);
VOID FsRtlDissectName(UNICODE_STRING Path, PUNICODE_STRING FirstName,
                      PUNICODE_STRING RemainingName);
BOOLEAN FsRtlAreNamesEqual(PCUNICODE_STRING ConstantNameA, PCUNICODE_STRING ConstantNameB,
                           BOOLEAN IgnoreCase, PCWCH UpcaseTable);
BOOLEAN FsRtlIsNtstatusExpected(NTSTATUS Exception);
NTSTATUS FsRtlGetFileSize(PFILE_OBJECT FileObject, PLARGE_INTEGER FileSize);
ULONG FsRtlIsPagingFile(PFILE_OBJECT FileObject);
