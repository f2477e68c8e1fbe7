/* SPDX-License-Identifier: MIT */
/* sources: lib/pe_image.c lib/pe_exports.c lib/pe_directories.c lib/pe_load.c tests/fuzz/pe_sample.c */
/*
 * Opens, walks and loads what libFuzzer makes. An input that begins with M is a file as it stands
 * (the corpus may hold real drivers); any other is a list of changes to the sample image, three
 * bytes each (offset, offset, value), so that an empty corpus reaches the depths at once.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/pe_image.h"
#include "tests/fuzz/pe_sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    if (Size == 0) {
        return 0;
    }
    if (Data[0] == 'M') {
        SampleExercise(Data, Size);
        return 0;
    }
    uint8_t *File = malloc(SAMPLE_SIZE); /* of the exact size, for the address sanitizer */
    SampleBuild(File);
    for (size_t i = 1; i + 3 <= Size; i += 3) {
        File[(Data[i] | Data[i + 1] << 8) % SAMPLE_SIZE] = Data[i + 2];
    }
    SampleExercise(File, SAMPLE_SIZE);
    free(File);
    return 0;
}
