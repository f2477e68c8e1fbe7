/* SPDX-License-Identifier: MIT */
/* The requests a run sends, and what is told about each. */
#include <string.h>

#include "host/run/run.h"
#include "host/text/status_names.h"
#include "host/text/text.h"

static const CONTROL_BYTES NoBytes = {NULL, 0};

static CONTROL_BYTES RunBytes(const char *Text, size_t Length)
{
    return (CONTROL_BYTES){(const uint8_t *)Text, (uint32_t)Length};
}

static void RunReportDevices(RUN *Run)
{
    for (unsigned i = 0; i < Run->DeviceCount; i++) {
        const RUN_DEVICE *Device = &Run->Devices[i];
        ReportLine(&Run->Report, "device", "%s%s%s%s", Device->Path,
                   Device->Link[0] != 0 ? " (" : "", Device->Link, Device->Link[0] != 0 ? ")" : "");
    }
}

void RunReportFileSections(RUN *Run)
{
    CONTROL_SECTION Rows[PE_MAX_SECTIONS];
    PE_SECTION Section;
    unsigned Count = 0;

    if (Run->SectionsTold) {
        return;
    }
    Run->SectionsTold = true;
    while (Count < PE_MAX_SECTIONS && Count < Run->Driver.Image.SectionCount) {
        PeImageSection(&Run->Driver.Image, Count, &Section);
        bool Pageable = PeSectionIsPageable(&Section);
        Rows[Count] = (CONTROL_SECTION){
            .Size = Section.VirtualSize,
            .Characteristics = Section.Characteristics,
            .Kind = Pageable ? ControlSectionPageable : ControlSectionNonpaged,
        };
        memcpy(Rows[Count++].Name, Section.Name, sizeof(Rows[0].Name));
    }
    ReportSections(&Run->Report, Rows, Count, "file", true);
    ReportBlank(&Run->Report);
}

bool RunLoadDriver(RUN *Run, int32_t *Status)
{
    char Name[STATUS_NAME_SIZE];
    CONTROL_SECTION Rows[PE_MAX_SECTIONS + 1];
    unsigned Count = 0;
    size_t Length = strlen(Run->Driver.GuestName);
    CONTROL_LOAD Load = {0, (uint32_t)Length};

    Run->DeviceCount = 0;
    Run->ImageLoaded = false;
    if (!SessionRequest(&Run->Session, ControlLoadDriver, &Load, sizeof(Load),
                        RunBytes(Run->Driver.GuestName, Length))) {
        return false;
    }
    *Status = Run->Session.Reply.Status;
    Run->DriverLoaded = *Status >= 0;
    if (Run->DriverLoaded) {
        if (!RunQuerySections(Run, Rows, PE_MAX_SECTIONS + 1, &Count)) {
            return false;
        }
        Run->SectionsTold = true;
        ReportSections(&Run->Report, Rows, Count, "loaded", true);
        ReportBlank(&Run->Report);
    } else {
        TextClean(Run->LoadError, sizeof(Run->LoadError), Run->Session.ReplyData,
                  Run->Session.Reply.DataLength);
        RunReportFileSections(Run);
        Run->LoadFailed = true;
        Run->LoadStatus = *Status;
    }
    ReportToned(&Run->Report, *Status >= 0 ? ReportPlain : ReportBad,
                *Status >= 0 || Run->ImageLoaded ? "DriverEntry" : "load", "%s%s%s",
                StatusName(Name, *Status), Run->LoadError[0] != 0 ? ": " : "", Run->LoadError);
    ReportEvent(&Run->Report, "driver_entry",
                json_pack("{s:s, s:o, s:b}", "status", StatusName(Name, *Status), "code",
                          ReportHex((uint32_t)*Status), "loaded", Run->DriverLoaded));
    RunReportDevices(Run);
    return true;
}

bool RunUnloadDriver(RUN *Run, int32_t *Status)
{
    char Name[STATUS_NAME_SIZE];
    if (!SessionRequest(&Run->Session, ControlUnloadDriver, NULL, 0, NoBytes)) {
        return false;
    }
    *Status = Run->Session.Reply.Status;
    if (*Status >= 0) {
        Run->DriverLoaded = false;
    }
    ReportLine(&Run->Report, "unload", "%s", StatusName(Name, *Status));
    ReportEvent(&Run->Report, "driver_unload",
                json_pack("{s:s}", "status", StatusName(Name, *Status)));
    return true;
}

bool RunOpen(RUN *Run, const char *Path, size_t Length, uint32_t Access, bool Overlapped,
             int32_t *Status, uint32_t *Handle)
{
    char Name[STATUS_NAME_SIZE], Clean[RUN_MAX_PATH];
    CONTROL_OPEN Open = {Access, (uint32_t)Length, Overlapped, 0};
    if (!SessionRequest(&Run->Session, ControlOpen, &Open, sizeof(Open), RunBytes(Path, Length))) {
        return false;
    }
    *Status = Run->Session.Reply.Status;
    *Handle = (uint32_t)Run->Session.Reply.Information;
    if (*Status >= 0 && Run->HandleCount < RUN_MAX_HANDLES) {
        Run->Handles[Run->HandleCount++] = *Handle;
    }
    TextClean(Clean, sizeof(Clean), Path, Length);
    if (Run->Report.Verbose) {
        ReportLine(&Run->Report, "open", "%s: %s", Clean, StatusName(Name, *Status));
    }
    ReportEvent(&Run->Report, "open",
                json_pack("{s:s, s:s}", "path", Clean, "status", StatusName(Name, *Status)));
    return true;
}

bool RunClose(RUN *Run, uint32_t Handle, int32_t *Status)
{
    CONTROL_CLOSE Close = {Handle};
    for (unsigned i = 0; i < Run->HandleCount; i++) {
        if (Run->Handles[i] == Handle) {
            Run->Handles[i] = Run->Handles[--Run->HandleCount];
            break;
        }
    }
    if (!SessionRequest(&Run->Session, ControlClose, &Close, sizeof(Close), NoBytes)) {
        return false;
    }
    *Status = Run->Session.Reply.Status;
    return true;
}

bool RunCloseAll(RUN *Run)
{
    int32_t Status;
    if (!RunCancelAll(Run)) {
        return false;
    }
    while (Run->HandleCount != 0) {
        if (!RunClose(Run, Run->Handles[Run->HandleCount - 1], &Status)) {
            return false;
        }
    }
    return true;
}

bool RunPageOut(RUN *Run, bool Evict, int32_t *Status)
{
    CONTROL_PAGE_OUT PageOut = {Evict};
    if (!SessionRequest(&Run->Session, ControlPageOut, &PageOut, sizeof(PageOut), NoBytes)) {
        return false;
    }
    *Status = Run->Session.Reply.Status;
    return true;
}

bool RunQueryCounters(RUN *Run, CONTROL_COUNTERS *Counters)
{
    if (!SessionRequest(&Run->Session, ControlCounters, NULL, 0, NoBytes)) {
        return false;
    }
    if (Run->Session.Reply.Status < 0 || Run->Session.Reply.DataLength != sizeof(*Counters)) {
        Run->Session.State = SessionBroken;
        Run->Session.Error = "counters of another size than expected";
        return false;
    }
    memcpy(Counters, Run->Session.ReplyData, sizeof(*Counters));
    if (Counters->CommittedPages > Run->MostCommitted) {
        Run->MostCommitted = Counters->CommittedPages;
    }
    return true;
}

/* The guest knows whole pages; the file says how many bytes of them the section has. */
static void RunSetFileSizes(const RUN *Run, CONTROL_SECTION *Rows, unsigned Count)
{
    PE_SECTION Section;
    for (unsigned i = 1; i < Count && Rows[0].Kind == ControlSectionHeaders; i++) {
        uint64_t Rva = Rows[i].Address - Rows[0].Address;
        if (Rva < Run->Driver.Image.SizeOfImage &&
            PeImageSectionOfRva(&Run->Driver.Image, (uint32_t)Rva, &Section) &&
            Section.Rva == Rva) {
            Rows[i].Size = Section.VirtualSize;
        }
    }
}

bool RunQuerySections(RUN *Run, CONTROL_SECTION *Rows, unsigned Max, unsigned *Count)
{
    if (!SessionRequest(&Run->Session, ControlSections, NULL, 0, NoBytes)) {
        return false;
    }
    uint32_t Length = Run->Session.Reply.Status < 0 ? 0 : Run->Session.Reply.DataLength;
    if (Length % sizeof(CONTROL_SECTION) != 0 || Length / sizeof(CONTROL_SECTION) > Max) {
        Run->Session.State = SessionBroken;
        Run->Session.Error = "section table of an impossible size";
        return false;
    }
    *Count = Length / sizeof(CONTROL_SECTION);
    memcpy(Rows, Run->Session.ReplyData, Length);
    RunSetFileSizes(Run, Rows, *Count);
    return true;
}

bool RunVerify(RUN *Run, uint64_t *Violations)
{
    if (!SessionRequest(&Run->Session, ControlVerify, NULL, 0, NoBytes)) {
        return false;
    }
    *Violations = Run->Session.Reply.Information;
    return true;
}

bool RunWait(RUN *Run, uint64_t Microseconds)
{
    CONTROL_WAIT Wait = {Microseconds};
    return SessionRequest(&Run->Session, ControlWait, &Wait, sizeof(Wait), NoBytes);
}
