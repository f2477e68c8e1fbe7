/* SPDX-License-Identifier: MIT */
/*
 * A small driver image built in memory, and a walk over everything the PE module offers; shared by
 * the unit test and the fuzz target.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SAMPLE_SIZE 0x1000u
#define SAMPLE_IMAGE_SIZE 0x8000u
#define SAMPLE_BASE 0x140000000ull

/* Where things are in the file. */
#define SAMPLE_NT 0x80u
#define SAMPLE_FILE(field) (SAMPLE_NT + 4 + (uint32_t)offsetof(IMAGE_FILE_HEADER, field))
#define SAMPLE_OPT(field) (SAMPLE_NT + 24 + (uint32_t)offsetof(IMAGE_OPTIONAL_HEADER64, field))
#define SAMPLE_DIRECTORY(n) (SAMPLE_OPT(DataDirectory) + 8 * (n))
#define SAMPLE_SECTION(n, field) \
    (SAMPLE_NT + 264 + 40 * (n) + (uint32_t)offsetof(IMAGE_SECTION_HEADER, field))
/* Of RVAs in .rdata, .data, INIT, .reloc. */
#define SAMPLE_RDATA(rva) ((rva) - 0x2000u + 0x600u)
#define SAMPLE_DATA(rva) ((rva) - 0x3000u + 0xa00u)
#define SAMPLE_INIT(rva) ((rva) - 0x6000u + 0xc00u)
#define SAMPLE_RELOC(rva) ((rva) - 0x7000u + 0xe00u)

/* Sections: 0 .text, 1 .rdata, 2 .data (with a tail not in the file), 3 PAGE (raw size 0), 4 INIT,
   5 .reloc. Checksum right. */
void SampleBuild(uint8_t File[SAMPLE_SIZE]);

/*
 * Opens, walks every accessor, loads, walks the loaded image. Returns whether it could be opened.
 */
bool SampleExercise(const uint8_t *File, size_t Size);
