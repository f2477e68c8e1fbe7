/* SPDX-License-Identifier: MIT */
/* sources: host/debugger -host/debugger/console.c -host/debugger/debug_command.c -host/debugger/kd_command.c -host/debugger/prompt.c host/symbols/child_program.c host/symbols/pdb_symbols.c host/symbols/pdb_types.c host/symbols/pdb_type_query.c host/symbols/symbol_table.c host/symbols/string_pool.c host/input/driver_file.c host/text/text.c host/text/bug_check_names.c host/text/explain.c host/text/near_names.c host/text/status_names.c lib/pe_image.c lib/pe_directories.c lib/pe_exports.c lib/pe_load.c lib/unwind_data.c lib/unwind_epilogue.c lib/unwind_frame.c lib/kd_packet.c tests/fuzz/pe_sample.c */
/*
 * A target that lies: its list of modules, its images' headers, exports and unwind data, its stack
 * and its page tables are what libFuzzer makes. The commands that walk them must end, read nothing
 * of ours, and print what a terminal may get. Input: changes to a target that is right, three bytes
 * each (offset, offset, value), as in fuzz_pe_image.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/debugger/debugger.h"
#include "lib/pe_image.h"
#include "tests/fuzz/pe_sample.h"
#include "tests/fuzz/terminal_text.h"

#define LIST 0xfffff80000100000ull /* the list's head; an entry; its name at 100h */
#define BASE 0xfffff88200000000ull
#define STACK 0xfffff9ff80000000ull
#define LIST_SIZE 0x400u
#define STACK_SIZE 0x400u
#define IMAGE_PAGES 8u

static uint8_t List[LIST_SIZE], Stack[STACK_SIZE], Image[IMAGE_PAGES * 0x1000];

static bool ReadFrom(const uint8_t *Bytes, size_t Size, uint64_t Offset, void *Out, size_t Wanted,
                     size_t *Done)
{
    if (Offset >= Size) {
        return false;
    }
    *Done = Size - Offset < Wanted ? (size_t)(Size - Offset) : Wanted;
    memcpy(Out, Bytes + Offset, *Done);
    return true;
}

static bool ReadVirtual(TARGET *Target, uint64_t Address, void *Out, size_t Size, size_t *Done)
{
    return ReadFrom(List, sizeof(List), Address - LIST, Out, Size, Done) ||
           ReadFrom(Stack, sizeof(Stack), Address - STACK, Out, Size, Done) ||
           ReadFrom(Image, sizeof(Image), Address - BASE, Out, Size, Done);
}

/* Page tables are bytes of the stack. */
static bool ReadPhysical(TARGET *Target, uint64_t Address, void *Out, size_t Size, size_t *Done)
{
    return ReadFrom(Stack, sizeof(Stack), Address % (2 * STACK_SIZE), Out, Size, Done);
}

static bool GetSpecial(TARGET *Target, KSPECIAL_REGISTERS *Special)
{
    memset(Special, 0, sizeof(*Special));
    return true;
}

static const TARGET_OPERATIONS Operations = {
    .ReadVirtual = ReadVirtual, .ReadPhysical = ReadPhysical, .GetSpecial = GetSpecial};

static void Put64(uint8_t *At, uint64_t Value)
{
    memcpy(At, &Value, sizeof(Value));
}

static void MakeTarget(void)
{
    memset(List, 0, sizeof(List));
    memset(Stack, 0, sizeof(Stack));
    memset(Image, 0, sizeof(Image));
    Put64(List, LIST + 0x10);
    Put64(List + 0x10, LIST);
    Put64(List + 0x40, BASE);
    Put64(List + 0x50, sizeof(Image));
    Put64(List + 0x68, 12 * 2);
    Put64(List + 0x70, LIST + 0x100);
    for (unsigned i = 0; i < 12; i++) {
        List[0x100 + 2 * i] = (uint8_t)"notepad.sys "[i];
    }
    for (unsigned i = 0; i < STACK_SIZE / 8; i++) {
        Put64(Stack + 8 * i, i % 3 == 0 ? STACK + 8 * i : BASE + 16 * i);
    }
    uint8_t *File = malloc(SAMPLE_SIZE);
    PE_IMAGE Sample;
    PE_ERROR Error;
    SampleBuild(File);
    if (!PeImageOpen(&Sample, File, SAMPLE_SIZE, &Error) ||
        !PeImageLoad(&Sample, Image, sizeof(Image), BASE, &Error)) {
        abort(); /* the sample is right */
    }
    free(File);
}

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    static TARGET Target = {.Operations = &Operations, .Kind = TargetLive, .Stopped = true};
    static DEBUGGER *Debugger;
    char *Text;
    size_t TextSize;
    uint8_t *const Parts[] = {List, Stack, Image, Image};
    const size_t Sizes[] = {LIST_SIZE, STACK_SIZE, 0x1000, sizeof(Image)};

    if (Debugger == NULL) {
        Debugger = calloc(1, sizeof(*Debugger));
    }
    FILE *Output = open_memstream(&Text, &TextSize);
    MakeTarget();
    for (size_t i = 0; i + 4 <= Size; i += 4) {
        unsigned Part = Data[i] & 3;
        Parts[Part][(Data[i + 1] | Data[i + 2] << 8) % Sizes[Part]] = Data[i + 3];
    }
    if (Debugger == NULL || Output == NULL ||
        !DebuggerInitialize(Debugger, &Target, Output)) {
        abort();
    }
    Target.Version.PsLoadedModuleList = LIST;
    Debugger->HasContext = true;
    Debugger->Context.Rip = BASE + 0x1000 + (Size != 0 ? Data[0] : 0);
    Debugger->Context.Rsp = STACK + 0x10;
    Debugger->Context.Rbp = STACK + 0x80;
    DebugReload(Debugger);
    DebuggerRunLine(Debugger, "lm v; ld *; k; kv; x *!*; ln; u; uf; ub; !lmi notepad; .reload");
    DebuggerRunLine(Debugger, "dps @rsp L20; dS @rsp; da @rsp; dpp @rsp L10; s -a @rsp L100 1");
    DebuggerFree(Debugger);
    fclose(Output);
    RequireTerminalText(Text, TextSize);
    free(Text);
    return 0;
}
