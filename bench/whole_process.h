/* SPDX-License-Identifier: MIT */
/* The stop watch for figures of whole processes on the host. */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Milliseconds from the start of a program to its end, whatever it exits with. */
static inline double RunOnce(char *const Arguments[])
{
    struct timespec Start, End;
    clock_gettime(CLOCK_MONOTONIC, &Start);
    pid_t Child = fork();
    if (Child == 0) {
        int Null = open("/dev/null", O_RDWR);
        dup2(Null, 0);
        dup2(Null, 1);
        dup2(Null, 2);
        execvp(Arguments[0], Arguments);
        _exit(127);
    }
    int Status;
    if (Child < 0 || waitpid(Child, &Status, 0) != Child || !WIFEXITED(Status) ||
        WEXITSTATUS(Status) == 127) {
        fprintf(stderr, "bench: %s did not run\n", Arguments[0]);
        exit(1);
    }
    clock_gettime(CLOCK_MONOTONIC, &End);
    return (double)(End.tv_sec - Start.tv_sec) * 1e3 + (double)(End.tv_nsec - Start.tv_nsec) / 1e6;
}
