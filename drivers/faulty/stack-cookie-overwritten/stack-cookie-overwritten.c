/* SPDX-License-Identifier: MIT */
/*
 * As drivers/correct/security-cookie, but for one check that is missing: a long request writes
 * over the guard of the return address. See README.md.
 */
#include <ntddk.h>
#include <pe.h>

#define DEFAULT_SECURITY_COOKIE 0x00002b992ddfa232ull
#define FAST_FAIL_STACK_COOKIE_CHECK_FAILURE 2

#define IOCTL_COOKIE_ECHO CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

ULONG64 __security_cookie = DEFAULT_SECURITY_COOKIE;

/* As the compiler calls it before each return of a guarded routine. */
VOID __security_check_cookie(ULONG64 Cookie)
{
    if (Cookie != __security_cookie || Cookie >> 48 != 0) {
        __asm__ volatile("int $0x29" : : "c"(FAST_FAIL_STACK_COOKIE_CHECK_FAILURE));
    }
}

static VOID GuardCheckNothing(VOID)
{
}

/* What the linker's own library would have: no table of valid targets, so nothing is checked. */
static VOID (*GuardCheck)(VOID) = GuardCheckNothing;

const IMAGE_LOAD_CONFIG_DIRECTORY64 _load_config_used = {
    .Size = sizeof(IMAGE_LOAD_CONFIG_DIRECTORY64),
    .SecurityCookie = (ULONG64)&__security_cookie,
    .GuardCFCheckFunctionPointer = (ULONG64)&GuardCheck,
};

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD CookieUnload;
DRIVER_DISPATCH CookieCreateClose, CookieDeviceControl;
NTSTATUS CookieTurn(PUCHAR Bytes, ULONG Length);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, CookieUnload)
#pragma alloc_text(PAGE, CookieCreateClose)
#pragma alloc_text(PAGE, CookieDeviceControl)
#pragma alloc_text(PAGE, CookieTurn)

static NTSTATUS CookieComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS CookieCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return CookieComplete(Irp, STATUS_SUCCESS, 0);
}

/* Turns the bytes round by way of the stack, whose guard is checked in a pageable section. */
NTSTATUS CookieTurn(PUCHAR Bytes, ULONG Length)
{
    UCHAR Copy[32];
    for (volatile ULONG i = 0; i < Length; i++) {
        Copy[i] = Bytes[i]; /* the mistake: Length was not checked */
    }
    for (volatile ULONG i = 0; i < Length; i++) {
        Bytes[i] = Copy[Length - 1 - i];
    }
    return STATUS_SUCCESS;
}

NTSTATUS CookieDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Length = Stack->Parameters.DeviceIoControl.InputBufferLength;
    NTSTATUS Status = STATUS_INVALID_DEVICE_REQUEST;
    GuardCheck();
    if (Stack->Parameters.DeviceIoControl.IoControlCode == IOCTL_COOKIE_ECHO &&
        Length <= Stack->Parameters.DeviceIoControl.OutputBufferLength) {
        Status = CookieTurn(Irp->AssociatedIrp.SystemBuffer, Length);
    }
    return CookieComplete(Irp, Status, NT_SUCCESS(Status) ? Length : 0);
}

VOID CookieUnload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;

    if (__security_cookie == DEFAULT_SECURITY_COOKIE || __security_cookie == 0 ||
        __security_cookie >> 48 != 0) {
        DbgPrint("stack-cookie-overwritten: the loader left %016I64x\n", __security_cookie);
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    RtlInitUnicodeString(&Name, L"\\Device\\StackCookie");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = CookieCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = CookieCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = CookieDeviceControl;
    DriverObject->DriverUnload = CookieUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
