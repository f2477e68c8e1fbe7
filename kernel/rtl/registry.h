/* SPDX-License-Identifier: MIT */
/* What the registry routines of Rtl share. */
#pragma once

#include "nt/cm.h"
#include "nt/ex.h"
#include "nt/pool.h"
#include "nt/rtl.h"

#define RTLP_REGISTRY_TAG 0x67527452u /* 'RtRg' */

/*
 * A handle for RelativeTo and Path, which RtlpCloseRegistry closes; Create: the last component is
 * made when it is missing, those before it must exist, as with ZwCreateKey.
 * STATUS_INVALID_PARAMETER: RelativeTo names nothing. PASSIVE_LEVEL
 */
NTSTATUS RtlpOpenRegistry(ULONG RelativeTo, PCWSTR Path, ACCESS_MASK Access, BOOLEAN Create,
                          PHANDLE Key);
VOID RtlpCloseRegistry(ULONG RelativeTo, HANDLE Key);
