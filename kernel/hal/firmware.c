/* SPDX-License-Identifier: MIT */
/* A driver ends the machine: a finding of the run, and then it does end. */
#include "hal/hal.h"
#include "io/control_agent.h"
#include "nt/hal.h"
#include "nt/rtl.h"
#include "wire/exit_codes.h"

/* Any IRQL; does not return, but for an action that does not exist. */
VOID HalReturnToFirmware(FIRMWARE_REENTRY Action)
{
    static const PCSTR Words[] = {"halts", "powers off", "restarts", "reboots", "leaves"};
    CHAR Text[64];
    if ((ULONG)Action >= RTL_NUMBER_OF(Words)) {
        return;
    }
    _snprintf(Text, sizeof(Text), "HalReturnToFirmware: the driver %s the machine", Words[Action]);
    IoReportFinding(GUEST_EXIT_FIRMWARE, KI_CALL_SITE(KI_RETURN_ADDRESS()), Text);
    HalExitMachine(GUEST_EXIT_FIRMWARE);
}
