/* SPDX-License-Identifier: MIT */
/* See fake_debugger.h. */
#include "tests/unit/fake_debugger.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint64_t Address;
    uint8_t *Bytes;
    size_t Size;
} FAKE_REGION;

typedef struct {
    const char *Type, *Field; /* Field NULL: the type's size */
    uint64_t Offset, Size;
    unsigned BitStart, BitCount; /* 0: all of it */
} FAKE_TYPE_ROW;

static FAKE_REGION Virtual[FAKE_ENTRIES], Physical[FAKE_ENTRIES];
static unsigned VirtualCount, PhysicalCount, SymbolCount, TypeCount;
static struct {
    const char *Name;
    uint64_t Address;
} Symbols[FAKE_ENTRIES];
static FAKE_TYPE_ROW Types[FAKE_ENTRIES];
static DEBUGGER *Debugger;
static TARGET Target;
static char *Output;
static size_t OutputSize;
KSPECIAL_REGISTERS FakeSpecial;
uint64_t FakeCurrentThread, FakeCurrentProcess;

static FAKE_REGION *Find(FAKE_REGION *Regions, unsigned Count, uint64_t Address)
{
    for (unsigned i = 0; i < Count; i++) {
        if (Address - Regions[i].Address < Regions[i].Size) {
            return &Regions[i];
        }
    }
    return NULL;
}

static bool Move(FAKE_REGION *Regions, unsigned Count, uint64_t Address, void *Out, const void *In,
                 size_t Size, size_t *Done)
{
    FAKE_REGION *Region = Find(Regions, Count, Address);
    *Done = 0;
    if (Region == NULL) {
        snprintf(Target.Error, sizeof(Target.Error), "no such memory");
        return false;
    }
    size_t Offset = (size_t)(Address - Region->Address);
    *Done = Size < Region->Size - Offset ? Size : Region->Size - Offset;
    if (Out != NULL) {
        memcpy(Out, Region->Bytes + Offset, *Done);
    } else {
        memcpy(Region->Bytes + Offset, In, *Done);
    }
    return true;
}

static bool ReadVirtual(TARGET *T, uint64_t Address, void *Out, size_t Size, size_t *Done)
{
    return Move(Virtual, VirtualCount, Address, Out, NULL, Size, Done);
}

static bool WriteVirtual(TARGET *T, uint64_t Address, const void *In, size_t Size, size_t *Done)
{
    return Move(Virtual, VirtualCount, Address, NULL, In, Size, Done);
}

static bool ReadPhysical(TARGET *T, uint64_t Address, void *Out, size_t Size, size_t *Done)
{
    return Move(Physical, PhysicalCount, Address, Out, NULL, Size, Done);
}

static bool GetSpecial(TARGET *T, KSPECIAL_REGISTERS *Special)
{
    *Special = FakeSpecial;
    return true;
}

static const TARGET_OPERATIONS Operations = {.ReadVirtual = ReadVirtual,
                                             .WriteVirtual = WriteVirtual,
                                             .ReadPhysical = ReadPhysical,
                                             .GetSpecial = GetSpecial};

DEBUGGER *FakeDebugger(void)
{
    FakeFree();
    VirtualCount = PhysicalCount = SymbolCount = TypeCount = 0;
    FakeCurrentThread = FakeCurrentProcess = 0;
    memset(&FakeSpecial, 0, sizeof(FakeSpecial));
    Target = (TARGET){.Operations = &Operations, .Kind = TargetLive, .Stopped = true,
                      .Version.MinorVersion = 18362};
    Debugger = calloc(1, sizeof(*Debugger));
    FILE *File = open_memstream(&Output, &OutputSize);
    assert(Debugger != NULL && File != NULL);
    DebuggerInitialize(Debugger, &Target, File);
    return Debugger;
}

TARGET *FakeTarget(void)
{
    return &Target;
}

void FakeFree(void)
{
    if (Debugger != NULL) {
        fclose(Debugger->Output);
        DebuggerFree(Debugger);
        free(Debugger);
        free(Output);
    }
    Debugger = NULL;
    Output = NULL;
}

void FakeVirtual(uint64_t Address, void *Bytes, size_t Size)
{
    assert(VirtualCount < FAKE_ENTRIES);
    Virtual[VirtualCount++] = (FAKE_REGION){Address, Bytes, Size};
}

void FakePhysical(uint64_t Address, void *Bytes, size_t Size)
{
    assert(PhysicalCount < FAKE_ENTRIES);
    Physical[PhysicalCount++] = (FAKE_REGION){Address, Bytes, Size};
}

void FakeSymbol(const char *Name, uint64_t Address)
{
    assert(SymbolCount < FAKE_ENTRIES);
    Symbols[SymbolCount].Name = Name;
    Symbols[SymbolCount++].Address = Address;
}

void FakeTypeField(const char *Type, const char *Field, size_t Offset, size_t Size)
{
    assert(TypeCount < FAKE_ENTRIES);
    Types[TypeCount++] = (FAKE_TYPE_ROW){Type, Field, Offset, Size, 0, 0};
}

void FakeTypeBits(const char *Type, const char *Field, size_t Offset, unsigned BitStart,
                  unsigned BitCount)
{
    assert(TypeCount < FAKE_ENTRIES);
    Types[TypeCount++] = (FAKE_TYPE_ROW){Type, Field, Offset, 1, BitStart, BitCount};
}

void FakeType(const char *Type, size_t Size)
{
    FakeTypeField(Type, NULL, 0, Size);
}

const char *FakeOutput(void)
{
    static char Last[65536];
    fflush(Debugger->Output);
    snprintf(Last, sizeof(Last), "%s", Output);
    rewind(Debugger->Output);
    fputc(0, Debugger->Output);
    rewind(Debugger->Output);
    return Last;
}

const char *FakeRun(const char *Line, bool *Good)
{
    FakeOutput();
    *Good = DebuggerRunLine(Debugger, Line);
    fputc(0, Debugger->Output);
    return FakeOutput();
}

/* ---- the parts that it takes the place of ---- */

bool DebugRead(DEBUGGER *D, uint64_t Address, void *Out, size_t Size)
{
    return TargetRead(D->Target, Address, Out, Size);
}

size_t DebugReadSome(DEBUGGER *D, uint64_t Address, void *Out, size_t Size)
{
    size_t Done = 0;
    ReadVirtual(D->Target, Address, Out, Size, &Done);
    return Done;
}

bool DebugWrite(DEBUGGER *D, uint64_t Address, const void *In, size_t Size)
{
    return TargetWrite(D->Target, Address, In, Size);
}

bool DebugReadSized(DEBUGGER *D, uint64_t Address, unsigned Size, uint64_t *Value)
{
    *Value = 0;
    return Size <= 8 && DebugRead(D, Address, Value, Size);
}

bool DebugRead64(DEBUGGER *D, uint64_t Address, uint64_t *Value)
{
    return DebugReadSized(D, Address, 8, Value);
}

bool DebugRead32(DEBUGGER *D, uint64_t Address, uint32_t *Value)
{
    return DebugRead(D, Address, Value, 4);
}

static FAKE_TYPE_ROW *FindType(const char *Type, const char *Field)
{
    for (unsigned i = 0; i < TypeCount; i++) {
        if (strcmp(Types[i].Type, Type) == 0 &&
            (Field == NULL ? Types[i].Field == NULL
                           : Types[i].Field != NULL && strcmp(Types[i].Field, Field) == 0)) {
            return &Types[i];
        }
    }
    return NULL;
}

bool DebugTypeSize(DEBUGGER *D, const char *Type, uint64_t *Size)
{
    FAKE_TYPE_ROW *Row = FindType(Type, NULL);
    *Size = Row != NULL ? Row->Size : 0;
    return Row != NULL;
}

bool DebugFieldOffset(DEBUGGER *D, const char *Type, const char *Field, uint64_t *Offset,
                      uint64_t *Size)
{
    FAKE_TYPE_ROW *Row = FindType(Type, Field);
    *Offset = Row != NULL ? Row->Offset : 0;
    *Size = Row != NULL ? Row->Size : 0;
    return Row != NULL;
}

bool DebugFieldValue(DEBUGGER *D, const void *Bytes, size_t Size, const char *Type,
                     const char *Field, uint64_t *Value)
{
    FAKE_TYPE_ROW *Row = FindType(Type, Field);
    *Value = 0;
    if (Row == NULL || Row->Size > 8 || Row->Offset + Row->Size > Size) {
        return false;
    }
    memcpy(Value, (const uint8_t *)Bytes + Row->Offset, Row->Size);
    if (Row->BitCount != 0) {
        *Value = *Value >> Row->BitStart & ((1ull << Row->BitCount) - 1);
    }
    return true;
}

bool DebugReadField(DEBUGGER *D, uint64_t Address, const char *Type, const char *Field,
                    uint64_t *Value)
{
    uint8_t Bytes[0x4000] = {0};
    FAKE_TYPE_ROW *Row = FindType(Type, Field);
    return Row != NULL && Row->Size <= 8 && Row->Offset + Row->Size <= sizeof(Bytes) &&
           DebugRead(D, Address + Row->Offset, Bytes + Row->Offset, Row->Size) &&
           DebugFieldValue(D, Bytes, sizeof(Bytes), Type, Field, Value);
}

bool DebugSymbolAddress(DEBUGGER *D, const char *Name, size_t Length, uint64_t *Address)
{
    for (unsigned i = 0; i < SymbolCount; i++) {
        if (strlen(Symbols[i].Name) == Length && memcmp(Symbols[i].Name, Name, Length) == 0) {
            *Address = Symbols[i].Address;
            return true;
        }
    }
    return false;
}

bool DebugSymbolNear(DEBUGGER *D, uint64_t Address, DEBUG_NAME *Name)
{
    const uint64_t Reach = 0x1000;
    memset(Name, 0, sizeof(*Name));
    for (unsigned i = 0; i < SymbolCount; i++) {
        if (Address - Symbols[i].Address < Reach &&
            (Name->Text[0] == 0 || Address - Symbols[i].Address < Name->Displacement)) {
            snprintf(Name->Text, sizeof(Name->Text), "%s", Symbols[i].Name);
            Name->Displacement = Address - Symbols[i].Address;
        }
    }
    return Name->Text[0] != 0;
}

void DebugSymbolText(DEBUGGER *D, uint64_t Address, char *Out, size_t Capacity)
{
    DEBUG_NAME Name;
    char Text[DEBUG_ADDRESS_SIZE];
    if (!DebugSymbolNear(D, Address, &Name)) {
        snprintf(Out, Capacity, "%s", DebugAddressText(Address, Text));
    } else if (Name.Displacement == 0) {
        snprintf(Out, Capacity, "%s", Name.Text);
    } else {
        snprintf(Out, Capacity, "%s+0x%llx", Name.Text, (unsigned long long)Name.Displacement);
    }
}

bool DebugSymbolLine(DEBUGGER *D, uint64_t Address, bool IsReturn, char *File, size_t Capacity,
                     unsigned *Line)
{
    return false;
}

DEBUG_MODULE *DebugFindModule(DEBUGGER *D, uint64_t Address)
{
    for (unsigned i = 0; i < D->ModuleCount; i++) {
        if (Address - D->Modules[i].Base < D->Modules[i].Size) {
            return &D->Modules[i];
        }
    }
    return NULL;
}

DEBUG_MODULE *DebugFindModuleByName(DEBUGGER *D, const char *Name, size_t Length)
{
    for (unsigned i = 0; i < D->ModuleCount; i++) {
        if (strlen(D->Modules[i].Name) == Length &&
            memcmp(D->Modules[i].Name, Name, Length) == 0) {
            return &D->Modules[i];
        }
    }
    return NULL;
}

bool DebugUnwind(DEBUGGER *D, CONTEXT *Context)
{
    return false;
}

void DebugFreeSymbols(DEBUGGER *D)
{
}

bool RegisterRead(DEBUGGER *D, const char *Name, size_t Length, uint64_t *Value)
{
    return false;
}

bool DebugCurrentProcess(DEBUGGER *D, uint64_t *Process)
{
    *Process = D->ImplicitProcess != 0 ? D->ImplicitProcess : FakeCurrentProcess;
    return true;
}

bool DebugCurrentThread(DEBUGGER *D, uint64_t *Thread)
{
    *Thread = D->ImplicitThread != 0 ? D->ImplicitThread : FakeCurrentThread;
    return true;
}
