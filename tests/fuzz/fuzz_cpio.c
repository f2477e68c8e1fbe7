/* SPDX-License-Identifier: MIT */
/* sources: lib/cpio.c */
/*
 * Reads an archive that libFuzzer makes; writes what was read, reads that, and compares. A first
 * byte other than 0 takes a well-formed archive and changes it, three bytes per change.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cpio.h"

#define MAX_ENTRIES 64

static void Require(int Condition)
{
    if (!Condition) {
        abort();
    }
}

static size_t BuildSample(uint8_t *Buffer, size_t Size)
{
    CPIO_WRITER Writer;
    CpioWriterInit(&Writer, Buffer, Size);
    CpioWriteEntry(&Writer, "ntoskrnl.exe", CPIO_MODE_FILE, "MZ", 2);
    CpioWriteEntry(&Writer, "drivers", CPIO_MODE_DIRECTORY, NULL, 0);
    CpioWriteEntry(&Writer, "./drivers/a.sys", CPIO_MODE_FILE, "12345", 5);
    CpioWriteTrailer(&Writer);
    return Writer.Used;
}

static void Exercise(const uint8_t *Data, size_t Size)
{
    CPIO_ENTRY Entry;
    CPIO_ENTRY Found;
    CPIO_WRITER Writer;
    const char *Rule;
    uint64_t Cursor = 0;
    uint64_t Copied = 0;
    size_t Capacity = Size * 2 + 4096;
    uint8_t *Copy = malloc(Capacity);
    CPIO_STEP Step;
    CpioWriterInit(&Writer, Copy, Capacity);
    while ((Step = CpioNext(Data, Size, &Cursor, &Entry, &Rule)) == CpioStepItem) {
        Require(strlen(Entry.Name) == Entry.NameLength);
        Require(Entry.Size == 0 || (const uint8_t *)Entry.Data + Entry.Size <= Data + Size);
        Require(CpioFind(Data, Size, Entry.Name, &Found) || strncmp(Entry.Name, "./", 2) == 0);
        CpioWriteEntry(&Writer, Entry.Name, Entry.Mode, Entry.Data, Entry.Size);
        Copied += 1;
        if (Copied == MAX_ENTRIES) {
            break;
        }
    }
    Require(Step != CpioStepError || Rule[0] != 0);
    if (CpioWriteTrailer(&Writer)) {
        uint64_t Again = 0;
        uint64_t Count = 0;
        while (CpioNext(Copy, Writer.Used, &Again, &Entry, &Rule) == CpioStepItem) {
            Count += 1;
        }
        Require(Count == Copied);
    }
    free(Copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    if (Size == 0 || Data[0] == 0) {
        Exercise(Data + (Size != 0), Size - (Size != 0));
        return 0;
    }
    uint8_t Buffer[1024];
    size_t Used = BuildSample(Buffer, sizeof(Buffer));
    Require(Used <= sizeof(Buffer));
    uint8_t *File = malloc(Used);
    memcpy(File, Buffer, Used);
    for (size_t i = 1; i + 3 <= Size; i += 3) {
        File[(Data[i] | Data[i + 1] << 8) % Used] = Data[i + 2];
    }
    Exercise(File, Used);
    free(File);
    return 0;
}
