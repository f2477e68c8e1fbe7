/* SPDX-License-Identifier: MIT */
/*
 * Which bug check says that a routine was called at a wrong IRQL. In this order:
 *
 *   a sub-code of 0xC4 (of 0xC9 for requests) that is documented for the routine
 *   the DDI compliance rule that names the routine: P1 its number, P2 the violated condition
 *   0xC4 with E6 for a Zw routine, else E5: a kernel routine called at a wrong IRQL (P2 = IRQL)
 *
 * Source: the WDK's page of bug check 0xC4.
 */
#include "vf/vf.h"

#include "nt/kd.h"
#include "nt/rtl.h"

/* Where P3 and P4 come from: nothing, or argument n of the call, counted from 1. */
enum { None, First, Second, Third, Fourth };

typedef struct _VF_IRQL_SUBCODE {
    PCSTR Name;
    USHORT Subcode;
    UCHAR P3, P4;
    UCHAR BugCheck;
} VF_IRQL_SUBCODE;

static const VF_IRQL_SUBCODE VfSubcodes[] = {
    {"ExAcquireFastMutex", 0x33, First, None, 0xc4},
    {"ExTryToAcquireFastMutex", 0x33, First, None, 0xc4},
    {"IoCallDriver", 0x10, None, None, 0xc9},
    {"IoCompleteRequest", 0x0e, First, None, 0xc9},
    {"IofCallDriver", 0x10, None, None, 0xc9},
    {"IofCompleteRequest", 0x0e, First, None, 0xc9},
    {"KeAcquireSpinLockAtDpcLevel", 0x40, First, None, 0xc4},
    {"KeAcquireSpinLockRaiseToDpc", 0x42, First, None, 0xc4},
    {"KeEnterCriticalRegion", 0x11a, None, None, 0xc4},
    {"KeLeaveCriticalRegion", 0x11b, None, None, 0xc4},
    {"KeReleaseSpinLock", 0x32, First, None, 0xc4},
    {"KeReleaseSpinLockFromDpcLevel", 0x41, First, None, 0xc4},
    {"KeSetEvent", 0x80, First, None, 0xc4},
    {"KefAcquireSpinLockAtDpcLevel", 0x40, First, None, 0xc4},
    {"KefReleaseSpinLockFromDpcLevel", 0x41, First, None, 0xc4},
    {"MmMapIoSpace", 0x73, First, Second, 0xc4},
    {"MmProbeAndLockPages", 0x70, First, Second, 0xc4},
    {"MmUnlockPages", 0x78, First, None, 0xc4},
    {"MmUnmapIoSpace", 0x7b, First, Second, 0xc4},
};

typedef struct _VF_DDI_RULE {
    PCSTR Name;
    ULONG Id;
} VF_DDI_RULE;

static const VF_DDI_RULE VfDdiRules[] = {
    {"IrqlApcLte", 0x20002},           {"IrqlDispatch", 0x20003},
    {"IrqlExAllocatePool", 0x20004},   {"IrqlExApcLte1", 0x20005},
    {"IrqlExApcLte2", 0x20006},        {"IrqlExApcLte3", 0x20007},
    {"IrqlExPassive", 0x20008},        {"IrqlIoApcLte", 0x20009},
    {"IrqlIoPassive1", 0x2000a},       {"IrqlIoPassive2", 0x2000b},
    {"IrqlIoPassive3", 0x2000c},       {"IrqlIoPassive4", 0x2000d},
    {"IrqlIoPassive5", 0x2000e},       {"IrqlKeApcLte1", 0x2000f},
    {"IrqlKeApcLte2", 0x20010},        {"IrqlKeDispatchLte", 0x20011},
    {"IrqlKeReleaseSpinLock", 0x20015}, {"IrqlKeSetEvent", 0x20016},
    {"IrqlMmApcLte", 0x20019},         {"IrqlMmDispatch", 0x2001a},
    {"IrqlObPassive", 0x2001b},        {"IrqlPsPassive", 0x2001c},
    {"IrqlRtlPassive", 0x2001e},       {"IrqlZwPassive", 0x2001f},
    {"IrqlIoDispatch", 0x20022},
};

static CHAR VfCondition[240]; /* P2 points to it; the system ends here, so there is one */

DECLSPEC_NORETURN VOID VfStopForRule(ULONG Id, ULONG_PTR P3, ULONG_PTR P4, PCSTR Format, ...)
{
    va_list Arguments;
    va_start(Arguments, Format);
    _vsnprintf(VfCondition, sizeof(VfCondition) - 1, Format, Arguments);
    va_end(Arguments);
    DbgPrint("*** Verifier: %s\n", VfCondition);
    KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, Id, (ULONG_PTR)VfCondition, P3, P4);
}

static PCSTR VfIrqlName(KIRQL Irql)
{
    static const PCSTR Names[] = {"PASSIVE_LEVEL", "APC_LEVEL", "DISPATCH_LEVEL"};
    return Irql < RTL_NUMBER_OF(Names) ? Names[Irql] : Irql == HIGH_LEVEL ? "HIGH_LEVEL" : "DIRQL";
}

/* The number of the first rule in a list of names that is about IRQL; 0: none. */
static ULONG VfFindDdiRule(PCSTR Rules)
{
    while (*Rules != 0) {
        SIZE_T Length = 0;
        while (Rules[Length] != 0 && Rules[Length] != ' ') {
            Length++;
        }
        for (ULONG i = 0; i < RTL_NUMBER_OF(VfDdiRules); i++) {
            if (strlen(VfDdiRules[i].Name) == Length &&
                strncmp(VfDdiRules[i].Name, Rules, Length) == 0) {
                return VfDdiRules[i].Id;
            }
        }
        Rules += Length;
        while (*Rules == ' ') {
            Rules++;
        }
    }
    return 0;
}

static ULONG_PTR VfParameter(UCHAR Source, const ULONG64 *Argument)
{
    return Source == None ? 0 : Argument[Source - 1];
}

static VOID VfPrintRange(const VF_EXPORT *Export, KIRQL Irql)
{
    BOOLEAN Low = Irql < Export->IrqlMin;
    KIRQL Limit = Low ? Export->IrqlMin : Export->IrqlMax;
    PCSTR Relation = Export->IrqlMin == Export->IrqlMax ? "" : Low ? ">= " : "<= ";
    _snprintf(VfCondition, sizeof(VfCondition) - 1,
              "%s must be called at IRQL %s%s; it was called at %s (%u)", Export->Name, Relation,
              VfIrqlName(Limit), VfIrqlName(Irql), Irql);
    DbgPrint("*** Verifier: %s\n", VfCondition);
}

DECLSPEC_NORETURN VOID VfStopForIrql(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    VfPrintRange(Export, Irql);
    for (ULONG i = 0; i < RTL_NUMBER_OF(VfSubcodes); i++) {
        const VF_IRQL_SUBCODE *Found = &VfSubcodes[i];
        if (strcmp(Export->Name, Found->Name) == 0) {
            KeBugCheckEx(Found->BugCheck, Found->Subcode, Irql, VfParameter(Found->P3, Argument),
                         VfParameter(Found->P4, Argument));
        }
    }
    ULONG Rule = VfFindDdiRule(Export->Rules);
    if (Rule != 0) {
        KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, Rule, (ULONG_PTR)VfCondition, 0, 0);
    }
    ULONG Subcode = Export->Name[0] == 'Z' && Export->Name[1] == 'w' ? 0xe6 : 0xe5;
    KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, Subcode, Irql, 0, 0);
}
