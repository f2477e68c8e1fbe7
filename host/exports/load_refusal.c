/* SPDX-License-Identifier: MIT */
#include "host/exports/load_refusal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "host/exports/export_table.h"
#include "host/text/text.h"

/* What is imported from one module, over all of its descriptors. */
typedef struct {
    const char *Module;
    uint32_t Imports;
    uint32_t Refused;  /* of these */
    PE_IMPORT First;   /* of the refused ones */
} MODULE_IMPORTS;

/* What documentation calls the modules that drivers import from. */
static const struct {
    const char *Module, *What;
} KnownModules[] = {
    {"battc.sys", "the battery class driver"},
    {"bootvid.dll", "the boot screen"},
    {"bthport.sys", "the Bluetooth port driver"},
    {"ci.dll", "code integrity"},
    {"classpnp.sys", "the storage class library"},
    {"clfs.sys", "the common log file system"},
    {"cng.sys", "the cryptography library, CNG"},
    {"drmk.sys", "audio rights management"},
    {"dxgkrnl.sys", "the DirectX graphics kernel"},
    {"fltmgr.sys", "the filter manager"},
    {"fwpkclnt.sys", "the Windows Filtering Platform"},
    {"hidclass.sys", "the HID class driver"},
    {"hidparse.sys", "the HID report parser"},
    {"ks.sys", "kernel streaming"},
    {"ksecdd.sys", "the security support interface"},
    {"kdcom.dll", "the kernel debugger's line"},
    {"modem.sys", "the modem driver"},
    {"msgpioclx.sys", "the GPIO framework extension"},
    {"msrpc.sys", "remote procedure calls"},
    {"ndis.sys", "the network driver interface, NDIS"},
    {"netio.sys", "the network stack"},
    {"pcmcia.sys", "the PC Card bus driver"},
    {"portcls.sys", "the audio port class driver"},
    {"pshed.dll", "hardware error reporting"},
    {"rndismp.sys", "remote NDIS"},
    {"scsiport.sys", "the SCSI port driver"},
    {"sercx.sys", "the serial framework extension"},
    {"sercx2.sys", "the serial framework extension"},
    {"smclib.sys", "the smart card library"},
    {"spbcx.sys", "the simple peripheral bus framework extension"},
    {"storport.sys", "the storage port driver"},
    {"stream.sys", "the stream class driver"},
    {"tbs.sys", "TPM base services"},
    {"tdi.sys", "the transport driver interface"},
    {"ucx01000.sys", "the USB host controller extension"},
    {"udecx.sys", "the USB device emulation extension"},
    {"urscx01000.sys", "the USB role switch extension"},
    {"usbcamd2.sys", "the USB camera library"},
    {"usbd.sys", "the USB driver library"},
    {"usbport.sys", "the USB port driver"},
    {"videoprt.sys", "the video port driver"},
    {"wdf01000.sys", "the kernel-mode driver framework, KMDF"},
    {"wdfldr.sys", "the kernel-mode driver framework, KMDF"},
    {"win32k.sys", "the window manager"},
    {"wpprecorder.sys", "the trace recorder"},
    {"advapi32.dll", "a DLL of user mode"},
    {"kernel32.dll", "a DLL of user mode"},
    {"msvcrt.dll", "a DLL of user mode"},
    {"ntdll.dll", "a DLL of user mode"},
    {"ucrtbase.dll", "a DLL of user mode"},
    {"user32.dll", "a DLL of user mode"},
    {"vcruntime140.dll", "a DLL of user mode"},
};

/* NULL: not one of these. */
static const char *WhatModuleIs(const char *Module)
{
    for (size_t i = 0; i < sizeof(KnownModules) / sizeof(KnownModules[0]); i++) {
        if (strcasecmp(Module, KnownModules[i].Module) == 0) {
            return KnownModules[i].What;
        }
    }
    return NULL;
}

/*
 * Ordinals say another routine in each version of Windows. Of ntoskrnl.exe names may be missing; of
 * another module all must be there, or the driver would soon end in a call of what is not.
 */
static bool ImportIsRefused(const char *Module, const PE_IMPORT *Import)
{
    return Import->Name == NULL ||
           (!ExportDllIsKernel(Module) && ExportOfImport(Module, Import->Name) == NULL);
}

static void CountDescriptor(MODULE_IMPORTS *Module, const PE_IMAGE *Image,
                            const PE_IMPORT_DLL *Dll)
{
    PE_IMPORT Import;
    PE_ERROR Error;
    for (uint32_t i = 0; PeImageImport(Image, Dll, i, &Import, &Error) == PeStepItem; i++) {
        Module->Imports++;
        if (ImportIsRefused(Dll->Name, &Import)) {
            if (Module->Refused++ == 0) {
                Module->First = Import;
            }
        }
    }
}

/* The imports of the descriptor's module; false when an earlier descriptor had the same. */
static bool CountModule(MODULE_IMPORTS *Module, const PE_IMAGE *Image, uint32_t Descriptor)
{
    PE_IMPORT_DLL Dll;
    PE_ERROR Error;
    for (uint32_t i = 0; PeImageImportDll(Image, i, &Dll, &Error) == PeStepItem; i++) {
        if (strcasecmp(Dll.Name, Module->Module) == 0) {
            if (i < Descriptor) {
                return false;
            }
            CountDescriptor(Module, Image, &Dll);
        }
    }
    return true;
}

static void ModuleText(char *Out, size_t Size, const MODULE_IMPORTS *Module)
{
    char Name[100], First[100], Of[40] = "";
    const char *What = WhatModuleIs(Module->Module);

    TextCleanString(Name, sizeof(Name), Module->Module);
    snprintf(First, sizeof(First), "#%u", Module->First.Ordinal);
    if (Module->First.Name != NULL) {
        TextCleanString(First, sizeof(First), Module->First.Name);
    }
    if (Module->Refused != Module->Imports) {
        snprintf(Of, sizeof(Of), " of %u", Module->Imports);
    }
    if (ExportDllIsKernel(Module->Module)) {
        snprintf(Out, Size,
                 "cannot be loaded: %u%s import%s from %s by ordinal (%s%s), which name no routine "
                 "for sure; docs/compatibility.md",
                 Module->Refused, Of, Module->Imports == 1 ? "" : "s", Name, First,
                 Module->Refused > 1 ? ", ..." : "");
        return;
    }
    snprintf(Out, Size,
             "cannot be loaded: %u%s import%s from %s (%s%s): %s%s; docs/compatibility.md",
             Module->Refused, Of, Module->Imports == 1 ? "" : "s", Name, First,
             Module->Refused > 1 ? ", ..." : "",
             What != NULL ? What : "a module that is not provided",
             What != NULL ? ", out of scope" : "");
}

void LoadRefusals(LOAD_REFUSALS *Out, const PE_IMAGE *Image)
{
    PE_IMPORT_DLL Dll;
    PE_ERROR Error;
    unsigned More = 0;

    Out->Count = 0;
    for (uint32_t i = 0; PeImageImportDll(Image, i, &Dll, &Error) == PeStepItem; i++) {
        MODULE_IMPORTS Module = {.Module = Dll.Name};
        if (!CountModule(&Module, Image, i) || Module.Refused == 0) {
            continue;
        }
        if (Out->Count < LOAD_REFUSALS_MOST) {
            ModuleText(Out->Text[Out->Count++], sizeof(Out->Text[0]), &Module);
        } else {
            More++;
        }
    }
    if (More != 0) {
        char *Last = Out->Text[LOAD_REFUSALS_MOST - 1];
        snprintf(Last, sizeof(Out->Text[0]), "cannot be loaded: imports from %u more modules that "
                 "are not provided", More + 1);
    }
}
