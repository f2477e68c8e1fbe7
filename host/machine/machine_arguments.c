/* SPDX-License-Identifier: MIT */
/*
 * QEMU's command line. The devices are those the kernel has drivers for and no more: no network,
 * no display, no default devices, and QEMU itself is under its seccomp filter.
 */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/machine/machine.h"

/*
 * The machine with a PCI bus: microvm again, since its devices, and with them the kernel's drivers
 * for them, stay the same; on q35 virtio is on PCI, and it starts slower. In QEMU 7.2 pcie=on
 * does nothing without acpi=on, which would also add a second I/O APIC that the kernel does not
 * know.
 */
#define PCI_MACHINE "-M microvm,acpi=on,pcie=on,ioapic2=off -device edu"
/*
 * What the kernel needs to know of that machine. It would be in the ACPI tables, partly as
 * programs, but it is fixed wiring: configuration space, window for memory addresses, and the first
 * of four interrupt lines. And the virtio slots, which QEMU names by itself only with acpi=off;
 * the first device is in the last slot.
 */
#define PCI_WIRING                                                                       \
    " pci-configuration=0xe0000000 pci-window=0xc0000000 pci-window-size=0x20000000"     \
    " pci-line=12 virtio_mmio.device=512@0xfeb00e00:23 virtio_mmio.device=512@0xfeb00c00:22"

__attribute__((format(printf, 2, 3)))
static void MachineAddWord(MACHINE_ARGUMENTS *Arguments, const char *Format, ...)
{
    va_list Values;
    char *Word = NULL;
    va_start(Values, Format);
    if (Arguments->Count + 1 >= sizeof(Arguments->Words) / sizeof(Arguments->Words[0]) ||
        vasprintf(&Word, Format, Values) < 0) {
        abort(); /* the list is ours and bounded; only memory can be short */
    }
    va_end(Values);
    Arguments->Words[Arguments->Count++] = Word;
    Arguments->Words[Arguments->Count] = NULL;
}

/* Words without values, separated by blanks. */
static void MachineAddWords(MACHINE_ARGUMENTS *Arguments, const char *Words)
{
    while (*Words != 0) {
        int Length = (int)strcspn(Words, " ");
        MachineAddWord(Arguments, "%.*s", Length, Words);
        Words += Length;
        Words += strspn(Words, " ");
    }
}

bool MachineHasHardwareVirtualization(void)
{
    char Line[4096];
    bool Found = false;
    FILE *File = fopen("/proc/cpuinfo", "re");
    while (File != NULL && !Found && fgets(Line, sizeof(Line), File) != NULL) {
        Found = strncmp(Line, "flags", 5) == 0 &&
                (strstr(Line, " vmx") != NULL || strstr(Line, " svm") != NULL);
    }
    if (File != NULL) {
        fclose(File);
    }
    return Found && access("/dev/kvm", R_OK | W_OK) == 0;
}

/* io_uring halves the time of a page read, but containers often forbid it. */
static bool MachineHasIoUring(void)
{
    struct io_uring_params Parameters;
    memset(&Parameters, 0, sizeof(Parameters));
    int Ring = (int)syscall(SYS_io_uring_setup, 4, &Parameters);
    if (Ring >= 0) {
        close(Ring);
    }
    return Ring >= 0;
}

/*
 * What the paging file holds is worth nothing after the guest has ended, so no write needs to
 * reach the medium (cache=unsafe). Errors are the guest's to see; QEMU must not stop on them. The
 * geometry is given so that QEMU does not read the disk to guess one: disk faults are counted.
 */
static void MachineAddPagingDisk(MACHINE_ARGUMENTS *Arguments, const MACHINE_CONFIG *Config,
                                 int FaultRules)
{
    char Limit[64] = "", File[96];

    if (Config->DiskFault == DiskFaultSlow) {
        /* QEMU's bucket: a tenth of a second's requests pass at once, then one at a time. */
        snprintf(Limit, sizeof(Limit), ",throttling.iops-total=%u", Config->DiskFaultNumber);
    }
    if (FaultRules >= 0) {
        snprintf(File, sizeof(File), "file=blkdebug:/proc/self/fd/%d:/proc/self/fd/%d", FaultRules,
                 Config->PagingFile);
    } else {
        snprintf(File, sizeof(File), "aio=%s,file=/proc/self/fd/%d",
                 MachineHasIoUring() ? "io_uring" : "threads", Config->PagingFile);
    }
    MachineAddWord(Arguments, "-drive");
    MachineAddWord(Arguments, "id=paging,if=none,format=raw,cache=unsafe%s,%s", Limit, File);
    MachineAddWords(Arguments,
                    "-device virtio-blk-device,drive=paging,werror=report,rerror=report,"
                    "cyls=16383,heads=16,secs=63");
}

void MachineBuildArguments(MACHINE_ARGUMENTS *Arguments, const MACHINE_CONFIG *Config,
                           const char *Program, int Control, int Log, int Kd, int FaultRules)
{
    bool Kvm = strcmp(Config->Accelerator, "tcg") != 0 && MachineHasHardwareVirtualization();

    Arguments->Count = 0;
    MachineAddWord(Arguments, "%s", Program);
    MachineAddWords(Arguments, Kvm ? "-accel kvm -cpu host,arch-capabilities=off"
                                   : "-accel tcg -cpu max");
    MachineAddWords(Arguments, Config->Pci ? PCI_MACHINE : "-M microvm,acpi=off");
    MachineAddWords(Arguments,
                    "-smp 1 -nodefaults -no-user-config -display none "
                    "-no-reboot -nic none -msg timestamp=off "
                    "-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,"
                    "resourcecontrol=deny "
                    "-global virtio-mmio.force-legacy=false "
                    "-device isa-debug-exit,iobase=0xf4,iosize=0x4 "
                    "-device isa-debugcon,iobase=0xe9,chardev=log "
                    "-device virtio-serial-device,max_ports=2 "
                    "-device virtserialport,nr=1,chardev=control");
    MachineAddWord(Arguments, "-m");
    MachineAddWord(Arguments, "%lluK", (unsigned long long)(Config->Memory >> 10));
    if (Config->MemoryFile >= 0) {
        MachineAddWord(Arguments, "-object");
        MachineAddWord(Arguments,
                       "memory-backend-file,id=memory,share=on,size=%lluK,"
                       "mem-path=/proc/self/fd/%d",
                       (unsigned long long)(Config->Memory >> 10), Config->MemoryFile);
        MachineAddWords(Arguments, "-machine memory-backend=memory");
    }
    MachineAddWord(Arguments, "-chardev");
    MachineAddWord(Arguments, "socket,id=control,fd=%d", Control);
    MachineAddWord(Arguments, "-chardev");
    MachineAddWord(Arguments, "socket,id=log,fd=%d", Log);
    if (Kd >= 0) {
        MachineAddWord(Arguments, "-chardev");
        MachineAddWord(Arguments, "socket,id=kd,fd=%d", Kd);
        MachineAddWords(Arguments, "-serial chardev:kd");
    }
    if (Config->Gdb != NULL) {
        bool IsPath = strchr(Config->Gdb, '/') != NULL;
        MachineAddWords(Arguments, "-S -gdb"); /* stopped before its first instruction */
        MachineAddWord(Arguments, IsPath ? "unix:%s,server=on,wait=off" : "tcp:127.0.0.1:%s",
                       Config->Gdb);
    }
    if (Config->PagingFile >= 0) {
        MachineAddPagingDisk(Arguments, Config, FaultRules);
    }
    MachineAddWord(Arguments, "-kernel");
    MachineAddWord(Arguments, "%s", Config->BootFile);
    MachineAddWord(Arguments, "-initrd");
    MachineAddWord(Arguments, "/proc/self/fd/%d", Config->Archive);
    MachineAddWord(Arguments, "-append");
    MachineAddWord(Arguments, "%s%s", Config->Append, Config->Pci ? PCI_WIRING : "");
}

void MachineFreeArguments(MACHINE_ARGUMENTS *Arguments)
{
    for (unsigned i = 0; i < Arguments->Count; i++) {
        free(Arguments->Words[i]);
    }
    Arguments->Count = 0;
}
