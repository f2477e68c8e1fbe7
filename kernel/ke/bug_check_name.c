/* SPDX-License-Identifier: MIT */
/* The names of the codes in nt/bugcodes.h, from the table that the host explains them by. */
#include "ke/bug_check.h"

#define BUG_CHECK(name, ...) {name, #name},

static const struct {
    ULONG Code;
    PCSTR Name;
} KiBugCheckNames[] = {
#include "lib/bug_checks.h"
};

PCSTR KiBugCheckName(ULONG Code)
{
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(KiBugCheckNames); Index++) {
        if (KiBugCheckNames[Index].Code == Code) {
            return KiBugCheckNames[Index].Name;
        }
    }
    return "";
}
