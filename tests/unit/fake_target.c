/* SPDX-License-Identifier: MIT */
#include "tests/unit/fake_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/input/driver_file.h"

#define FAKE_LIST 0xfffff9ff00000000ull /* PsLoadedModuleList, then a page for each entry */
#define FAKE_MAX_MODULES 8u

static uint8_t List[(FAKE_MAX_MODULES + 1) * 0x1000];
static unsigned ListCount;

static bool FakeReadVirtual(TARGET *Target, uint64_t Address, void *Out, size_t Size, size_t *Done)
{
    FAKE_TARGET *Fake = Target->Private;
    *Done = 0;
    for (size_t i = 0; i < Size; i++) {
        uint8_t *Byte = NULL;
        for (unsigned n = Fake->PieceCount; n-- != 0;) {
            uint64_t Offset = Address + i - Fake->Pieces[n].Address;
            if (Offset < Fake->Pieces[n].Size) {
                Byte = Fake->Pieces[n].Bytes != NULL ? Fake->Pieces[n].Bytes + Offset : NULL;
                break;
            }
        }
        if (Byte == NULL) {
            break;
        }
        ((uint8_t *)Out)[i] = *Byte;
        (*Done)++;
    }
    return *Done != 0;
}

static bool FakeWriteVirtual(TARGET *Target, uint64_t Address, const void *In, size_t Size,
                             size_t *Done)
{
    FAKE_TARGET *Fake = Target->Private;
    for (unsigned n = Fake->PieceCount; n-- != 0;) {
        uint64_t Offset = Address - Fake->Pieces[n].Address;
        if (Offset < Fake->Pieces[n].Size && Fake->Pieces[n].Bytes != NULL &&
            Size <= Fake->Pieces[n].Size - Offset) {
            memcpy(Fake->Pieces[n].Bytes + Offset, In, Size);
            *Done = Size;
            return true;
        }
    }
    return false;
}

static bool FakePhysicalFits(const FAKE_TARGET *Fake, uint64_t Address, size_t Size)
{
    return Address <= Fake->PhysicalSize && Size <= Fake->PhysicalSize - Address;
}

static bool FakeReadPhysical(TARGET *Target, uint64_t Address, void *Out, size_t Size, size_t *Done)
{
    FAKE_TARGET *Fake = Target->Private;
    if (!FakePhysicalFits(Fake, Address, Size) || Size == 0) {
        return false;
    }
    memcpy(Out, Fake->Physical + Address, Size);
    *Done = Size;
    return true;
}

static bool FakeWritePhysical(TARGET *Target, uint64_t Address, const void *In, size_t Size,
                              size_t *Done)
{
    FAKE_TARGET *Fake = Target->Private;
    if (!FakePhysicalFits(Fake, Address, Size) || Size == 0) {
        return false;
    }
    memcpy(Fake->Physical + Address, In, Size);
    *Done = Size;
    return true;
}

static bool FakeGetSpecial(TARGET *Target, KSPECIAL_REGISTERS *Special)
{
    *Special = ((FAKE_TARGET *)Target->Private)->Special;
    return true;
}

static const TARGET_OPERATIONS FakeOperations = {
    .ReadVirtual = FakeReadVirtual,
    .WriteVirtual = FakeWriteVirtual,
    .ReadPhysical = FakeReadPhysical,
    .WritePhysical = FakeWritePhysical,
    .GetSpecial = FakeGetSpecial,
};

static void FakeLink(unsigned Entry)
{
    uint64_t Next = FAKE_LIST + 0x1000ull * Entry, Head = FAKE_LIST;
    memcpy(List + 0x1000 * (Entry - 1), &Next, 8);
    memcpy(List + 0x1000 * Entry, &Head, 8);
}

void FakeOpen(FAKE_TARGET *Fake)
{
    memset(Fake, 0, sizeof(*Fake));
    Fake->Target.Operations = &FakeOperations;
    Fake->Target.Kind = TargetLive;
    Fake->Target.Private = Fake;
    Fake->Target.Stopped = true;
    Fake->Debugger = calloc(1, sizeof(DEBUGGER));
    FILE *Output = open_memstream(&Fake->Output, &Fake->OutputSize);
    if (Fake->Debugger == NULL || Output == NULL ||
        !DebuggerInitialize(Fake->Debugger, &Fake->Target, Output)) {
        abort();
    }
    uint64_t Head = FAKE_LIST;
    memset(List, 0, sizeof(List));
    memcpy(List, &Head, 8);
    ListCount = 0;
    Fake->Target.Version.PsLoadedModuleList = FAKE_LIST;
    FakeMap(Fake, FAKE_LIST, List, sizeof(List));
}

void FakeClose(FAKE_TARGET *Fake)
{
    FILE *Output = Fake->Debugger->Output;
    DebuggerFree(Fake->Debugger);
    fclose(Output);
    free(Fake->Output);
    free(Fake->Debugger);
}

void FakeMap(FAKE_TARGET *Fake, uint64_t Address, void *Bytes, size_t Size)
{
    if (Fake->PieceCount == FAKE_MAX_PIECES) {
        abort();
    }
    Fake->Pieces[Fake->PieceCount].Address = Address;
    Fake->Pieces[Fake->PieceCount].Bytes = Bytes;
    Fake->Pieces[Fake->PieceCount++].Size = Size;
}

uint8_t *FakeLoadImage(FAKE_TARGET *Fake, const char *Path, const char *Name, uint64_t Base,
                       size_t *Size)
{
    char Reason[256];
    size_t FileSize;
    PE_IMAGE Image;
    PE_ERROR Error;
    void *File = FileReadWhole(Path, 64u << 20, &FileSize, Reason, sizeof(Reason));
    if (File == NULL || !PeImageOpen(&Image, File, FileSize, &Error) ||
        ++ListCount > FAKE_MAX_MODULES) {
        fprintf(stderr, "%s: not there, no image, or one too many\n", Path);
        abort();
    }
    uint8_t *Bytes = malloc(Image.SizeOfImage);
    if (Bytes == NULL || !PeImageLoad(&Image, Bytes, Image.SizeOfImage, Base, &Error)) {
        abort();
    }
    uint8_t *Entry = List + 0x1000 * ListCount;
    uint16_t Length = (uint16_t)(2 * strlen(Name));
    uint64_t Text = FAKE_LIST + 0x1000ull * ListCount + 0x100;
    memcpy(Entry + 0x30, &Base, 8);
    memcpy(Entry + 0x40, &Image.SizeOfImage, 4);
    memcpy(Entry + 0x58, &Length, 2);
    memcpy(Entry + 0x60, &Text, 8);
    memcpy(Entry + 0x78, &Image.CheckSum, 4);
    memcpy(Entry + 0x80, &Image.TimeDateStamp, 4);
    for (unsigned i = 0; Name[i] != 0; i++) {
        Entry[0x100 + 2 * i] = (uint8_t)Name[i];
    }
    FakeLink(ListCount);
    FakeMap(Fake, Base, Bytes, Image.SizeOfImage);
    *Size = Image.SizeOfImage;
    free(File);
    return Bytes;
}

const char *FakeTake(FAKE_TARGET *Fake)
{
    fflush(Fake->Debugger->Output);
    const char *New = Fake->Output + Fake->Taken;
    Fake->Taken = Fake->OutputSize;
    return New;
}
