/* SPDX-License-Identifier: MIT */
#include "host/timeline/timeline_image.h"

#include <stdlib.h>
#include <string.h>

static void ImageAddSection(TIMELINE_IMAGE *Image, const char *Name, uint32_t Rva, uint32_t Bytes,
                            uint32_t Mapped)
{
    TIMELINE_SECTION *Section = &Image->Section[Image->SectionCount];
    uint64_t End = ((uint64_t)Rva + Mapped + TIMELINE_PAGE_BYTES - 1) / TIMELINE_PAGE_BYTES;

    *Section = (TIMELINE_SECTION){.FirstPage = Rva / TIMELINE_PAGE_BYTES, .Bytes = Bytes};
    strncpy(Section->Name, Name, sizeof(Section->Name) - 1);
    End = End < Image->Pages ? End : Image->Pages;
    Section->Pages = End > Section->FirstPage ? (uint32_t)End - Section->FirstPage : 0;
    memset(Image->SectionOf + Section->FirstPage, (int)Image->SectionCount, Section->Pages);
    Image->SectionCount++;
}

/* As the kernel's loader divides it: headers first; a flat image is one piece. */
bool TimelineImageOpen(TIMELINE_IMAGE *Image, const PE_IMAGE *File)
{
    *Image = (TIMELINE_IMAGE){
        .Pages = (uint32_t)(((uint64_t)File->SizeOfImage + TIMELINE_PAGE_BYTES - 1) /
                            TIMELINE_PAGE_BYTES)};
    Image->State = calloc(Image->Pages, 1);
    Image->SectionOf = malloc(Image->Pages);
    if (Image->State == NULL || Image->SectionOf == NULL) {
        TimelineImageFree(Image);
        return false;
    }
    memset(Image->SectionOf, UINT8_MAX, Image->Pages);
    uint32_t Headers = File->Flat ? File->SizeOfImage : File->SizeOfHeaders;
    ImageAddSection(Image, "headers", 0, Headers, Headers);
    Image->Section[0].IsHeaders = true;
    for (uint32_t i = 0; !File->Flat && i < File->SectionCount; i++) {
        PE_SECTION Section;
        PeImageSection(File, i, &Section);
        ImageAddSection(Image, Section.Name, Section.Rva, Section.VirtualSize, Section.MappedSize);
        Image->Section[Image->SectionCount - 1].IsPageable = PeSectionIsPageable(&Section);
    }
    return true;
}

void TimelineImageFree(TIMELINE_IMAGE *Image)
{
    free(Image->State);
    free(Image->SectionOf);
    *Image = (TIMELINE_IMAGE){0};
}

bool TimelineSectionMayLeave(const TIMELINE_IMAGE *Image, const TIMELINE_SECTION *Section)
{
    return !Section->IsHeaders && (Section->IsPageable || Image->WholePaged);
}

int TimelinePageOf(const TIMELINE_IMAGE *Image, uint64_t Address)
{
    uint64_t Page = (Address - Image->Base) / TIMELINE_PAGE_BYTES;
    return Image->Base != 0 && Address >= Image->Base && Page < Image->Pages ? (int)Page : -1;
}

int TimelineSectionOf(const TIMELINE_IMAGE *Image, uint64_t Address)
{
    int Page = TimelinePageOf(Image, Address);
    return Page < 0 || Image->SectionOf[Page] == UINT8_MAX ? TIMELINE_NO_SECTION
                                                          : Image->SectionOf[Page];
}

/* The state of each page of a section, all at once. */
static void ImageSetSection(TIMELINE_IMAGE *Image, TIMELINE_SECTION *Section, PAGE_STATE State)
{
    memset(Section->InState, 0, sizeof(Section->InState));
    Section->InState[State] = Section->Pages;
    memset(Image->State + Section->FirstPage, (int)State, Section->Pages);
}

static void ImageSetAll(TIMELINE_IMAGE *Image, uint64_t Base, PAGE_STATE State)
{
    Image->Base = Base;
    Image->WholePaged = false;
    for (unsigned i = 0; i < Image->SectionCount; i++) {
        Image->Section[i].LockCount = 0;
        Image->Section[i].Discarded = false;
        ImageSetSection(Image, &Image->Section[i], State);
    }
}

static int ImageSetPage(TIMELINE_IMAGE *Image, uint64_t Address, PAGE_STATE State)
{
    int Page = TimelinePageOf(Image, Address);
    int Index = TimelineSectionOf(Image, Address);
    if (Index != TIMELINE_NO_SECTION) {
        TIMELINE_SECTION *Section = &Image->Section[Index];
        Section->InState[Image->State[Page]]--;
        Section->InState[State]++;
        Image->State[Page] = (uint8_t)State;
    }
    return Index;
}

int TimelineImageApply(TIMELINE_IMAGE *Image, const TIMELINE_ENTRY *Entry, bool *All)
{
    int Index = TIMELINE_NO_SECTION;
    *All = false;
    switch ((TIMELINE_KIND)Entry->Kind) {
    case TimelineLoad:
        ImageSetAll(Image, Entry->Address, PageStateResident);
        *All = true;
        return Index;
    case TimelineUnload:
        ImageSetAll(Image, 0, PageStateGone);
        *All = true;
        return Index;
    case TimelineWholeDriver:
        Image->WholePaged = Entry->Value != 0;
        *All = true;
        return Index;
    case TimelinePageLeft:
        return ImageSetPage(Image, Entry->Address,
                            Entry->Detail == TimelinePageStandby ? PageStateStandby
                                                                 : PageStateModified);
    case TimelinePageWritten:
        return ImageSetPage(Image, Entry->Address, PageStateStandby);
    case TimelinePageFreed:
        return ImageSetPage(Image, Entry->Address, PageStateOut);
    case TimelinePageArrived:
        return ImageSetPage(Image, Entry->Address, PageStateResident);
    case TimelineLock:
    case TimelineUnlock:
        Index = TimelineSectionOf(Image, Entry->Value);
        if (Index != TIMELINE_NO_SECTION) {
            Image->Section[Index].LockCount = Entry->Detail;
        }
        return Index;
    case TimelineDiscard:
        Index = TimelineSectionOf(Image, Entry->Address);
        if (Index != TIMELINE_NO_SECTION) {
            Image->Section[Index].Discarded = true;
            ImageSetSection(Image, &Image->Section[Index], PageStateGone);
        }
        return Index;
    default:
        return Index;
    }
}
