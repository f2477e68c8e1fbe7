/* SPDX-License-Identifier: MIT */
/* ntoskrnl.exe: found in the archive, checked, copied, relocated, mapped by its sections. */
#include "boot/boot.h"

#include "lib/cpio.h"

#define KERNEL_NAME "ntoskrnl.exe"
#define KERNEL_MAXIMUM_SIZE 0x4000000u /* 64 MB: keeps the page tables to one directory */

void KernelOpen(const BOOT_INPUT *Input, BOOT_KERNEL *Kernel)
{
    const void *Archive = (const void *)Input->ArchiveBase;
    CPIO_ENTRY Entry;
    PE_ERROR Error = {0};

    if (!CpioFind(Archive, Input->ArchiveSize, KERNEL_NAME, &Entry)) {
        BootFail("the boot archive has no " KERNEL_NAME, NULL);
    }
    if (!PeImageOpen(&Kernel->Pe, Entry.Data, Entry.Size, &Error)) {
        BootFail(KERNEL_NAME " is bad", Error.Rule);
    }
    if (Kernel->Pe.Flat || Kernel->Pe.SectionAlignment != BOOT_PAGE) {
        BootFail(KERNEL_NAME " is bad", "its sections are not aligned to 4096 bytes");
    }
    if (Kernel->Pe.EntryPoint == 0) {
        BootFail(KERNEL_NAME " is bad", "it has no entry point");
    }
    if (Kernel->Pe.SizeOfImage > KERNEL_MAXIMUM_SIZE) {
        BootFail(KERNEL_NAME " is bad", "it is larger than 64 MB");
    }
    Kernel->Pages = BOOT_PAGES(Kernel->Pe.SizeOfImage);
}

uint64_t KernelLoad(const BOOT_KERNEL *Kernel, uint64_t Physical)
{
    const PE_IMAGE *Pe = &Kernel->Pe;
    PE_ERROR Error = {0};

    if (!PeImageLoad(Pe, (void *)Physical, Kernel->Pages * BOOT_PAGE, LOADER_KERNEL_BASE,
                     &Error)) {
        BootFail(KERNEL_NAME " cannot be loaded", Error.Rule);
    }
    TablesMapKernel(LOADER_KERNEL_BASE, Physical, BOOT_PAGES(Pe->SizeOfHeaders), false, false);
    for (uint32_t Index = 0; Index < Pe->SectionCount; Index++) {
        PE_SECTION Section;
        PeImageSection(Pe, Index, &Section);
        bool Write = (Section.Characteristics & IMAGE_SCN_MEM_WRITE) != 0;
        bool Execute = (Section.Characteristics & IMAGE_SCN_MEM_EXECUTE) != 0;
        if (Write && Execute) {
            BootFail("a section of " KERNEL_NAME " is writable and executable", Section.Name);
        }
        TablesMapKernel(LOADER_KERNEL_BASE + Section.Rva, Physical + Section.Rva,
                        BOOT_PAGES(Section.MappedSize), Write, Execute);
    }
    return LOADER_KERNEL_BASE + Pe->EntryPoint;
}
