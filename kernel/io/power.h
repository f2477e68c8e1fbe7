/* SPDX-License-Identifier: MIT */
/* Power: what control_pnp.c asks of power.c. PASSIVE_LEVEL */
#pragma once

#include "io/iop.h"
#include "nt/pnp.h"

/* power_setting.c */
VOID IopInitializePowerSettings(VOID);

/* Asks the stack (but for the working state), then sets; a refusal sets it back to working. */
NTSTATUS IopSetSystemPower(PDEVICE_OBJECT Physical, SYSTEM_POWER_STATE State);
NTSTATUS IopSetDevicePower(PDEVICE_OBJECT Physical, DEVICE_POWER_STATE State);
