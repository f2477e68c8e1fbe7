/* SPDX-License-Identifier: MIT */
#include "host/run/counters.h"

#include <string.h>

#define FIELD(name, member) {name, offsetof(CONTROL_COUNTERS, member)}

const COUNTER_FIELD CounterFields[] = {
    FIELD("total_pages", TotalPages),
    FIELD("free_pages", FreePages),
    FIELD("zeroed_pages", ZeroedPages),
    FIELD("standby_pages", StandbyPages),
    FIELD("modified_pages", ModifiedPages),
    FIELD("active_pages", ActivePages),
    FIELD("committed_pages", CommittedPages),
    FIELD("commit_limit", CommitLimit),
    FIELD("paging_file_slots", PagingFileSlots),
    FIELD("paging_file_slots_used", PagingFileSlotsUsed),
    FIELD("system_working_set_pages", SystemWorkingSetPages),
    FIELD("demand_zero_faults", DemandZeroFaults),
    FIELD("soft_faults", SoftFaults),
    FIELD("hard_faults", HardFaults),
    FIELD("pages_read", PagesRead),
    FIELD("page_reads", PageReads),
    FIELD("pages_written", PagesWritten),
    FIELD("page_writes", PageWrites),
    FIELD("pages_trimmed", PagesTrimmed),
    FIELD("nonpaged_pool_bytes", NonpagedPoolBytes),
    FIELD("paged_pool_bytes", PagedPoolBytes),
    FIELD("nonpaged_pool_blocks", NonpagedPoolBlocks),
    FIELD("paged_pool_blocks", PagedPoolBlocks),
    FIELD("interrupt_time", InterruptTime),
    FIELD("registry_bytes", RegistryBytes),
    FIELD("registry_blocks", RegistryBlocks),
    FIELD("volume_bytes", VolumeBytes),
    FIELD("volume_blocks", VolumeBlocks),
    FIELD("kernel_stack_slots", KernelStackSlots),
};

const size_t CounterFieldCount = sizeof(CounterFields) / sizeof(CounterFields[0]);

_Static_assert(sizeof(CounterFields) / sizeof(CounterFields[0]) * sizeof(uint64_t) ==
                   sizeof(CONTROL_COUNTERS),
               "a counter without a name");

uint64_t CounterValue(const CONTROL_COUNTERS *Counters, const COUNTER_FIELD *Field)
{
    uint64_t Value;
    memcpy(&Value, (const char *)Counters + Field->Offset, sizeof(Value));
    return Value;
}
