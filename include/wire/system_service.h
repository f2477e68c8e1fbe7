/* SPDX-License-Identifier: MIT */
/*
 * The numbers of system services, between user mode (user/) and the kernel
 * (kernel/ke/system_service_table.c). They are this kernel's own: Windows' differ from build to
 * build, and programs leave them to ntdll. Assembly includes this too.
 *
 * A call: the number in eax, the first argument in r10, the others as for any function, `syscall`.
 * All registers but rax come back unchanged.
 */
#pragma once

#define SERVICE_NtClose 0
#define SERVICE_NtCreateEvent 1
#define SERVICE_NtCreateFile 2
#define SERVICE_NtDeviceIoControlFile 3
#define SERVICE_NtOpenFile 4
#define SERVICE_NtReadFile 5
#define SERVICE_NtSetEvent 6
#define SERVICE_NtTerminateProcess 7
#define SERVICE_NtTerminateThread 8
#define SERVICE_NtWaitForSingleObject 9
#define SERVICE_NtWriteFile 10
#define SERVICE_COUNT 11

/* X(name, count of arguments) */
#define SYSTEM_SERVICES(X)        \
    X(NtClose, 1)                 \
    X(NtCreateEvent, 5)           \
    X(NtCreateFile, 11)           \
    X(NtDeviceIoControlFile, 10)  \
    X(NtOpenFile, 6)              \
    X(NtReadFile, 9)              \
    X(NtSetEvent, 2)              \
    X(NtTerminateProcess, 2)      \
    X(NtTerminateThread, 2)       \
    X(NtWaitForSingleObject, 3)   \
    X(NtWriteFile, 9)
