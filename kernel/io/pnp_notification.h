/* SPDX-License-Identifier: MIT */
/* What PnP tells those who registered for it. PASSIVE_LEVEL */
#pragma once

#include "io/iop.h"
#include "nt/pnp.h"

VOID IopInitializeNotifications(VOID);
/* Event: GUID_DEVICE_INTERFACE_*. Told later, by a worker. */
VOID IopQueueInterfaceEvent(const GUID *Event, const GUID *Class, PCUNICODE_STRING Name);
/* Event: GUID_TARGET_DEVICE_*. An error: a callback refused the query, and all know it. */
NTSTATUS IopNotifyTargetDevice(PDEVICE_OBJECT Physical, const GUID *Event);
