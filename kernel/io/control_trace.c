/* SPDX-License-Identifier: MIT */
/* What a scenario wants to see of a provider of events. */
#include "io/control_client.h"

#include "etw/etwp.h"

VOID IopControlTrace(PCONTROL_REQUEST Request)
{
    const CONTROL_TRACE *Trace = &Request->Message.Trace;
    GUID Guid;
    __builtin_memcpy(&Guid, Trace->Guid, sizeof(Guid));
    NTSTATUS Status = EtwpEnable(&Guid, Trace->Enable != 0, (UCHAR)Trace->Level, Trace->AnyKeyword,
                                 Trace->AllKeyword);
    IopReply(Request->Message.Id, Status, 0, NULL, 0);
}
