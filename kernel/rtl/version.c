/* SPDX-License-Identifier: MIT */
/* The version we say we are: Windows 10 1903, whose structures the kernel has. */
#include "rtlp.h"

/* PASSIVE_LEVEL. Fills the larger form when the size field says so; else the smaller. */
NTSTATUS RtlGetVersion(PRTL_OSVERSIONINFOW VersionInformation)
{
    VersionInformation->dwMajorVersion = 10;
    VersionInformation->dwMinorVersion = 0;
    VersionInformation->dwBuildNumber = RTL_BUILD_NUMBER;
    VersionInformation->dwPlatformId = VER_PLATFORM_WIN32_NT;
    RtlZeroMemory(VersionInformation->szCSDVersion, sizeof(VersionInformation->szCSDVersion));
    if (VersionInformation->dwOSVersionInfoSize == sizeof(RTL_OSVERSIONINFOEXW)) {
        PRTL_OSVERSIONINFOEXW Extended = (PRTL_OSVERSIONINFOEXW)VersionInformation;
        Extended->wServicePackMajor = 0;
        Extended->wServicePackMinor = 0;
        Extended->wSuiteMask = 0;
        Extended->wProductType = VER_NT_WORKSTATION;
        Extended->wReserved = 0;
    }
    return STATUS_SUCCESS;
}

/* Version is an NTDDI_ constant. */
BOOLEAN RtlIsNtDdiVersionAvailable(ULONG Version)
{
    return Version <= NTDDI_WIN10_19H1;
}
