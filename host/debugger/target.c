/* SPDX-License-Identifier: MIT */
/* Reads and writes of any size over the operations of a target, which may do less at a time. */
#include "host/debugger/target.h"

#include <stdio.h>

static bool TargetFail(TARGET *Target, const char *What, uint64_t Address)
{
    if (Target->Error[0] == 0) {
        snprintf(Target->Error, sizeof(Target->Error), "memory at %08x`%08x cannot be %s",
                 (unsigned)(Address >> 32), (unsigned)Address, What);
    }
    return false;
}

bool TargetRead(TARGET *Target, uint64_t Address, void *Out, size_t Size)
{
    uint8_t *Bytes = Out;
    Target->Error[0] = 0;
    while (Size != 0) {
        size_t Done = 0;
        if (!Target->Operations->ReadVirtual(Target, Address, Bytes, Size, &Done) || Done == 0 ||
            Done > Size) {
            return TargetFail(Target, "read", Address);
        }
        Address += Done;
        Bytes += Done;
        Size -= Done;
    }
    return true;
}

bool TargetWrite(TARGET *Target, uint64_t Address, const void *In, size_t Size)
{
    const uint8_t *Bytes = In;
    Target->Error[0] = 0;
    if (!TargetCan(Target, WriteVirtual)) {
        return TargetFail(Target, "written: this target cannot be changed", Address);
    }
    while (Size != 0) {
        size_t Done = 0;
        if (!Target->Operations->WriteVirtual(Target, Address, Bytes, Size, &Done) || Done == 0 ||
            Done > Size) {
            return TargetFail(Target, "written", Address);
        }
        Address += Done;
        Bytes += Done;
        Size -= Done;
    }
    return true;
}

bool TargetRead64(TARGET *Target, uint64_t Address, uint64_t *Value)
{
    return TargetRead(Target, Address, Value, sizeof(*Value));
}

bool TargetRead32(TARGET *Target, uint64_t Address, uint32_t *Value)
{
    return TargetRead(Target, Address, Value, sizeof(*Value));
}
