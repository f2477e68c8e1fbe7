/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "host/run/run.h"
#include "host/text/status_names.h"
#include "host/text/text.h"

#define FILE_ACCESS 0xC0000000u /* GENERIC_READ | GENERIC_WRITE */

/* Opens and closes each device the driver named, by its link where it has one. */
static bool RunTouchDevices(RUN *Run, const char *When)
{
    for (unsigned i = 0; i < Run->DeviceCount; i++) {
        const RUN_DEVICE *Device = &Run->Devices[i];
        const char *Path = Device->Link[0] != 0 ? Device->Link : Device->Path;
        char Name[STATUS_NAME_SIZE], CloseName[STATUS_NAME_SIZE];
        int32_t Status, CloseStatus = 0;
        uint32_t Handle;
        if (!RunOpen(Run, Path, strlen(Path), FILE_ACCESS, false, &Status, &Handle) ||
            (Status >= 0 && !RunClose(Run, Handle, &CloseStatus))) {
            return false;
        }
        ReportLine(&Run->Report, "open", "%s %s: %s%s%s", Path, When, StatusName(Name, Status),
                   Status >= 0 ? ", close: " : "",
                   Status >= 0 ? StatusName(CloseName, CloseStatus) : "");
    }
    return true;
}

static bool RunPageEverythingOut(RUN *Run)
{
    CONTROL_SECTION Rows[PE_MAX_SECTIONS + 1];
    unsigned Count = 0;
    char Name[STATUS_NAME_SIZE];
    uint64_t Pages = 0, Out = 0;
    int32_t Status;

    if (strcmp(Run->Options.PageOut, "never") == 0) {
        ReportLine(&Run->Report, "page out", "left out, as --page-out=never asks");
        return true;
    }
    if (!RunPageOut(Run, true, &Status) ||
        !RunQuerySections(Run, Rows, PE_MAX_SECTIONS + 1, &Count)) {
        return false;
    }
    for (unsigned i = 0; i < Count; i++) {
        if (Rows[i].Kind == ControlSectionPageable && Rows[i].LockCount == 0) {
            Pages += Rows[i].Pages;
            Out += Rows[i].Pages - Rows[i].ResidentPages;
        }
    }
    ReportLine(&Run->Report, "page out", "%s: %llu of the driver's %llu pageable pages are out",
               StatusName(Name, Status), (unsigned long long)Out, (unsigned long long)Pages);
    ReportSections(&Run->Report, Rows, Count, "paged out", Run->Report.Verbose);
    ReportEvent(&Run->Report, "page_out",
                json_pack("{s:s, s:I, s:I}", "status", StatusName(Name, Status), "pageable_pages",
                          (json_int_t)Pages, "pages_out", (json_int_t)Out));
    if (Run->Options.DiskFault == DiskFaultFlip) {
        ReportLine(&Run->Report, "disk fault", "one bit inverted in each of %llu pages on the disk",
                   (unsigned long long)MachineFlipPagingFile(Run->PagingFile));
    }
    return true;
}

void RunDefaultFlow(RUN *Run)
{
    if (RunTouchDevices(Run, "after the load") && RunPageEverythingOut(Run)) {
        RunTouchDevices(Run, "after page-out");
    }
}

void RunFinish(RUN *Run)
{
    CONTROL_COUNTERS Now;
    uint64_t Violations = 0;
    int32_t Status;
    bool Unloaded = !Run->DriverLoaded;

    if (!RunCloseAll(Run) || !RunQueryCounters(Run, &Now)) {
        return;
    }
    if (Run->Advice != NULL && Run->DriverLoaded &&
        !RunQuerySections(Run, Run->Advice->Sections, PE_MAX_SECTIONS + 1,
                          &Run->Advice->SectionCount)) {
        return;
    }
    if (Run->DriverLoaded) {
        if (!RunUnloadDriver(Run, &Status)) {
            return;
        }
        Unloaded = Status >= 0;
        if (!Unloaded) {
            ReportLine(&Run->Report, "", "it stays loaded, so leaks are not looked for");
        }
    }
    if (Run->Advice != NULL && !AdviceEnd(Run)) {
        return;
    }
    ReportCounters(&Run->Report, &Now, &Run->Before);
    if ((Unloaded && !Run->LoadFailed && !LeakCheckEnd(Run)) || !RunVerify(Run, &Violations)) {
        return;
    }
    if (Violations != 0) {
        snprintf(Run->ToolFault, sizeof(Run->ToolFault),
                 "the kernel's check of its own memory lists found %llu violations",
                 (unsigned long long)Violations);
    }
    SessionShutdown(&Run->Session);
}
