/* SPDX-License-Identifier: MIT */
/* sources: lib/instruction_length.c */
/*
 * Instructions as an assembler encodes them: the length is that of the bytes, whatever follows,
 * and no shorter piece of them is an instruction.
 */
#include "lib/instruction_length.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const Vectors[] = {
    "90",                               /* nop */
    "f3 90",                            /* pause */
    "c3",                               /* ret */
    "c2 08 00",                         /* ret 8 */
    "cc",                               /* int3 */
    "cd 2c",                            /* int 2Ch */
    "57",                               /* push rdi */
    "41 57",                            /* push r15 */
    "68 44 33 22 11",                   /* push imm32 */
    "6a 01",                            /* push imm8 */
    "48 83 ec 28",                      /* sub rsp, 28h */
    "48 81 ec 00 01 00 00",             /* sub rsp, 100h */
    "66 81 38 4d 5a",                   /* cmp word [rax], imm16 */
    "81 38 50 45 00 00",                /* cmp dword [rax], imm32 */
    "48 8b 05 10 20 30 00",             /* mov rax, [rip+...] */
    "48 8b 44 24 28",                   /* mov rax, [rsp+28h] */
    "48 8b 84 24 a0 00 00 00",          /* mov rax, [rsp+A0h] */
    "48 8b 04 25 00 00 00 00",          /* mov rax, [abs32] */
    "65 48 8b 04 25 88 01 00 00",       /* mov rax, gs:[188h] */
    "8b 04 8d 00 00 00 00",             /* mov eax, [rcx*4+disp32] */
    "8b 45 00",                         /* mov eax, [rbp] */
    "41 8b 04 24",                      /* mov eax, [r12] */
    "67 8b 00",                         /* mov eax, [eax] */
    "c7 44 24 20 01 00 00 00",          /* mov dword [rsp+20h], 1 */
    "66 c7 00 34 12",                   /* mov word [rax], 1234h */
    "48 c7 05 01 02 03 04 00 00 00 00", /* mov qword [rip+...], imm32 */
    "48 b8 88 77 66 55 44 33 22 11",    /* movabs rax */
    "b8 01 00 00 00",                   /* mov eax, 1 */
    "66 b8 01 00",                      /* mov ax, 1 */
    "b0 01",                            /* mov al, 1 */
    "a0 88 77 66 55 44 33 22 11",       /* movabs al, [moffs] */
    "67 a1 44 33 22 11",                /* mov eax, [moffs32] */
    "a9 01 00 00 00",                   /* test eax, imm32 */
    "f7 c1 01 00 00 00",                /* test ecx, imm32 */
    "66 f7 c1 01 00",                   /* test cx, imm16 */
    "f6 c1 01",                         /* test cl, imm8 */
    "f7 d9",                            /* neg ecx */
    "48 f7 e1",                         /* mul rcx */
    "69 c0 10 27 00 00",                /* imul eax, eax, imm32 */
    "6b c0 0a",                         /* imul eax, eax, imm8 */
    "c8 10 00 00",                      /* enter */
    "e8 00 00 00 00",                   /* call */
    "e9 00 00 00 00",                   /* jmp rel32 */
    "eb fe",                            /* jmp rel8 */
    "ff 15 00 10 00 00",                /* call [rip+...] */
    "ff 25 00 10 00 00",                /* jmp [rip+...] */
    "41 ff d2",                         /* call r10 */
    "0f 84 00 01 00 00",                /* je rel32 */
    "0f b6 c0",                         /* movzx */
    "0f 1f 84 00 00 00 00 00",          /* nop, 8 bytes */
    "66 66 2e 0f 1f 84 00 00 00 00 00", /* nop, 11 bytes */
    "0f ba e0 05",                      /* bt eax, 5 */
    "0f a4 c2 03",                      /* shld edx, eax, 3 */
    "0f a5 c2",                         /* shld edx, eax, cl */
    "0f c7 08",                         /* cmpxchg8b */
    "f0 48 0f b1 11",                   /* lock cmpxchg [rcx], rdx */
    "f3 0f b8 c1",                      /* popcnt */
    "0f 0b",                            /* ud2 */
    "0f a2",                            /* cpuid */
    "0f 30",                            /* wrmsr */
    "0f 01 f8",                         /* swapgs */
    "0f 01 15 00 00 00 00",             /* lgdt [rip] */
    "44 0f 20 c0",                      /* mov rax, cr8 */
    "44 0f 22 c1",                      /* mov cr8, rcx */
    "45 0f 22 c1",                      /* mov cr8, r9 */
    "0f 23 f8",                         /* mov dr7, rax */
    "0f 28 c1",                         /* movaps */
    "66 0f 70 c1 1b",                   /* pshufd */
    "0f c6 c1 00",                      /* shufps */
    "f2 0f 78 c1 08 04",                /* insertq */
    "0f 0f c1 9e",                      /* 3DNow! pfadd */
    "0f 38 f0 01",                      /* movbe */
    "66 0f 3a 0f c1 08",                /* palignr */
    "c5 f8 77",                         /* vzeroupper */
    "c5 f8 28 c1",                      /* vmovaps */
    "c5 f9 70 c1 1b",                   /* vpshufd */
    "c4 e2 79 18 05 00 00 00 00",       /* vbroadcastss [rip] */
    "c4 e3 7d 19 c8 01",                /* vextractf128 */
    "62 f1 7c 48 28 41 01",             /* vmovaps zmm0, [rcx+40h] */
    "62 f3 7d 48 1b c8 01",             /* vextractf32x8 */
    "8f e8 78 c0 c1 02",                /* vprotb, XOP map 8 */
    "8f 00",                            /* pop [rax] */
    "9b",                               /* fwait */
    "d9 05 00 00 00 00",                /* fld [rip] */
    "dd 1c 24",                         /* fstp [rsp] */
    "f3 48 ab",                         /* rep stosq */
    "e4 60",                            /* in al, 60h */
    "48 66 90",                         /* a REX that is void */
};

static size_t Parse(const char *Text, uint8_t *Bytes)
{
    size_t Count = 0;
    char *End;
    for (; *Text != 0; Text = End) {
        Bytes[Count++] = (uint8_t)strtoul(Text, &End, 16);
    }
    return Count;
}

static void lengths_are_those_of_the_assembler(void **State)
{
    for (size_t i = 0; i < sizeof(Vectors) / sizeof(Vectors[0]); i++) {
        uint8_t Bytes[64];
        memset(Bytes, 0xcc, sizeof(Bytes));
        size_t Count = Parse(Vectors[i], Bytes);
        assert_int_equal(InstructionLength(Bytes, sizeof(Bytes)), Count);
        for (size_t Less = 0; Less < Count; Less++) {
            uint8_t *Exact = malloc(Less + 1); /* so that a read too far is found */
            memcpy(Exact + 1, Bytes, Less);
            assert_int_equal(InstructionLength(Exact + 1, Less), 0);
            free(Exact);
        }
    }
}

static void what_64_bit_mode_lacks_is_refused(void **State)
{
    static const uint8_t Opcodes[] = {0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37,
                                      0x3f, 0x60, 0x61, 0x82, 0x9a, 0xce, 0xd4, 0xd5, 0xd6, 0xea};
    for (size_t i = 0; i < sizeof(Opcodes); i++) {
        uint8_t Bytes[16] = {Opcodes[i]};
        assert_int_equal(InstructionLength(Bytes, sizeof(Bytes)), 0);
    }
}

static void more_than_fifteen_bytes_are_refused(void **State)
{
    uint8_t Bytes[32];
    memset(Bytes, 0x66, sizeof(Bytes));
    assert_int_equal(InstructionLength(Bytes, sizeof(Bytes)), 0);
    Bytes[14] = 0x90;
    assert_int_equal(InstructionLength(Bytes, sizeof(Bytes)), 15);
}

static void any_bytes_stay_within_bounds(void **State)
{
    uint64_t Seed = 88172645463325252u;
    for (int Round = 0; Round < 200000; Round++) {
        uint8_t Bytes[16];
        for (size_t i = 0; i < sizeof(Bytes); i++) {
            Seed ^= Seed << 13;
            Seed ^= Seed >> 7;
            Seed ^= Seed << 17;
            Bytes[i] = (uint8_t)(Seed >> 32);
        }
        size_t Size = Seed % (sizeof(Bytes) + 1);
        uint8_t *Exact = malloc(Size + 1);
        memcpy(Exact, Bytes, Size);
        uint32_t Length = InstructionLength(Exact, Size);
        assert_true(Length <= Size && Length <= INSTRUCTION_MAXIMUM);
        free(Exact);
    }
}

static void writes_of_cr8_are_recognised(void **State)
{
    uint32_t Register = 99;
    for (uint8_t Number = 0; Number < 16; Number++) {
        uint8_t Bytes[4] = {(uint8_t)(0x44 | Number >> 3), 0x0f, 0x22,
                            (uint8_t)(0xc0 | (Number & 7))};
        assert_true(InstructionWritesCr8(Bytes, 4, &Register));
        assert_int_equal(Register, Number);
        Bytes[0] |= 8; /* REX.W changes nothing */
        assert_true(InstructionWritesCr8(Bytes, 4, &Register));
        assert_int_equal(Register, Number);
        assert_false(InstructionWritesCr8(Bytes, 3, &Register));
    }
    assert_false(InstructionWritesCr8((const uint8_t *)"\x44\x0f\x20\xc0", 4, &Register));
    assert_false(InstructionWritesCr8((const uint8_t *)"\x40\x0f\x22\xc0", 4, &Register));
    assert_false(InstructionWritesCr8((const uint8_t *)"\x44\x0f\x22\xd8", 4, &Register));
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(lengths_are_those_of_the_assembler),
        cmocka_unit_test(what_64_bit_mode_lacks_is_refused),
        cmocka_unit_test(more_than_fifteen_bytes_are_refused),
        cmocka_unit_test(any_bytes_stay_within_bounds),
        cmocka_unit_test(writes_of_cr8_are_recognised),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
