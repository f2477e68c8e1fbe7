/* SPDX-License-Identifier: MIT */
/*
 * The start of `pageable run` to its verdict, against QEMU booting an ELF that exits at once: both
 * as whole processes, in turn, medians of several runs. usage: bench_start BUILD-DIR
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/whole_process.h"

#define RUNS 9

static int CompareDoubles(const void *A, const void *B)
{
    double Difference = *(const double *)A - *(const double *)B;
    return Difference < 0 ? -1 : Difference > 0;
}

int main(int Count, char *Arguments[])
{
    char Command[4096], Driver[4096], Floor[4096];
    double Ours[RUNS], Least[RUNS];
    if (Count != 2) {
        fprintf(stderr, "usage: bench_start BUILD-DIR\n");
        return 2;
    }
    snprintf(Command, sizeof(Command), "%s/pageable", Arguments[1]);
    snprintf(Driver, sizeof(Driver), "%s/drivers/correct/notepad.sys", Arguments[1]);
    snprintf(Floor, sizeof(Floor), "%s/empty.elf", Arguments[1]);
    char *Run[] = {Command, "run", Driver, NULL};
    char *Empty[] = {"qemu-system-x86_64", "-M", "microvm,acpi=off", "-accel", "tcg",
                     "-cpu", "max", "-m", "48M", "-nodefaults", "-no-user-config",
                     "-display", "none", "-no-reboot", "-kernel", Floor,
                     "-device", "isa-debug-exit,iobase=0xf4,iosize=0x4", NULL};
    for (int i = 0; i < RUNS; i++) {
        Least[i] = RunOnce(Empty);
        Ours[i] = RunOnce(Run);
    }
    qsort(Ours, RUNS, sizeof(Ours[0]), CompareDoubles);
    qsort(Least, RUNS, sizeof(Least[0]), CompareDoubles);
    double Median = Ours[RUNS / 2], FloorMedian = Least[RUNS / 2];
    printf("%-32s %9.1f ms %9.1f ms %8.2f\n", "start of run to verdict", Median, FloorMedian,
           Median / FloorMedian);
    return 0;
}
