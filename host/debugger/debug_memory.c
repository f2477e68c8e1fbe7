/* SPDX-License-Identifier: MIT */
/* Virtual memory as the commands see it; so far what the target itself reads. */
#include "host/debugger/debugger.h"

#include <string.h>

bool DebugRead(DEBUGGER *Debugger, uint64_t Address, void *Out, size_t Size)
{
    return TargetRead(Debugger->Target, Address, Out, Size);
}

size_t DebugReadSome(DEBUGGER *Debugger, uint64_t Address, void *Out, size_t Size)
{
    size_t Total = 0, Done = 1;
    while (Total < Size && Done != 0) {
        TARGET *Target = Debugger->Target;
        Done = 0;
        if (!Target->Operations->ReadVirtual(Target, Address + Total, (uint8_t *)Out + Total,
                                             Size - Total, &Done)) {
            break;
        }
        Total += Done;
    }
    return Total;
}

bool DebugWrite(DEBUGGER *Debugger, uint64_t Address, const void *In, size_t Size)
{
    return TargetWrite(Debugger->Target, Address, In, Size);
}

bool DebugReadSized(DEBUGGER *Debugger, uint64_t Address, unsigned Size, uint64_t *Value)
{
    *Value = 0;
    return Size <= sizeof(*Value) && DebugRead(Debugger, Address, Value, Size);
}

bool DebugRead64(DEBUGGER *Debugger, uint64_t Address, uint64_t *Value)
{
    return DebugReadSized(Debugger, Address, 8, Value);
}

bool DebugRead32(DEBUGGER *Debugger, uint64_t Address, uint32_t *Value)
{
    return DebugRead(Debugger, Address, Value, sizeof(*Value));
}
