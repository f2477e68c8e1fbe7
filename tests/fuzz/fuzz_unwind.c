/* SPDX-License-Identifier: MIT */
/* sources: lib/unwind_data.c lib/unwind_epilogue.c lib/unwind_frame.c */
/*
 * An image and a stack of what libFuzzer makes, walked as the debugger walks: every read is checked
 * against what the walk was told it may read. The first bytes are registers; a third of the rest is
 * the stack.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/unwind.h"

#define BASE 0xfffff88200000000ull
#define STACK 0xfffff9ff80000000ull
#define MAX_STEPS 1000u

static const uint8_t *ImageBytes, *StackBytes;
static size_t ImageSize, StackSize;

static PVOID FuzzImage(const UNWIND_IMAGE *Image, ULONG Rva, SIZE_T Size)
{
    if (Rva > ImageSize || Size > ImageSize - Rva) {
        abort(); /* it promised to stay inside */
    }
    return (PVOID)(ImageBytes + Rva);
}

static BOOLEAN FuzzStack(const UNWIND_STACK *Stack, ULONG_PTR Address, PULONG64 Value)
{
    if ((Address & 7) != 0 || Address < Stack->Low || Address > Stack->High - 8) {
        abort();
    }
    if (Address < STACK || Address - STACK > StackSize - 8) {
        return FALSE;
    }
    memcpy(Value, StackBytes + (Address - STACK), 8);
    return TRUE;
}

static void Walk(CONTEXT *Context, ULONG TableRva, ULONG TableCount)
{
    const UNWIND_STACK Stack = {STACK, STACK + StackSize, FuzzStack, NULL};

    for (unsigned Step = 0; Step < MAX_STEPS; Step++) {
        UNWIND_FRAME Frame = {.ControlPc = Context->Rip};
        if (Context->Rip - BASE < ImageSize) {
            Frame.Image = (UNWIND_IMAGE){BASE, (ULONG)ImageSize, TableRva, TableCount, FuzzImage,
                                         NULL};
            Frame.Function = UnwindFindFunction(&Frame.Image, Context->Rip);
        }
        if (!UnwindFrame(Context, &Stack, UNW_FLAG_EHANDLER, (Step & 1) != 0, &Frame, NULL)) {
            break;
        }
        if (Frame.Handler != NULL && (uint64_t)Frame.Handler - BASE >= ImageSize) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    CONTEXT Context;

    if (Size < 64) {
        return 0;
    }
    memset(&Context, 0, sizeof(Context));
    Context.Rip = BASE + Data[0] + 256u * (Data[1] & 15);
    Context.Rsp = STACK + 8u * Data[2];
    for (unsigned i = 0; i < 12; i++) { /* small offsets into the stack for the other registers */
        (&Context.Rax)[i + (i >= 4)] = STACK + 8u * Data[3 + i];
    }
    ULONG TableRva = 4u * Data[16], TableCount = Data[17];
    size_t Left = Size - 18;
    StackSize = Left / 3 & ~(size_t)7;
    ImageSize = Left - StackSize;
    if (StackSize < 8) {
        return 0;
    }
    uint8_t *Stack = malloc(StackSize), *Image = malloc(ImageSize);
    memcpy(Stack, Data + 18, StackSize);
    memcpy(Image, Data + 18 + StackSize, ImageSize);
    for (size_t i = 0; i + 8 <= StackSize; i += 8) { /* most of it leads back into image or stack */
        uint64_t Value;
        memcpy(&Value, Stack + i, 8);
        Value = (Value & 0x100000) != 0 ? STACK + (Value & 0xff8) : BASE + (Value & 0xfff);
        if (Stack[i + 7] != 0xff) {
            memcpy(Stack + i, &Value, 8);
        }
    }
    StackBytes = Stack;
    ImageBytes = Image;
    Walk(&Context, TableRva, TableCount);
    free(Stack);
    free(Image);
    return 0;
}
