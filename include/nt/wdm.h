/* SPDX-License-Identifier: MIT */
/* What a WDM driver includes. wdm.h, ntddk.h and ntifs.h declare the same here. */
#pragma once

#include "ntdef.h"
#include "ntstatus.h"
#include "bugcodes.h"

#include "ke.h"
#include "ex.h"
#include "pool.h"
#include "rtl.h"
#include "mm.h"
#include "se.h"
#include "ob.h"
#include "security.h"
#include "cm.h"
#include "io.h"
#include "error_log.h"
#include "cm_callback.h"
#include "pnp.h"
#include "dma.h"
#include "ps.h"
#include "process_information.h"
#include "system_information.h"
#include "hal.h"
#include "kd.h"
#include "driver_source.h"
