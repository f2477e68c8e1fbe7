/* SPDX-License-Identifier: MIT */
/* sources: kernel/hal/pci_assign.c */
/*
 * A PCI bus whose every answer libFuzzer makes, whatever was written before. What is given out must
 * lie in the window, aligned, and nothing twice.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hal/pci_assign.h"

#define WINDOW 0xc0000000ull
#define WINDOW_SIZE 0x20000000ull
#define FIRST_LINE 12

static const uint8_t *Answers;
static size_t AnswersLeft;

static void Require(int Condition)
{
    if (!Condition) {
        abort();
    }
}

static ULONG Read(PHAL_PCI_BUS Bus, ULONG Function, ULONG Register)
{
    ULONG Value = MAXULONG;
    size_t Size = AnswersLeft < sizeof(Value) ? AnswersLeft : sizeof(Value);
    Require(Function < 256 && Register < 256 && Register % 4 == 0);
    memcpy(&Value, Answers, Size);
    Answers += Size;
    AnswersLeft -= Size;
    return Value;
}

static VOID Write(PHAL_PCI_BUS Bus, ULONG Function, ULONG Register, ULONG Value)
{
    Require(Function < 256 && Register < 256 && Register % 4 == 0);
}

/* Ranges are given out in ascending order. */
static uint64_t CheckRange(const HAL_PCI_RANGE *Range, uint64_t Free)
{
    Require((Range->Size & (Range->Size - 1)) == 0);
    if (Range->Address == 0) {
        return Free;
    }
    Require(Range->Size != 0 && Range->Address % Range->Size == 0);
    Require(Range->Address % PAGE_SIZE == 0 && Range->Address >= Free);
    Require(Range->Size <= WINDOW + WINDOW_SIZE - Range->Address);
    return Range->Address + Range->Size;
}

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    HAL_PCI_FUNCTION Functions[HAL_PCI_FUNCTIONS];
    HAL_PCI_BUS Bus = {Read, Write, WINDOW, WINDOW + WINDOW_SIZE, FIRST_LINE};
    uint64_t Free = WINDOW;
    Answers = Data;
    AnswersLeft = Size;
    ULONG Count = HalAssignPciBus(&Bus, Functions, HAL_PCI_FUNCTIONS);
    Require(Count <= HAL_PCI_FUNCTIONS);
    for (ULONG Index = 0; Index < Count; Index++) {
        Require(Index == 0 || Functions[Index].Number > Functions[Index - 1].Number);
        Require(Functions[Index].Line == 0 ||
                (ULONG)Functions[Index].Line - FIRST_LINE < HAL_PCI_LINES);
        for (ULONG Range = 0; Range < PCI_TYPE0_ADDRESSES; Range++) {
            Free = CheckRange(&Functions[Index].Range[Range], Free);
        }
    }
    return 0;
}
