/* SPDX-License-Identifier: MIT */
/*
 * The four levels of page tables under an address, read from the target's physical memory, and what
 * the entry that ends the walk says. The entries' forms are those at the head of kernel/mm/mi.h.
 */
#pragma once

#include "host/debugger/debugger.h"

#define PAGE_WALK_LEVELS 4u /* PXE, PPE, PDE, PTE */
#define PAGE_SIZE_4K 0x1000u

typedef enum {
    PageNothing,    /* the entry is zero, at whatever level */
    PageValid,
    PageTransition, /* in memory, on the standby or modified list */
    PagePagingFile, /* in Slot of the paging file */
    PageDemandZero, /* no contents yet: zeros when it is touched */
} PAGE_FORM;

typedef struct {
    uint64_t Address;
    uint64_t Entry[PAGE_WALK_LEVELS];         /* contents */
    uint64_t EntryPhysical[PAGE_WALK_LEVELS];
    unsigned Levels; /* entries read, 1..4; the last one has the form */
    PAGE_FORM Form;
    uint64_t Frame;      /* Valid, Transition: of the page that holds Address */
    uint32_t Slot;       /* PagingFile */
    uint32_t Protection; /* all but Valid and Nothing: the MM_ number */
} PAGE_WALK;

/*
 * The page-directory base that commands use for Address: for a user address that of .context, of
 * .process, else the one in use where the target stopped.
 */
bool PageWalkDirectory(DEBUGGER *Debugger, uint64_t Address, uint64_t *Directory);
/* As PageWalk, for what stands below the debugger. */
bool PageWalkTables(TARGET *Target, uint64_t Directory, uint64_t Address, PAGE_WALK *Walk);
/* Directory: a CR3. False: a table cannot be read, or Address is not canonical; Target->Error. */
bool PageWalk(DEBUGGER *Debugger, uint64_t Directory, uint64_t Address, PAGE_WALK *Walk);
/* Both of the above. */
bool PageWalkCurrent(DEBUGGER *Debugger, uint64_t Address, PAGE_WALK *Walk);
/*
 * The virtual addresses of the four entries, in the mapping that NT makes of the page tables.
 * False: the directory has no such mapping; Target->Error.
 */
bool PageWalkEntryAddresses(DEBUGGER *Debugger, uint64_t Directory, uint64_t Address,
                            uint64_t EntryAddress[PAGE_WALK_LEVELS]);
/* True, and where, when the contents are in memory (valid or in transition). */
bool PageWalkPhysical(const PAGE_WALK *Walk, uint64_t *Physical);
/* "paged out, slot 12 of the paging file", "in transition", ...: for a sentence. */
const char *PageWalkText(const PAGE_WALK *Walk, char *Out, size_t Capacity);
/* "ReadWrite" of an MM_ protection number. */
const char *PageProtectionName(uint32_t Protection);
