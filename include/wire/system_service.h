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
#define SERVICE_NtContinue 1
#define SERVICE_NtCreateEvent 2
#define SERVICE_NtCreateFile 3
#define SERVICE_NtDeviceIoControlFile 4
#define SERVICE_NtFsControlFile 5
#define SERVICE_NtNextClientRequest 6
#define SERVICE_NtOpenFile 7
#define SERVICE_NtOpenProcessToken 8
#define SERVICE_NtOpenProcessTokenEx 9
#define SERVICE_NtOpenThreadToken 10
#define SERVICE_NtOpenThreadTokenEx 11
#define SERVICE_NtQueryInformationFile 12
#define SERVICE_NtQueryInformationToken 13
#define SERVICE_NtQuerySecurityObject 14
#define SERVICE_NtReadFile 15
#define SERVICE_NtSetEvent 16
#define SERVICE_NtSetInformationFile 17
#define SERVICE_NtSetSecurityObject 18
#define SERVICE_NtTerminateProcess 19
#define SERVICE_NtTerminateThread 20
#define SERVICE_NtTestAlert 21
#define SERVICE_NtWaitForSingleObject 22
#define SERVICE_NtWriteFile 23
#define SERVICE_COUNT 24

/* X(name, count of arguments) */
#define SYSTEM_SERVICES(X)        \
    X(NtClose, 1)                 \
    X(NtContinue, 2)              \
    X(NtCreateEvent, 5)           \
    X(NtCreateFile, 11)           \
    X(NtDeviceIoControlFile, 10)  \
    X(NtFsControlFile, 10)        \
    X(NtNextClientRequest, 1)     \
    X(NtOpenFile, 6)              \
    X(NtOpenProcessToken, 3)      \
    X(NtOpenProcessTokenEx, 4)    \
    X(NtOpenThreadToken, 4)       \
    X(NtOpenThreadTokenEx, 5)     \
    X(NtQueryInformationFile, 5)  \
    X(NtQueryInformationToken, 5) \
    X(NtQuerySecurityObject, 5)   \
    X(NtReadFile, 9)              \
    X(NtSetEvent, 2)              \
    X(NtSetInformationFile, 5)    \
    X(NtSetSecurityObject, 3)     \
    X(NtTerminateProcess, 2)      \
    X(NtTerminateThread, 2)       \
    X(NtTestAlert, 0)             \
    X(NtWaitForSingleObject, 3)   \
    X(NtWriteFile, 9)
