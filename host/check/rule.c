/* SPDX-License-Identifier: MIT */
#include "host/check/rule.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/text/bug_check_names.h"
#include "nt/ntdef.h"
#include "nt/ntstatus.h"

static const struct {
    const char *Rule, *Name, *Advice, *Help, *Link;
} Rules[] = {
    {RULE_LEAK, "Something is left after the unload",
     "Free in Unload what DriverEntry and the dispatch routines have allocated.",
     "After the unload the machine has less of something than it had before the load.",
     "docs/check.md#rules"},
    {RULE_SCENARIO, "An assertion of the scenario failed",
     "See the line of the scenario, and what the driver answered there.",
     "The scenario expected something else of the driver, or ended in an error.",
     "docs/scenarios.md"},
    {RULE_BUDGET, "More bytes of the image than its budget allows",
     "Move code to pageable sections, or lock less and for a shorter time; or raise the budget.",
     "At some moment more bytes were nonpaged, pageable, locked or resident than --budget allows.",
     "docs/timeline.md"},
    {RULE_MISSING_EXPORT, "A routine that is not provided was called",
     "See `pageable exports --missing DRIVER.sys`.",
     "The driver called an import that the kernel does not have; the run ends there.",
     "docs/check.md#rules"},
    {RULE_NOT_LOADABLE, "The driver cannot be loaded",
     "See `pageable inspect DRIVER.sys`.",
     "The file is no x64 driver, or DriverEntry returned an error.", "docs/check.md#rules"},
    {RULE_TIME_LIMIT, "The run did not end in time",
     "See the run with -v, or attach `pageable debug`; --timeout raises the limit.",
     "The driver, or the scenario, did not come to an end within the time limit.",
     "docs/check.md#rules"},
    {RULE_FAULT, "A fault of the machine or the environment",
     "This is not the driver's fault: see the text, and run it again.",
     "QEMU could not be started, the guest reset itself, or a file could not be written.",
     "docs/check.md#rules"},
};

#define RULE_COUNT (sizeof(Rules) / sizeof(Rules[0]))

/* Findings of the kernel that are no bug check, by the code they come with. */
static const struct {
    uint32_t Code;
    const char *Rule, *Name, *Advice;
} KernelRules[] = {
    {0x1A1010, "section-left-locked", "A section is locked when the driver is unloaded",
     "Unlock each section as often as it was locked, at the latest in Unload."},
    {0x1A0001, "paging-of-no-driver", "A driver is to be paged by an address in no driver",
     "Give the address of a routine of the driver, such as DriverEntry."},
    {0x1A0002, "paging-of-no-driver", "A driver is to be paged by an address in no driver",
     "Give the address of a routine of the driver, such as DriverEntry."},
    {0x1A0003, "paged-with-interrupt", "The whole driver is pageable with an interrupt connected",
     "Disconnect the interrupt before MmPageEntireDriver: one that finds the driver out is a bug "
     "check."},
    {0xC40001, "prohibited-call", "A Storport miniport called what it must not",
     "Use what StorPort provides instead."},
    {0xC40002, "wait-true-from-pageable", "A call with Wait TRUE returns to pageable code",
     "Take the caller out of the pageable section, or pass FALSE for Wait."},
    {0x16, "firmware-return", "The driver ended the machine",
     "Leave HalReturnToFirmware to the system."},
    {0x100, "device-left", "A device object is left",
     "Delete each device in Unload, and where DriverEntry fails."},
    {0x101, "device-initializing", "AddDevice left DO_DEVICE_INITIALIZING set",
     "Clear the flag when the device is ready."},
    {0x102, "buffer-overrun", "More bytes are returned than the output buffer has",
     "Set IoStatus.Information to at most the length of the output buffer."},
    {0x103, "status-pending", "A request is completed with STATUS_PENDING",
     "Complete it with its final status."},
    {0x104, "pending-not-marked", "STATUS_PENDING was returned without IoMarkIrpPending",
     "Call IoMarkIrpPending before the request is queued."},
    {0x105, "not-completed", "A final status was returned for a request that is not completed",
     "Complete the request, or mark it pending and return STATUS_PENDING."},
    {0x106, "deleted-attached", "A device is deleted that another one is attached to",
     "Detach the upper device first."},
    {0x107, "error-log-entry", "An entry of the error log is left, or written twice",
     "Write each entry once, or free it."},
    {0x108, "dma-registers", "A DMA adapter goes while map registers are in use",
     "Free them before the adapter is put back."},
    {0x109, "wmi-registration", "A registration with WMI is left, or wrong",
     "Deregister in Unload, with IoWMIRegistrationControl."},
    {0x10A, "etw-registration", "A registration of an event provider is left",
     "Call EtwUnregister in Unload."},
};

static size_t RuleIndex(const char *Rule)
{
    size_t i = 0;
    while (i < RULE_COUNT && strcmp(Rules[i].Rule, Rule) != 0) {
        i++;
    }
    return i;
}

void RuleOfBugCheck(uint32_t Code, uint64_t First, char *Out, size_t Capacity)
{
    if (BugCheckCase(Code, First) != NULL) {
        snprintf(Out, Capacity, "0x%X/0x%llX", Code, (unsigned long long)First);
    } else {
        snprintf(Out, Capacity, "0x%X", Code);
    }
}

/* What a rule of a bug check was made from. */
static bool RuleIsBugCheck(const char *Rule, uint32_t *Code, uint64_t *First)
{
    const char *Slash = strchr(Rule, '/');
    *Code = (uint32_t)strtoul(Rule, NULL, 16);
    *First = Slash != NULL ? strtoull(Slash + 1, NULL, 16) : 0;
    return strncmp(Rule, "0x", 2) == 0 && BugCheckName(*Code)->Code != 0;
}

#define KERNEL_RULE_COUNT (sizeof(KernelRules) / sizeof(KernelRules[0]))

const char *RuleOfKind(const char *Kind)
{
    bool IsCode = strncmp(Kind, "0x", 2) == 0;
    unsigned long Code = IsCode ? strtoul(Kind, NULL, 16) : 0;
    if (Code == (uint32_t)STATUS_DRIVER_ENTRYPOINT_NOT_FOUND) {
        return RULE_MISSING_EXPORT;
    }
    for (size_t i = 0; i < KERNEL_RULE_COUNT && IsCode; i++) {
        if (KernelRules[i].Code == Code) {
            return KernelRules[i].Rule;
        }
    }
    return *Kind != 0 ? Kind : "finding";
}

/* The first row of a rule, as two codes may have one; KERNEL_RULE_COUNT: there is none. */
static size_t RuleOfKernel(const char *Rule)
{
    size_t i = 0;
    while (i < KERNEL_RULE_COUNT && strcmp(KernelRules[i].Rule, Rule) != 0) {
        i++;
    }
    return i;
}

const char *RuleName(const char *Rule)
{
    uint32_t Code;
    uint64_t First;
    size_t Index = RuleIndex(Rule);
    if (Index < RULE_COUNT) {
        return Rules[Index].Name;
    }
    if (RuleOfKernel(Rule) < KERNEL_RULE_COUNT) {
        return KernelRules[RuleOfKernel(Rule)].Name;
    }
    return RuleIsBugCheck(Rule, &Code, &First) ? BugCheckName(Code)->Name : Rule;
}

const char *RuleAdvice(const char *Rule)
{
    uint32_t Code;
    uint64_t First;
    size_t Index = RuleIndex(Rule);
    if (Index < RULE_COUNT) {
        return Rules[Index].Advice;
    }
    if (RuleOfKernel(Rule) < KERNEL_RULE_COUNT) {
        return KernelRules[RuleOfKernel(Rule)].Advice;
    }
    return RuleIsBugCheck(Rule, &Code, &First) ? BugCheckAdvice(Code, First) : "";
}

void RuleHelp(const char *Rule, char *Out, size_t Capacity)
{
    uint32_t Code;
    uint64_t First;
    size_t Index = RuleIndex(Rule);
    if (Index < RULE_COUNT) {
        snprintf(Out, Capacity, "%s", Rules[Index].Help);
    } else if (RuleOfKernel(Rule) < KERNEL_RULE_COUNT) {
        snprintf(Out, Capacity, "%s.", RuleName(Rule));
    } else if (!RuleIsBugCheck(Rule, &Code, &First)) {
        snprintf(Out, Capacity, "A finding of the kernel or of the command.");
    } else if (strchr(Rule, '/') != NULL && BugCheckCase(Code, First) != NULL) {
        snprintf(Out, Capacity, "Bug check 0x%X: %s.", Code, BugCheckCase(Code, First)->Cause);
    } else {
        snprintf(Out, Capacity, "%s", BugCheckName(Code)->Cause);
    }
}

void RuleLink(const char *Rule, char *Out, size_t Capacity)
{
    uint32_t Code;
    uint64_t First;
    size_t Index = RuleIndex(Rule);
    if (Index < RULE_COUNT || !RuleIsBugCheck(Rule, &Code, &First)) {
        snprintf(Out, Capacity, "%s",
                 Index < RULE_COUNT ? Rules[Index].Link : "docs/check.md#rules");
        return;
    }
    int Used = snprintf(Out, Capacity, "docs/bug-checks.md#");
    snprintf(Out + Used, Capacity - (size_t)Used, "0x%X-%s", Code, BugCheckName(Code)->Name);
    for (char *c = Out + Used; *c != 0; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
}
