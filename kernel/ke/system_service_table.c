/* SPDX-License-Identifier: MIT */
/* The system services by number. Not constant: the guest tests put services of their own in. */
#include "ke/system_service.h"

#include "io/iop.h"
#include "nt/ob.h"
#include "nt/security.h"
#include "ps/user_mode.h"
#include "wire/client_request.h"

#define KI_TABLE_ENTRY(name, arguments)                                                       \
    [SERVICE_##name] = {(KI_SERVICE_ROUTINE *)(PVOID)name, arguments},
#define KI_CHECK_COUNT(name, arguments) C_ASSERT(arguments <= KI_SERVICE_ARGUMENTS);
SYSTEM_SERVICES(KI_CHECK_COUNT)

KI_SERVICE KiServiceTable[SERVICE_COUNT] = {SYSTEM_SERVICES(KI_TABLE_ENTRY)};
