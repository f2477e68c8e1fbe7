/* SPDX-License-Identifier: MIT */
/*
 * The program of a process, as a module beside the kernel's: unwind data, names and lines of
 * ring 3. It is looked for when a walk comes to a user address that is in no module; the one of
 * another process goes then. Its headers say which build it is. They are paged out as a rule, but
 * the kernel contains the program (kernel/io/client_image.S). The rest is read from its file where
 * that is found, else from the process.
 */
#include <string.h>

#include "host/debugger/debug_module.h"
#include "lib/pe_bytes.h"

#define PROCESS "nt!_EPROCESS"
#define USER_SPACE_END 0x800000000000ull
#define HEADER_BYTES 0x400u
#define IMAGE_NAME_BYTES 15u
#define KERNEL_COPY "nt!IopClientImage"

/* From hostile bytes. */
static bool UserReadHeader(const uint8_t Header[HEADER_BYTES], DEBUG_MODULE *Module)
{
    uint32_t At = PeRead32(Header, offsetof(IMAGE_DOS_HEADER, e_lfanew));
    IMAGE_NT_HEADERS64 Nt;

    if (At > HEADER_BYTES - sizeof(Nt)) {
        return false;
    }
    memcpy(&Nt, Header + At, sizeof(Nt));
    if (Nt.Signature != IMAGE_NT_SIGNATURE) {
        return false;
    }
    if (Nt.OptionalHeader.ImageBase != Module->Base) {
        return false; /* it is never relocated: another program */
    }
    Module->TimeDateStamp = Nt.FileHeader.TimeDateStamp;
    Module->Size = Nt.OptionalHeader.SizeOfImage;
    return Module->Size != 0 && Module->Size <= PE_MAX_IMAGE_SIZE;
}

static bool UserHeaderBytes(DEBUGGER *Debugger, uint64_t Base, uint8_t Header[HEADER_BYTES])
{
    uint64_t Copy;
    return DebugReadSome(Debugger, Base, Header, HEADER_BYTES) == HEADER_BYTES ||
           (DebugSymbolAddress(Debugger, KERNEL_COPY, strlen(KERNEL_COPY), &Copy) &&
            DebugReadSome(Debugger, Copy, Header, HEADER_BYTES) == HEADER_BYTES);
}

/* What the loader's row of a kernel module would have. */
static bool UserModuleRead(DEBUGGER *Debugger, uint64_t Process, DEBUG_MODULE *Module)
{
    uint8_t Header[HEADER_BYTES];
    uint64_t Name, Size;

    if (!DebugReadField(Debugger, Process, PROCESS, "SectionBaseAddress", &Module->Base) ||
        Module->Base == 0 || Module->Base >= USER_SPACE_END ||
        !UserHeaderBytes(Debugger, Module->Base, Header) ||
        !UserReadHeader(Header, Module)) {
        return false;
    }
    return DebugFieldOffset(Debugger, PROCESS, "ImageFileName", &Name, &Size) &&
           DebugReadSome(Debugger, Process + Name, Module->ImageName, IMAGE_NAME_BYTES) ==
               IMAGE_NAME_BYTES &&
           Module->ImageName[0] != 0;
}

DEBUG_MODULE *DebugFindUserModule(DEBUGGER *Debugger, uint64_t Address)
{
    DEBUG_MODULE Module = {0};
    uint64_t Process;

    if (Address >= USER_SPACE_END || !DebugCurrentProcess(Debugger, &Process) ||
        !UserModuleRead(Debugger, Process, &Module) || Address < Module.Base ||
        Address - Module.Base >= Module.Size) {
        return NULL;
    }
    return DebugSetUserModule(Debugger, &Module);
}
