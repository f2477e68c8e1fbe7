/* SPDX-License-Identifier: MIT */
#include "host/debugger/memory_view.h"

#include <stdlib.h>
#include <string.h>

#define VIEW_PAGE 0x1000u

bool MemoryViewRead(DEBUGGER *Debugger, uint64_t Address, uint64_t Size, MEMORY_VIEW *View)
{
    *View = (MEMORY_VIEW){.Address = Address};
    if (Size == 0 || Size > MEMORY_VIEW_MAX) {
        return DebuggerError(Debugger, "The range is empty or over 0x%x bytes", MEMORY_VIEW_MAX);
    }
    View->Bytes = calloc(1, Size);
    View->Valid = calloc(Size, sizeof(*View->Valid));
    if (View->Bytes == NULL || View->Valid == NULL) {
        MemoryViewFree(View);
        return DebuggerError(Debugger, "There is not enough memory for that range");
    }
    View->Size = Size;
    for (size_t At = 0; At < Size && !DebuggerInterrupted(Debugger);) {
        size_t Done = DebugReadSome(Debugger, Address + At, View->Bytes + At, Size - At);
        memset(View->Valid + At, true, Done);
        At += Done;
        if (At < Size) { /* the rest of a page that is out */
            At += VIEW_PAGE - (size_t)((Address + At) % VIEW_PAGE);
        }
    }
    return true;
}

void MemoryViewFree(MEMORY_VIEW *View)
{
    free(View->Bytes);
    free(View->Valid);
    *View = (MEMORY_VIEW){0};
}

bool MemoryViewHas(const MEMORY_VIEW *View, size_t At, size_t Size)
{
    if (At > View->Size || Size > View->Size - At) {
        return false;
    }
    for (size_t i = 0; i < Size; i++) {
        if (!View->Valid[At + i]) {
            return false;
        }
    }
    return true;
}

size_t MemoryViewHole(const MEMORY_VIEW *View)
{
    size_t At = 0;
    while (At < View->Size && View->Valid[At]) {
        At++;
    }
    return At;
}
