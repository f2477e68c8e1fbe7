/* SPDX-License-Identifier: MIT */
/* sources: kernel/hal/pci_assign.c */
/* A bus of fake functions, some of which lie about what they have. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "hal/pci_assign.h"

#define WINDOW 0xc0000000ull
#define WINDOW_SIZE 0x1000000ull
#define FIRST_LINE 12

#define COMMAND 1 /* indexes of registers */
#define HEADER 3
#define BASE 4
#define INTERRUPT 15

/* Bits that can be written are those of Writable; what is read is never anything else. */
typedef struct {
    ULONG Value[64], Writable[64];
} FAKE_FUNCTION;

static struct {
    HAL_PCI_BUS Bus;
    FAKE_FUNCTION *Function[256];
    ULONG DecodedWhileProbed; /* writes of base addresses with decoding on */
    ULONG StatusCleared;      /* writes of ones to the status register */
} Fake;

static ULONG FakeRead(PHAL_PCI_BUS Bus, ULONG Function, ULONG Register)
{
    assert_true(Function < 256 && Register % 4 == 0 && Register < 256);
    const FAKE_FUNCTION *From = Fake.Function[Function];
    return From == NULL ? MAXULONG : From->Value[Register / 4];
}

static VOID FakeWrite(PHAL_PCI_BUS Bus, ULONG Function, ULONG Register, ULONG Value)
{
    assert_true(Function < 256 && Register % 4 == 0 && Register < 256);
    FAKE_FUNCTION *To = Fake.Function[Function];
    assert_non_null(To);
    ULONG Index = Register / 4;
    Fake.StatusCleared += Index == COMMAND && Value >> 16 != 0;
    Fake.DecodedWhileProbed += Index >= BASE && Index < BASE + 6 && (To->Value[COMMAND] & 3) != 0;
    To->Value[Index] = (To->Value[Index] & ~To->Writable[Index]) | (Value & To->Writable[Index]);
}

static int Setup(void **State)
{
    memset(&Fake, 0, sizeof(Fake));
    Fake.Bus = (HAL_PCI_BUS){FakeRead, FakeWrite, WINDOW, WINDOW + WINDOW_SIZE, FIRST_LINE};
    return 0;
}

static int Check(void **State)
{
    assert_int_equal(Fake.DecodedWhileProbed, 0);
    assert_int_equal(Fake.StatusCleared, 0);
    return 0;
}

/* A function with an interrupt pin (0: none) and no memory. */
static void Put(FAKE_FUNCTION *Function, ULONG Number, ULONG Pin)
{
    memset(Function, 0, sizeof(*Function));
    Function->Value[0] = 0x56781234;
    Function->Value[COMMAND] = 0xffff0003; /* status bits set, decoding on */
    Function->Writable[COMMAND] = 0x407;
    Function->Value[INTERRUPT] = Pin << 8;
    Function->Writable[INTERRUPT] = 0xff;
    Fake.Function[Number] = Function;
}

static void Memory(FAKE_FUNCTION *Function, ULONG Index, ULONG Size, ULONG Type)
{
    Function->Value[BASE + Index] = Type;
    Function->Writable[BASE + Index] = ~(Size - 1) & ~15u;
}

static ULONG Assign(HAL_PCI_FUNCTION *Functions)
{
    return HalAssignPciBus(&Fake.Bus, Functions, HAL_PCI_FUNCTIONS);
}

static void AnEmptyBusHasNothing(void **State)
{
    HAL_PCI_FUNCTION Functions[HAL_PCI_FUNCTIONS];
    assert_int_equal(Assign(Functions), 0);
}

static void MemoryGetsAlignedAddressesThatDoNotOverlap(void **State)
{
    HAL_PCI_FUNCTION Functions[HAL_PCI_FUNCTIONS];
    FAKE_FUNCTION One, Two;
    Put(&One, 1 << 3, 1);
    Memory(&One, 0, 0x100, 0); /* less than a page */
    Memory(&One, 1, 0x100000, PCI_ADDRESS_MEMORY_PREFETCHABLE);
    Put(&Two, 2 << 3, 1);
    Memory(&Two, 5, 0x10, 0);
    assert_int_equal(Assign(Functions), 2);
    assert_int_equal(Functions[0].Number, 8);
    assert_int_equal(Functions[0].VendorId, 0x1234);
    assert_int_equal(Functions[0].DeviceId, 0x5678);
    assert_true(Functions[0].Enabled);
    assert_int_equal(Functions[0].Range[0].Size, 0x100);
    assert_int_equal(Functions[0].Range[0].Address, WINDOW);
    assert_int_equal(Functions[0].Range[1].Address, WINDOW + 0x100000);
    assert_int_equal(Functions[1].Range[5].Address, WINDOW + 0x200000);
    assert_int_equal(One.Value[BASE], WINDOW);
    assert_int_equal(One.Value[BASE + 1], (WINDOW + 0x100000) | PCI_ADDRESS_MEMORY_PREFETCHABLE);
    assert_int_equal(One.Value[COMMAND] & 7, PCI_ENABLE_MEMORY_SPACE);
    assert_int_equal(Two.Value[BASE + 5], WINDOW + 0x200000);
}

static void SixtyFourBitMemoryTakesTwoRegisters(void **State)
{
    HAL_PCI_FUNCTION Functions[HAL_PCI_FUNCTIONS];
    FAKE_FUNCTION One;
    Put(&One, 3 << 3, 0);
    Memory(&One, 2, 0x4000, PCI_TYPE_64BIT);
    One.Writable[BASE + 3] = MAXULONG;
    Memory(&One, 4, 0x1000, 0);
    assert_int_equal(Assign(Functions), 1);
    assert_int_equal(Functions[0].Range[2].Size, 0x4000);
    assert_int_equal(Functions[0].Range[2].Address, WINDOW);
    assert_int_equal(Functions[0].Range[3].Size, 0);
    assert_int_equal(Functions[0].Range[4].Address, WINDOW + 0x4000);
    assert_int_equal(One.Value[BASE + 2], WINDOW | PCI_TYPE_64BIT);
    assert_int_equal(One.Value[BASE + 3], 0);
    assert_true(Functions[0].Enabled);
}

static void MemoryThatDoesNotFitStaysOff(void **State)
{
    HAL_PCI_FUNCTION Functions[HAL_PCI_FUNCTIONS];
    FAKE_FUNCTION One, Two, Three;
    Put(&One, 0, 0);
    Memory(&One, 0, WINDOW_SIZE * 2, 0);
    Memory(&One, 1, 0x1000, 0);
    Put(&Two, 1 << 3, 0); /* 2^63 bytes */
    Memory(&Two, 0, 0x80000000, PCI_TYPE_64BIT);
    Two.Writable[BASE] = 0;
    Two.Writable[BASE + 1] = 0x80000000;
    Put(&Three, 2 << 3, 0);
    Memory(&Three, 0, WINDOW_SIZE / 2, 0); /* there is room for it behind the rest */
    assert_int_equal(Assign(Functions), 3);
    assert_int_equal(Functions[0].Range[0].Size, WINDOW_SIZE * 2);
    assert_int_equal(Functions[0].Range[0].Address, 0);
    assert_false(Functions[0].Enabled);
    assert_int_equal(One.Value[COMMAND] & 3, 0);
    assert_int_equal(One.Value[BASE], 0);
    assert_int_equal(Functions[1].Range[0].Size, 1ull << 63);
    assert_false(Functions[1].Enabled);
    assert_true(Functions[2].Enabled);
    assert_int_equal(Functions[2].Range[0].Address, WINDOW + WINDOW_SIZE / 2);
}

static void TheWholeWindowCanBeGivenOut(void **State)
{
    HAL_PCI_FUNCTION Functions[HAL_PCI_FUNCTIONS];
    FAKE_FUNCTION One;
    Put(&One, 0, 0);
    Memory(&One, 0, WINDOW_SIZE, 0);
    Memory(&One, 1, 0x1000, 0);
    assert_int_equal(Assign(Functions), 1);
    assert_int_equal(Functions[0].Range[0].Address, WINDOW);
    assert_int_equal(Functions[0].Range[1].Address, 0);
    assert_false(Functions[0].Enabled);
}

static void ImpossibleRegistersAreNoMemory(void **State)
{
    HAL_PCI_FUNCTION Functions[HAL_PCI_FUNCTIONS];
    FAKE_FUNCTION One;
    Put(&One, 0, 5);                       /* a fifth interrupt pin */
    One.Writable[BASE] = 0xff0ff000;       /* a hole in the mask */
    One.Value[BASE + 1] = 1;               /* ports */
    One.Writable[BASE + 1] = 0xfffffff0;
    Memory(&One, 2, 0x1000, PCI_TYPE_20BIT);
    Memory(&One, 3, 0x1000, PCI_TYPE_20BIT | PCI_TYPE_64BIT);
    One.Value[BASE + 4] = MAXULONG;        /* stays all ones */
    Memory(&One, 5, 0x1000, PCI_TYPE_64BIT); /* the second register would be beyond the last */
    assert_int_equal(Assign(Functions), 1);
    for (ULONG Index = 0; Index < PCI_TYPE0_ADDRESSES; Index++) {
        assert_int_equal(Functions[0].Range[Index].Size, 0);
    }
    assert_int_equal(Functions[0].Line, 0);
    assert_false(Functions[0].Enabled);
    assert_int_equal(Fake.Bus.Next, WINDOW);
}

static void LinesGoRoundByDeviceAndPin(void **State)
{
    HAL_PCI_FUNCTION Functions[HAL_PCI_FUNCTIONS];
    static FAKE_FUNCTION All[8];
    static const UCHAR Lines[8] = {12, 14, 12, 14, 12, 14, 12, 14};
    for (ULONG Index = 0; Index < 8; Index++) {
        Put(&All[Index], Index << 3, Index % 4 + 1);
        All[Index].Value[INTERRUPT] |= 0x12340000;
    }
    assert_int_equal(Assign(Functions), 8);
    for (ULONG Index = 0; Index < 8; Index++) {
        assert_int_equal(Functions[Index].Line, Lines[Index]);
        assert_int_equal(All[Index].Value[INTERRUPT],
                         0x12340000 | (Index % 4 + 1) << 8 | Lines[Index]);
    }
}

static void FunctionsBeyondTheFirstAreAskedForOnlyWhenThereAreAny(void **State)
{
    HAL_PCI_FUNCTION Functions[HAL_PCI_FUNCTIONS];
    FAKE_FUNCTION Single, Multiple, Last;
    Put(&Single, 1 << 3, 0);
    Fake.Function[1 << 3 | 1] = &Single; /* the same again, as some devices answer */
    Put(&Multiple, 2 << 3, 0);
    Multiple.Value[HEADER] = PCI_MULTIFUNCTION << 16;
    Put(&Last, 2 << 3 | 7, 0);
    Fake.Function[3 << 3 | 4] = &Last; /* without a function 0 */
    assert_int_equal(Assign(Functions), 3);
    assert_int_equal(Functions[0].Number, 1 << 3);
    assert_int_equal(Functions[1].Number, 2 << 3);
    assert_int_equal(Functions[2].Number, 2 << 3 | 7);
}

static void BridgesAreLeftAlone(void **State)
{
    HAL_PCI_FUNCTION Functions[HAL_PCI_FUNCTIONS];
    FAKE_FUNCTION Bridge, Before;
    Put(&Bridge, 1 << 3, 1);
    Bridge.Value[HEADER] = PCI_BRIDGE_TYPE << 16;
    Memory(&Bridge, 0, 0x1000, 0);
    Before = Bridge;
    assert_int_equal(Assign(Functions), 1);
    assert_memory_equal(&Bridge, &Before, sizeof(Bridge));
    assert_int_equal(Functions[0].Line, 0);
}

static void AFullBusIsBounded(void **State)
{
    HAL_PCI_FUNCTION Functions[5];
    FAKE_FUNCTION Everywhere;
    Put(&Everywhere, 0, 1);
    Everywhere.Value[HEADER] = PCI_MULTIFUNCTION << 16;
    for (ULONG Index = 0; Index < 256; Index++) {
        Fake.Function[Index] = &Everywhere;
    }
    memset(Functions, 0xee, sizeof(Functions));
    assert_int_equal(HalAssignPciBus(&Fake.Bus, Functions, 4), 4);
    assert_int_equal(Functions[3].Number, 3);
    assert_int_equal(Functions[4].Number, 0xee);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, Setup, Check)

int main(void)
{
    const struct CMUnitTest Tests[] = {
        TEST(AnEmptyBusHasNothing),
        TEST(MemoryGetsAlignedAddressesThatDoNotOverlap),
        TEST(SixtyFourBitMemoryTakesTwoRegisters),
        TEST(MemoryThatDoesNotFitStaysOff),
        TEST(TheWholeWindowCanBeGivenOut),
        TEST(ImpossibleRegistersAreNoMemory),
        TEST(LinesGoRoundByDeviceAndPin),
        TEST(FunctionsBeyondTheFirstAreAskedForOnlyWhenThereAreAny),
        TEST(BridgesAreLeftAlone),
        TEST(AFullBusIsBounded),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
