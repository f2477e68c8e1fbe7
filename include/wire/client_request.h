/* SPDX-License-Identifier: MIT */
/*
 * A request of the host on its way through the client process: the kernel's NtNextClientRequest
 * (kernel/io/control_client.c) writes one into the program's memory (user/client.c), the program
 * does it by a system call and hands the results back with its next call. The kernel believes none
 * of it.
 */
#pragma once

#include "nt/io.h"

typedef enum _CLIENT_REQUEST_TYPE {
    ClientRequestOpen = 1, /* Path, Access; result: File */
    ClientRequestClose,    /* File */
    ClientRequestControl,  /* File, Code, Input, Output */
    ClientRequestRead,     /* File, Offset, Output */
    ClientRequestWrite,    /* File, Offset, Output */
} CLIENT_REQUEST_TYPE;

/* All addresses are the program's. */
typedef struct _CLIENT_REQUEST {
    ULONG Type; /* CLIENT_REQUEST_TYPE */
    BOOLEAN Overlapped; /* open: the file is; others: File is, so that the service may not wait */
    ULONG Access;
    ULONG Code;
    ULONG InputLength;
    ULONG OutputLength;
    NTSTATUS Status; /* result: what the service returned */
    PVOID Input;
    PVOID Output;
    LARGE_INTEGER Offset;
    UNICODE_STRING Path;
    HANDLE File;
    HANDLE Event; /* the program's own, of an overlapped request */
    IO_STATUS_BLOCK IoStatus; /* result */
} CLIENT_REQUEST, *PCLIENT_REQUEST;

/*
 * Hands back the last request, if there was one, and waits for the next. An overlapped request
 * handed back with STATUS_PENDING is not done: STATUS_PENDING again, Request is as it was, and the
 * program is to call once more when IoStatus has been written. Only a thread that the control agent
 * has made may call it; others get STATUS_INVALID_DEVICE_REQUEST.
 */
NTSTATUS NtNextClientRequest(PCLIENT_REQUEST Request);
