/* SPDX-License-Identifier: MIT */
/* The guest's registry from the host: filled before the driver is loaded, asked by a scenario. */
#include <stdlib.h>

#include "host/run/run.h"
#include "host/text/status_names.h"
#include "host/text/text.h"

bool RunRegistry(RUN *Run, const CONTROL_REGISTRY *Request, const void *TextAndData,
                 int32_t *Status)
{
    const CONTROL_BYTES Bytes = {TextAndData, Request->TextLength + Request->DataLength};
    if (!SessionRequest(&Run->Session, ControlRegistry, Request, sizeof(*Request), Bytes)) {
        return false;
    }
    *Status = Run->Session.Reply.Status;
    return true;
}

bool RunReadRegistry(RUN *Run, char *Error, size_t ErrorSize)
{
    const char *Path = Run->Options.Registry;
    size_t Size;
    void *Text = FileReadWhole(Path, REGISTRY_FILE_MOST, &Size, Error, ErrorSize);
    bool Good =
        Text != NULL && RegistryFileParse(&Run->Registry, Path, Text, Size, Error, ErrorSize);
    free(Text);
    return Good;
}

static bool RunMakeChange(RUN *Run, const REGISTRY_CHANGE *Change, uint8_t *Room)
{
    char Name[STATUS_NAME_SIZE], Path[400], Where[440];
    const CONTROL_REGISTRY Request = RegistryChangeRequest(&Run->Registry, Change, Room);
    int32_t Status;

    if (!RunRegistry(Run, &Request, Room, &Status)) {
        return false;
    }
    if (Status < 0) {
        TextCleanString(Path, sizeof(Path), Run->Registry.Path);
        snprintf(Where, sizeof(Where), "%s:%u", Path, Change->Line);
        RunFinding(Run, "registry", StatusName(Name, Status), Where);
    }
    return true;
}

bool RunFillRegistry(RUN *Run)
{
    uint8_t *Room = malloc(REGISTRY_REQUEST_MOST);
    bool Good = true;
    if (Room == NULL) {
        snprintf(Run->ToolFault, sizeof(Run->ToolFault), "not enough memory for the registry");
        return false;
    }
    for (size_t i = 0; i < Run->Registry.ChangeCount && Good; i++) {
        Good = RunMakeChange(Run, &Run->Registry.Changes[i], Room);
    }
    free(Room);
    return Good;
}
