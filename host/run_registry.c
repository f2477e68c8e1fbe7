/* SPDX-License-Identifier: MIT */
/* The guest's registry from the host: filled before the driver is loaded, asked by a scenario. */
#include <stdlib.h>
#include <string.h>

#include "host/run.h"
#include "host/status_names.h"
#include "host/text.h"

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
    const REGISTRY_FILE *File = &Run->Registry;
    char Name[STATUS_NAME_SIZE], Path[400], Where[440];
    CONTROL_REGISTRY Request = {
        .Operation = Change->Operation,
        .Type = Change->Type,
        .TextLength = Change->KeyLength + Change->NameLength,
        .KeyLength = Change->KeyLength,
        .DataLength = Change->DataLength,
    };
    int32_t Status;

    memcpy(Room, File->Bytes + Change->Key, Change->KeyLength);
    memcpy(Room + Change->KeyLength, File->Bytes + Change->Name, Change->NameLength);
    memcpy(Room + Request.TextLength, File->Bytes + Change->Data, Change->DataLength);
    if (!RunRegistry(Run, &Request, Room, &Status)) {
        return false;
    }
    if (Status < 0) {
        TextCleanString(Path, sizeof(Path), File->Path);
        snprintf(Where, sizeof(Where), "%s:%u", Path, Change->Line);
        RunFinding(Run, "registry", StatusName(Name, Status), Where);
    }
    return true;
}

bool RunFillRegistry(RUN *Run)
{
    uint8_t *Room = malloc(CONTROL_MAX_PAYLOAD); /* a key, a name and data at their longest fit */
    bool Good = true;
    _Static_assert(CONTROL_REGISTRY_KEY_MOST + CONTROL_REGISTRY_NAME_MOST +
                           CONTROL_REGISTRY_DATA_MOST + sizeof(CONTROL_REGISTRY) <=
                       CONTROL_MAX_PAYLOAD, "a registry request");
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
