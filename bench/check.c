/* SPDX-License-Identifier: MIT */
/*
 * A check of 100 runs, against two floors: its runs' own times added up and divided by the
 * processors (what is above that are processors that the check left without a run), and the same
 * 100 runs one after the other, divided the same (what its runs cost each other is in that, too; it
 * means something on a quiet machine alone).
 * usage: bench_check BUILD-DIR
 */
#include <sched.h>
#include <string.h>

#include "bench/whole_process.h"

#define SEEDS 10

static const char *const Drivers[] = {"correct/notepad", "correct/dpc-nonpaged",
                                      "correct/list-nonpaged", "correct/section-locks",
                                      "correct/mdl-probed-and-locked"};
static const char *const Modes[] = {"at-raise", "random"};

#define DRIVERS (sizeof(Drivers) / sizeof(Drivers[0]))
#define MODES (sizeof(Modes) / sizeof(Modes[0]))

/* The sum of the runs' times, milliseconds, as the check has written them. */
static double SumOfRuns(const char *Path)
{
    char Line[65536];
    double Sum = 0;
    int Runs = 0;
    FILE *File = fopen(Path, "r");
    while (File != NULL && fgets(Line, sizeof(Line), File) != NULL) {
        const char *Ms = strstr(Line, "\"ms\":");
        if (Ms != NULL) {
            Sum += strtod(Ms + 5, NULL);
            Runs++;
        }
    }
    if (File == NULL || Runs != (int)(DRIVERS * MODES * SEEDS)) {
        fprintf(stderr, "bench_check: %s has %d runs\n", Path, Runs);
        exit(1);
    }
    fclose(File);
    unlink(Path);
    return Sum;
}

int main(int Count, char *Arguments[])
{
    char Command[4096], Driver[DRIVERS][4096], Mode[64], Seed[64], Lines[4096],
        Jsonl[4200];
    char *Check[] = {Command, "check", "--page-out=at-raise,random", "--seeds=1-10", Driver[0],
                     Driver[1], Driver[2], Driver[3], Driver[4], Jsonl, NULL};
    cpu_set_t Set;
    double Alone = 0;

    if (Count != 2) {
        fprintf(stderr, "usage: bench_check BUILD-DIR\n");
        return 2;
    }
    snprintf(Command, sizeof(Command), "%s/pageable", Arguments[1]);
    for (size_t i = 0; i < DRIVERS; i++) {
        snprintf(Driver[i], sizeof(Driver[i]), "%s/drivers/%s.sys", Arguments[1], Drivers[i]);
    }
    for (int i = 0; i < (int)(DRIVERS * MODES * SEEDS); i++) {
        char *Run[] = {Command, "run", Driver[(size_t)i % DRIVERS], Mode, Seed, NULL};
        snprintf(Mode, sizeof(Mode), "--page-out=%s", Modes[(size_t)i / DRIVERS % MODES]);
        snprintf(Seed, sizeof(Seed), "--seed=%d", i / (int)(DRIVERS * MODES) + 1);
        Alone += RunOnce(Run);
    }
    snprintf(Lines, sizeof(Lines), "%s/bench-check.jsonl", Arguments[1]);
    snprintf(Jsonl, sizeof(Jsonl), "--jsonl=%s", Lines);
    double Ours = RunOnce(Check);
    double Processors = sched_getaffinity(0, sizeof(Set), &Set) == 0 ? CPU_COUNT(&Set) : 1;
    double Slots = SumOfRuns(Lines) / Processors, Floor = Alone / Processors;
    printf("%-32s %9.1f ms %9.1f ms %8.2f\n", "check of 100 runs, its own time", Ours, Slots,
           Ours / Slots);
    printf("%-32s %9.1f ms %9.1f ms %8.2f\n", "check of 100 runs, against alone", Ours, Floor,
           Ours / Floor);
    return 0;
}
