/* SPDX-License-Identifier: MIT */
/* Asks the user of the kernel debugger something. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD PromptUnload;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, PromptUnload)

VOID PromptUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    CHAR Answer[16];
    ULONG Length = DbgPrompt("debugger-prompt: which colour? ", Answer, sizeof(Answer));
    DbgPrint("debugger-prompt: %u bytes: %.*s\n", Length, (int)Length, Answer);
    DriverObject->DriverUnload = PromptUnload;
    return STATUS_SUCCESS;
}
