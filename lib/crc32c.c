/* SPDX-License-Identifier: MIT */
/*
 * CRC-32C of any bytes by eight tables, and of one 4096-byte page almost without tables.
 *
 * Bits are numbered as they lie in memory, first byte first, bit 0 of each byte first; so a
 * little-endian 64-bit load keeps them in order, and a left shift moves a bit to a later place.
 *
 * The page. A bit at place p, and bits at p+d for each d in a set D, have together no effect on the
 * CRC when 1 + (sum over D of x^d) is divisible by the polynomial. So a bit may be removed from
 * place p by flipping it into each place p+d. With whole words: word i goes away when it is
 * XORed, shifted, into words further on. D = {193, 321, 384, 705, 788} was found by search over
 * all sets of five up to 13 words: it is the one with the fewest instructions, because three of its
 * members share a shift by one bit and one is a whole number of words. What the removed words put
 * into words not yet read waits in 13 registers, so one word costs one load and fourteen
 * register instructions, where eight tables cost nine loads and as many shifts. Loads are what is
 * slow in an emulator: each walks its software TLB. The last 18 words go through the tables.
 */
#include "crc32c.h"

/* A table entry is linear in its index: the XOR of one constant for each bit set in it. */
#define CRC_SUM(n, b0, b1, b2, b3, b4, b5, b6, b7)                                        \
    (((n) & 1 ? (b0) : 0u) ^ ((n) & 2 ? (b1) : 0u) ^ ((n) & 4 ? (b2) : 0u) ^              \
     ((n) & 8 ? (b3) : 0u) ^ ((n) & 16 ? (b4) : 0u) ^ ((n) & 32 ? (b5) : 0u) ^            \
     ((n) & 64 ? (b6) : 0u) ^ ((n) & 128 ? (b7) : 0u))

/* CRC_BASIS_k: entry n is byte n followed by k zero bytes, divided by the polynomial. */
#define CRC_BASIS_0(n) \
    CRC_SUM(n, 0xf26b8303, 0xe13b70f7, 0xc79a971f, 0x8ad958cf, \
            0x105ec76f, 0x20bd8ede, 0x417b1dbc, 0x82f63b78)
#define CRC_BASIS_1(n) \
    CRC_SUM(n, 0x13a29877, 0x274530ee, 0x4e8a61dc, 0x9d14c3b8, \
            0x3fc5f181, 0x7f8be302, 0xff17c604, 0xfbc3faf9)
#define CRC_BASIS_2(n) \
    CRC_SUM(n, 0xa541927e, 0x4f6f520d, 0x9edea41a, 0x38513ec5, \
            0x70a27d8a, 0xe144fb14, 0xc76580d9, 0x8b277743)
#define CRC_BASIS_3(n) \
    CRC_SUM(n, 0xdd45aab8, 0xbf672381, 0x7b2231f3, 0xf64463e6, \
            0xe964b13d, 0xd725148b, 0xaba65fe7, 0x52a0c93f)
#define CRC_BASIS_4(n) \
    CRC_SUM(n, 0x38116fac, 0x7022df58, 0xe045beb0, 0xc5670b91, \
            0x8f2261d3, 0x1ba8b557, 0x37516aae, 0x6ea2d55c)
#define CRC_BASIS_5(n) \
    CRC_SUM(n, 0xef306b19, 0xdb8ca0c3, 0xb2f53777, 0x6006181f, \
            0xc00c303e, 0x85f4168d, 0x0e045beb, 0x1c08b7d6)
#define CRC_BASIS_6(n) \
    CRC_SUM(n, 0x68032cc8, 0xd0065990, 0xa5e0c5d1, 0x4e2dfd53, \
            0x9c5bfaa6, 0x3d5b83bd, 0x7ab7077a, 0xf56e0ef4)
#define CRC_BASIS_7(n) \
    CRC_SUM(n, 0x493c7d27, 0x9278fa4e, 0x211d826d, 0x423b04da, \
            0x847609b4, 0x0d006599, 0x1a00cb32, 0x34019664)

#define CRC_4(f, n) f(n), f((n) + 1), f((n) + 2), f((n) + 3)
#define CRC_16(f, n) CRC_4(f, n), CRC_4(f, (n) + 4), CRC_4(f, (n) + 8), CRC_4(f, (n) + 12)
#define CRC_64(f, n) CRC_16(f, n), CRC_16(f, (n) + 16), CRC_16(f, (n) + 32), CRC_16(f, (n) + 48)
#define CRC_256(f) {CRC_64(f, 0), CRC_64(f, 64), CRC_64(f, 128), CRC_64(f, 192)}

static const uint32_t Crc32cTable[8][256] = {
    CRC_256(CRC_BASIS_0), CRC_256(CRC_BASIS_1), CRC_256(CRC_BASIS_2), CRC_256(CRC_BASIS_3),
    CRC_256(CRC_BASIS_4), CRC_256(CRC_BASIS_5), CRC_256(CRC_BASIS_6), CRC_256(CRC_BASIS_7),
};

#define CRC_WORD_BYTES 8
#define PAGE_WORDS (CRC32C_PAGE_SIZE / CRC_WORD_BYTES)
#define ROUND_WORDS 13
#define PAGE_ROUNDS 38
#define TAIL_WORDS (PAGE_WORDS - PAGE_ROUNDS * ROUND_WORDS)

_Static_assert(TAIL_WORDS >= ROUND_WORDS, "the pending words must fall inside the page");

static inline __attribute__((always_inline)) uint64_t CrcLoad(const void *Address)
{
    uint64_t Word;
    __builtin_memcpy(&Word, Address, sizeof(Word));
    return Word;
}

/* Eight bytes, already XORed with the register, through the tables. */
static inline __attribute__((always_inline)) uint32_t CrcFoldWord(uint64_t Word)
{
    return Crc32cTable[7][Word & 0xff] ^ Crc32cTable[6][Word >> 8 & 0xff] ^
           Crc32cTable[5][Word >> 16 & 0xff] ^ Crc32cTable[4][Word >> 24 & 0xff] ^
           Crc32cTable[3][Word >> 32 & 0xff] ^ Crc32cTable[2][Word >> 40 & 0xff] ^
           Crc32cTable[1][Word >> 48 & 0xff] ^ Crc32cTable[0][Word >> 56];
}

uint32_t Crc32c(uint32_t Crc, const void *Data, size_t Size)
{
    const uint8_t *Byte = Data;
    uint32_t Register = ~Crc;
    for (; Size >= CRC_WORD_BYTES; Size -= CRC_WORD_BYTES, Byte += CRC_WORD_BYTES) {
        Register = CrcFoldWord(CrcLoad(Byte) ^ Register);
    }
    for (; Size > 0; Size -= 1, Byte += 1) {
        Register = Register >> 8 ^ Crc32cTable[0][(Register ^ *Byte) & 0xff];
    }
    return ~Register;
}

/*
 * Removes word n. w0 is what waits for it, w1..w12 for the twelve words after it; w0 then holds
 * what waits for the thirteenth. 193 = 3*64+1, 321 = 5*64+1, 384 = 6*64, 705 = 11*64+1,
 * 788 = 12*64+20. The empty asm keeps the compiler from regrouping the XORs of several words,
 * which would need more registers than there are.
 */
#define CRC_REMOVE(n, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12)               \
    do {                                                                                   \
        uint64_t Part;                                                                     \
        w0 ^= CrcLoad(Word + (n) * CRC_WORD_BYTES);                                        \
        w6 ^= w0;                                                                          \
        Part = w0 + w0;                                                                    \
        w3 ^= Part;                                                                        \
        w5 ^= Part;                                                                        \
        w11 ^= Part;                                                                       \
        Part = w0 >> 63;                                                                   \
        w4 ^= Part;                                                                        \
        w6 ^= Part;                                                                        \
        w12 ^= Part;                                                                       \
        w12 ^= w0 << 20;                                                                   \
        w0 >>= 44;                                                                         \
        __asm__("" : "+r"(w3), "+r"(w4), "+r"(w5), "+r"(w6), "+r"(w11), "+r"(w12));        \
    } while (0)

uint32_t Crc32cPage(const void *Page)
{
    const uint8_t *Word = Page;
    const uint8_t *End = Word + PAGE_ROUNDS * ROUND_WORDS * CRC_WORD_BYTES;
    uint64_t a = 0xffffffffu, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0;
    uint64_t h = 0, i = 0, j = 0, k = 0, l = 0, m = 0;

    do {
        CRC_REMOVE(0, a, b, c, d, e, f, g, h, i, j, k, l, m);
        CRC_REMOVE(1, b, c, d, e, f, g, h, i, j, k, l, m, a);
        CRC_REMOVE(2, c, d, e, f, g, h, i, j, k, l, m, a, b);
        CRC_REMOVE(3, d, e, f, g, h, i, j, k, l, m, a, b, c);
        CRC_REMOVE(4, e, f, g, h, i, j, k, l, m, a, b, c, d);
        CRC_REMOVE(5, f, g, h, i, j, k, l, m, a, b, c, d, e);
        CRC_REMOVE(6, g, h, i, j, k, l, m, a, b, c, d, e, f);
        CRC_REMOVE(7, h, i, j, k, l, m, a, b, c, d, e, f, g);
        CRC_REMOVE(8, i, j, k, l, m, a, b, c, d, e, f, g, h);
        CRC_REMOVE(9, j, k, l, m, a, b, c, d, e, f, g, h, i);
        CRC_REMOVE(10, k, l, m, a, b, c, d, e, f, g, h, i, j);
        CRC_REMOVE(11, l, m, a, b, c, d, e, f, g, h, i, j, k);
        CRC_REMOVE(12, m, a, b, c, d, e, f, g, h, i, j, k, l);
        Word += ROUND_WORDS * CRC_WORD_BYTES;
        __asm__("" : "+r"(Word)); /* one pointer, not a base and an index */
    } while (Word != End);

    const uint64_t Pending[TAIL_WORDS] = {a, b, c, d, e, f, g, h, i, j, k, l, m};
    uint32_t Register = 0;
    for (int n = 0; n < TAIL_WORDS; n += 1) {
        Register = CrcFoldWord(CrcLoad(Word + n * CRC_WORD_BYTES) ^ Pending[n] ^ Register);
    }
    return ~Register;
}
