/* SPDX-License-Identifier: MIT */
/*
 * Runs a freestanding PE image as a Linux process: maps it at its preferred base, calls its entry
 * on a stack of its own, and turns SIGSEGV, SIGFPE, SIGTRAP and SIGILL inside it into what a CPU
 * does at a trap: a machine frame on the interrupted stack, and a jump to the image's trap entry.
 * The image is our own build product; this is no general loader.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "native.h"

#define STACK_SIZE 0x10000
#define GUARDED_SIZE 0x2000
#define PAGE 0x1000

static NATIVE_SERVICES Services;
static NATIVE_TRAP *Trap;
static uint64_t ImageBase, ImageSize;

static void Die(const char *Why)
{
    fprintf(stderr, "loader: %s\n", Why);
    exit(2);
}

static uint16_t Get16(const uint8_t *P)
{
    uint16_t V;
    memcpy(&V, P, 2);
    return V;
}

static uint32_t Get32(const uint8_t *P)
{
    uint32_t V;
    memcpy(&V, P, 4);
    return V;
}

static uint64_t Get64(const uint8_t *P)
{
    uint64_t V;
    memcpy(&V, P, 8);
    return V;
}

/* Returns the entry point. */
static uint64_t LoadImage(const char *Path)
{
    struct stat Stat;
    int File = open(Path, O_RDONLY);
    if (File < 0 || fstat(File, &Stat) != 0) {
        Die("cannot open the image");
    }
    const uint8_t *Raw = mmap(NULL, (size_t)Stat.st_size, PROT_READ, MAP_PRIVATE, File, 0);
    if (Raw == MAP_FAILED || Stat.st_size < 0x400 || Get32(Raw + Get32(Raw + 0x3c)) != 0x4550) {
        Die("not a PE image");
    }
    const uint8_t *Pe = Raw + Get32(Raw + 0x3c);
    const uint8_t *Sections = Pe + 24 + Get16(Pe + 20);
    ImageBase = Get64(Pe + 24 + 24);
    ImageSize = Get32(Pe + 24 + 56);
    uint8_t *Base = mmap((void *)ImageBase, ImageSize, PROT_READ | PROT_WRITE | PROT_EXEC,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (Base != (uint8_t *)ImageBase) {
        Die("cannot map the image at its base");
    }
    memcpy(Base, Raw, Get32(Pe + 24 + 60));
    for (unsigned Index = 0; Index < Get16(Pe + 6); Index++) {
        const uint8_t *Section = Sections + 40 * Index;
        uint32_t Size = Get32(Section + 16);
        if (Size > Get32(Section + 8)) {
            Size = Get32(Section + 8);
        }
        memcpy(Base + Get32(Section + 12), Raw + Get32(Section + 20), Size);
    }
    return ImageBase + Get32(Pe + 24 + 16);
}

static void Describe(int Signal, const siginfo_t *Info, const greg_t *Registers)
{
    uint64_t Error = (uint64_t)Registers[REG_ERR];
    Trap->Address = (uint64_t)Registers[REG_RIP];
    Trap->Parameters = 0;
    Trap->P0 = Trap->P1 = 0;
    switch (Signal) {
    case SIGFPE:
        Trap->Code = 0xc0000094;
        break;
    case SIGILL:
        Trap->Code = 0xc000001d;
        break;
    case SIGTRAP:
        Trap->Code = 0x80000003;
        Trap->Address -= 1;
        Trap->Parameters = 1;
        break;
    default:
        Trap->Code = 0xc0000005;
        Trap->Parameters = 2;
        if (Registers[REG_TRAPNO] == 14) {
            Trap->P0 = (Error & 16) ? 8 : (Error & 2) ? 1 : 0;
            Trap->P1 = (uint64_t)Info->si_addr;
        } else {
            Trap->P1 = UINT64_MAX;
        }
    }
}

static void OnSignal(int Signal, siginfo_t *Info, void *Context)
{
    greg_t *Registers = ((ucontext_t *)Context)->uc_mcontext.gregs;
    uint64_t Rip = (uint64_t)Registers[REG_RIP];
    uint64_t Rsp = (uint64_t)Registers[REG_RSP];
    static unsigned Traps;

    if ((Rip - ImageBase >= ImageSize && Rip >= PAGE) || Rsp < Services.StackLow + 0x2000 ||
        Rsp > Services.StackHigh || Trap == NULL || ++Traps > 1000000) {
        char Text[160];
        int Length = snprintf(Text, sizeof(Text), "loader: signal %d, rva %llx, rsp %llx, at %p\n",
                              Signal, (unsigned long long)(Rip - ImageBase),
                              (unsigned long long)Rsp, Info->si_addr);
        (void)!write(2, Text, (size_t)Length);
        _exit(2);
    }
    Describe(Signal, Info, Registers);
    uint64_t *Frame = (uint64_t *)((Rsp & ~15ull) - 0x30);
    Frame[0] = (uint64_t)Registers[REG_ERR];
    Frame[1] = Rip;
    Frame[2] = 0x33;
    Frame[3] = (uint64_t)Registers[REG_EFL];
    Frame[4] = Rsp;
    Frame[5] = 0x2b;
    Registers[REG_RSP] = (greg_t)(uintptr_t)Frame;
    Registers[REG_RIP] = (greg_t)Services.TrapEntry;
}

static __attribute__((ms_abi)) void Print(const char *Text)
{
    (void)!write(1, Text, strlen(Text));
}

static __attribute__((ms_abi)) void Exit(int Code)
{
    _exit(Code);
}

static uint64_t MapGuarded(size_t Size)
{
    uint8_t *Low = mmap(NULL, Size + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (Low == MAP_FAILED || mprotect(Low + PAGE, Size, PROT_READ | PROT_WRITE) != 0) {
        Die("no memory");
    }
    return (uint64_t)(uintptr_t)(Low + PAGE);
}

static int CallOnStack(NATIVE_MAIN Main, uint64_t StackTop)
{
    int Result;
    __asm__ volatile("movq %%rsp, %%r12\n\t"
                     "movq %[top], %%rsp\n\t"
                     "subq $0x20, %%rsp\n\t"
                     "callq *%[main]\n\t"
                     "movq %%r12, %%rsp"
                     : "=a"(Result)
                     : [top] "r"(StackTop), [main] "r"(Main), "c"(&Services), "d"(&Trap)
                     : "r8", "r9", "r10", "r11", "r12", "memory", "cc");
    return Result;
}

int main(int Count, char **Arguments)
{
    if (Count < 2) {
        Die("usage: loader IMAGE [SEED]");
    }
    static const int Signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGTRAP, SIGILL};
    NATIVE_MAIN Main = (NATIVE_MAIN)(uintptr_t)LoadImage(Arguments[1]);
    stack_t SignalStack = {.ss_sp = (void *)(uintptr_t)MapGuarded(0x10000), .ss_size = 0x10000};
    struct sigaction Action = {.sa_sigaction = OnSignal,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

    sigaltstack(&SignalStack, NULL);
    for (size_t Index = 0; Index < sizeof(Signals) / sizeof(Signals[0]); Index++) {
        sigaction(Signals[Index], &Action, NULL);
    }
    Services.Print = Print;
    Services.Exit = Exit;
    Services.StackLow = MapGuarded(STACK_SIZE);
    Services.StackHigh = Services.StackLow + STACK_SIZE;
    Services.GuardedImage = MapGuarded(GUARDED_SIZE);
    Services.GuardedStack = MapGuarded(GUARDED_SIZE);
    Services.GuardedSize = GUARDED_SIZE;
    Services.Seed = Count > 2 ? strtoull(Arguments[2], NULL, 0) : (uint64_t)time(NULL);
    printf("seed %llu\n", (unsigned long long)Services.Seed);
    fflush(stdout);
    alarm(60);
    return CallOnStack(Main, Services.StackHigh);
}
