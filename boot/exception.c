/* SPDX-License-Identifier: MIT */
/* Exceptions before the kernel has its own tables: named and ended, instead of a triple fault. */
#include "boot/boot.h"

#define BOOT_EXCEPTIONS 32
#define HAS_ERROR_CODE 0x00227d00u /* vectors 8, 10-14, 17, 21 */
#define CODE_SELECTOR 0x08
#define INTERRUPT_GATE 0x8e00
#define STUB_SIZE 16

typedef struct {
    uint16_t OffsetLow;
    uint16_t Selector;
    uint16_t Type;
    uint16_t OffsetMiddle;
    uint32_t OffsetHigh;
    uint32_t Reserved;
} BOOT_GATE;

static BOOT_GATE Idt[BOOT_EXCEPTIONS];

void BootCatchExceptions(void)
{
    struct {
        uint16_t Limit;
        uint64_t Base;
    } __attribute__((packed)) Pointer = {sizeof(Idt) - 1, (uint64_t)Idt};

    for (uint32_t Vector = 0; Vector < BOOT_EXCEPTIONS; Vector++) {
        uint64_t Stub = (uint64_t)BootExceptionStubs + Vector * STUB_SIZE;
        Idt[Vector] = (BOOT_GATE){.OffsetLow = (uint16_t)Stub,
                                  .Selector = CODE_SELECTOR,
                                  .Type = INTERRUPT_GATE,
                                  .OffsetMiddle = (uint16_t)(Stub >> 16),
                                  .OffsetHigh = (uint32_t)(Stub >> 32)};
    }
    __asm__ volatile("lidt %0" : : "m"(Pointer));
}

/* From start.S. Stack points to the error code, where the vector has one, then rip. */
_Noreturn void BootException(uint32_t Vector, const uint64_t *Stack);
void BootException(uint32_t Vector, const uint64_t *Stack)
{
    uint64_t Address;
    __asm__ volatile("movq %%cr2, %0" : "=r"(Address));
    BootPrint("boot: exception ");
    BootPrintHex(Vector);
    BootPrint(" at ");
    BootPrintHex(Stack[(HAS_ERROR_CODE >> Vector) & 1]);
    BootPrint(", cr2 ");
    BootPrintHex(Address);
    BootPrint("\n");
    BootFail("the boot loader failed", NULL);
}
