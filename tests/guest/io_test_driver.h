/* SPDX-License-Identifier: MIT */
/*
 * A driver inside the test kernel: \Device\IoTest. What its dispatch routine does with a request
 * is set by the test.
 */
#pragma once

#include "io/iop.h"
#include "test_thread.h"

#define IO_TEST_DEVICE L"\\Device\\IoTest"

typedef struct _IO_TEST_DRIVER {
    PDRIVER_OBJECT Driver;
    PDEVICE_OBJECT Device;
    NTSTATUS (*Handle)(PDEVICE_OBJECT Device, PIRP Irp); /* all but create, cleanup, close */
    NTSTATUS CreateStatus;
    ULONG Creates, Cleanups, Closes;
    ULONG Findings;
    ULONG LastFinding;
    WCHAR FileName[32]; /* of the last create */
} IO_TEST_DRIVER;

extern IO_TEST_DRIVER IoTest;

/* FALSE: the test has failed already. ExtraFlags: DO_BUFFERED_IO, ... */
BOOLEAN IoTestLoad(ULONG ExtraFlags, BOOLEAN Exclusive);
VOID IoTestUnload(VOID);
NTSTATUS IoTestComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information);
