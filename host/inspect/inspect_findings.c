/* SPDX-License-Identifier: MIT */
/* What of an image deserves a remark, or a warning. docs/inspect.md lists the codes. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "host/inspect/inspect.h"
#include "host/text/text.h"

__attribute__((format(printf, 4, 5))) static void Add(INSPECTION *Out, bool Warning,
                                                      const char *Code, const char *Format, ...)
{
    va_list Arguments;
    Out->Warnings += Warning;
    if (Out->FindingCount == INSPECT_MOST_FINDINGS) {
        Out->FindingsLeftOut++;
        return;
    }
    INSPECT_FINDING *Finding = &Out->Findings[Out->FindingCount++];
    Finding->Code = Code;
    Finding->Warning = Warning;
    va_start(Arguments, Format);
    vsnprintf(Finding->Text, sizeof(Finding->Text), Format, Arguments);
    va_end(Arguments);
}

/*
 * The linker of the WDK marks every section that is neither pageable by name nor discardable as
 * NOT_PAGED; others (lld, GNU ld) mark none, and then the flag says nothing.
 */
static bool UsesNotPagedFlag(const PE_IMAGE *Image)
{
    for (uint32_t i = 0; i < Image->SectionCount; i++) {
        PE_SECTION Section;
        PeImageSection(Image, i, &Section);
        if ((Section.Characteristics & IMAGE_SCN_MEM_NOT_PAGED) != 0) {
            return true;
        }
    }
    return false;
}

static void FindInFlags(INSPECTION *Out, const PE_SECTION *Section, const char *Name)
{
    INSPECT_FATE Fate = Out->Fate[Section->Index];
    bool NotPaged = (Section->Characteristics & IMAGE_SCN_MEM_NOT_PAGED) != 0;
    bool Discardable = (Section->Characteristics & IMAGE_SCN_MEM_DISCARDABLE) != 0;

    if (Fate == FatePageable && NotPaged) {
        Add(Out, true, "flag-not-paged",
            "%s is pageable by its name, though its flags say NOT_PAGED: the name decides", Name);
    }
    if (Fate == FateNonpaged && !NotPaged && !Discardable && UsesNotPagedFlag(Out->Image)) {
        Add(Out, true, "flag-pageable",
            "%s stays resident by its name, though its flags lack NOT_PAGED: the name decides",
            Name);
    }
    if (Fate != FateFreed && Discardable) {
        Add(Out, true, "discardable-kept",
            "%s is marked discardable, but sections behind it are not: it is not freed", Name);
    }
}

static void FindInName(INSPECTION *Out, const PE_SECTION *Section, const char *Name)
{
    INSPECT_FATE Fate = Out->Fate[Section->Index];
    if (Fate == FateNonpaged && strncasecmp(Section->Name, "PAGE", 4) == 0) {
        Add(Out, true, "page-not-capitals",
            "%s stays resident: only names that begin with PAGE, in capitals, are pageable", Name);
    }
    if (Fate == FateNonpaged && strcasecmp(Section->Name, "INIT") == 0) {
        Add(Out, true, "init-not-capitals",
            "%s stays resident: neither its name is INIT in capitals, nor is it discardable at "
            "the image's end", Name);
    }
}

static void FindInSections(INSPECTION *Out)
{
    const uint32_t Both = IMAGE_SCN_MEM_WRITE | IMAGE_SCN_MEM_EXECUTE;

    for (uint32_t i = 0; i < Out->Image->SectionCount; i++) {
        PE_SECTION Section;
        char Name[40];
        PeImageSection(Out->Image, i, &Section);
        TextCleanString(Name, sizeof(Name), Section.Name);
        if (!Out->Image->Flat) {
            FindInFlags(Out, &Section, Name);
            FindInName(Out, &Section, Name);
        }
        if ((Section.Characteristics & Both) == Both) {
            /* Linkers of old WDKs made INIT so. */
            Add(Out, Out->Fate[i] != FateFreed, "write-execute", "%s is writable and executable",
                Name);
        }
    }
    if (Out->Image->Flat) {
        Add(Out, false, "flat",
            "sections share pages (SectionAlignment %u): the whole image is nonpaged",
            Out->Image->SectionAlignment);
    } else if (Out->PageablePages == 0) {
        Add(Out, false, "nothing-pageable", "no section is pageable");
    }
}

/* What the image needs for as long as it is loaded, in a place that does not stay. */
static void FindInPlaces(INSPECTION *Out)
{
    static const struct {
        const char *Code, *What, *Why;
    } Places[] = {
        {"cookie-pageable", "the security cookie", "functions that check it run at any IRQL"},
        {"imports-pageable", "the import address table", "calls at DISPATCH_LEVEL read it"},
    };
    PE_DIRECTORY Slots = PeImageDirectory(Out->Image, IMAGE_DIRECTORY_ENTRY_IAT);
    uint32_t Rvas[] = {Out->HasConfig ? Out->Config.SecurityCookieRva : 0, Slots.Rva};

    for (size_t i = 0; i < sizeof(Rvas) / sizeof(Rvas[0]); i++) {
        PE_SECTION Section;
        char Name[40];
        if (Rvas[i] == 0 || !PeImageSectionOfRva(Out->Image, Rvas[i], &Section) ||
            Out->Fate[Section.Index] == FateNonpaged) {
            continue;
        }
        TextCleanString(Name, sizeof(Name), Section.Name);
        Add(Out, true, Places[i].Code, "%s is in %s, which is %s: %s", Places[i].What, Name,
            InspectFateName(Out->Fate[Section.Index]), Places[i].Why);
    }
}

static void FindInImports(INSPECTION *Out)
{
    uint32_t Missing = Out->Imports[ImportMissing];
    for (unsigned i = 0; i < Out->Refusals.Count; i++) {
        Add(Out, true, "not-loadable", "%s", Out->Refusals.Text[i]);
    }
    if (Missing != 0) {
        Add(Out, true, "imports-missing",
            "%u import%s cannot be bound: the driver loads, and calling one ends the run", Missing,
            Missing == 1 ? "" : "s");
    }
    if (Out->Imports[ImportStub] != 0) {
        Add(Out, true, "imports-stub", "%u import%s bound to a stub", Out->Imports[ImportStub],
            Out->Imports[ImportStub] == 1 ? " is" : "s are");
    }
}

/* What the loader of drivers passes over. */
static void FindInDirectories(INSPECTION *Out)
{
    if (PeImageDirectory(Out->Image, IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT).Rva != 0) {
        Add(Out, false, "delayed-imports",
            "there are delayed imports, which the driver itself must look up: they are not in the "
            "list above");
    }
    if (PeImageDirectory(Out->Image, IMAGE_DIRECTORY_ENTRY_TLS).Rva != 0) {
        Add(Out, true, "thread-local-storage",
            "there is thread-local storage, which drivers do not get: its variables are not set "
            "up, its callbacks not called");
    }
}

void InspectFindings(INSPECTION *Out)
{
    const PE_IMAGE *Image = Out->Image;

    FindInSections(Out);
    FindInPlaces(Out);
    FindInImports(Out);
    FindInDirectories(Out);
    if (Image->CheckSum != 0 && !Out->ChecksumRight) {
        Add(Out, true, "checksum", "the checksum is %08x, and that of the file %08x",
            Image->CheckSum, Out->Checksum);
    }
    if (Image->EntryPoint == 0) {
        Add(Out, false, "no-entry", "there is no entry point: other drivers import from it");
    }
    if (Out->Relocations == 0 && (Image->Characteristics & IMAGE_FILE_RELOCS_STRIPPED) != 0) {
        Add(Out, true, "no-relocations", "relocations were stripped: it loads at %llx only",
            (unsigned long long)Image->ImageBase);
    }
    if (Out->BytesNotDecoded != 0) {
        Add(Out, true, "not-decoded", "%llu bytes of pageable code were not looked at",
            (unsigned long long)Out->BytesNotDecoded);
    }
}
