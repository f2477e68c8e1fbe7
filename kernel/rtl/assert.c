/* SPDX-License-Identifier: MIT */
/* What ASSERT of a driver that was built checked calls when it does not hold. */
#include "ke/ki.h"
#include "nt/kd.h"
#include "nt/rtl.h"

/* Any IRQL. Stops in a debugger; without one the breakpoint is a bug check, at the caller. */
VOID RtlAssert(PVOID FailedAssertion, PVOID FileName, ULONG LineNumber, PCHAR Message)
{
    DbgPrint("*** Assertion failed: %s%s\n***   Source File: %s, line %lu\n",
             Message != NULL ? Message : "", (PCSTR)FailedAssertion, (PCSTR)FileName, LineNumber);
    DbgBreakPoint();
}

int _purecall(void);

/* A C++ driver calls a pure virtual function: the object is being made, or is gone. Any IRQL */
int _purecall(void)
{
    DbgPrint("*** a pure virtual function was called\n");
    KeBugCheckEx(KMODE_EXCEPTION_NOT_HANDLED, (ULONG_PTR)(LONG_PTR)STATUS_ASSERTION_FAILURE,
                 (ULONG_PTR)KI_RETURN_ADDRESS(), 0, 0);
}
