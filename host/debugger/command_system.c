/* SPDX-License-Identifier: MIT */
/* !irql, !pcr, !prcb, !idt, !dbgprint, !verifier, !locks: the processor and the system. */
#include "host/debugger/debugger.h"

#include <stdlib.h>
#include <string.h>

#include "host/debugger/structure.h"
#include "host/text/bug_check_names.h"
#include "host/text/text.h"

#define PCR "nt!_KPCR"
#define PRCB "nt!_KPRCB"
#define RESOURCE "nt!_ERESOURCE"
#define MAX_PRINT_BUFFER (1u << 20) /* bytes */
#define MAX_RESOURCE_OWNERS 256u
#define MAX_CHAINED_INTERRUPTS 64u
#define RESOURCE_OWNED_EXCLUSIVE 0x80u /* ERESOURCE.Flag */
#define VECTORS 256u
#define VERIFIER_EVENTS_SHOWN 20u

static bool ReadSpecial(DEBUGGER *Debugger, KSPECIAL_REGISTERS *Special)
{
    TARGET *Target = Debugger->Target;
    if (TargetCan(Target, GetSpecial) && Target->Operations->GetSpecial(Target, Special)) {
        return true;
    }
    return DebuggerError(Debugger, "the control registers cannot be read: %s", Target->Error);
}

/* The only processor there is; another number is refused as WinDbg does it. */
static bool ParseProcessor(DEBUGGER *Debugger, const char *Arguments)
{
    uint64_t Number = 0;
    if (*Arguments != 0 && !ExpressionEvaluateAll(Debugger, Arguments, &Number)) {
        return false;
    }
    return Number < Debugger->Target->State.NumberProcessors || Number == 0 ||
           DebuggerError(Debugger, "Cannot get PRCB address");
}

static bool ControlBlock(DEBUGGER *Debugger, uint64_t Selector, const char *Name,
                         uint64_t *Address)
{
    TARGET *Target = Debugger->Target;
    if (TargetCan(Target, ReadControl) &&
        Target->Operations->ReadControl(Target, Selector, Address)) {
        return true;
    }
    return DebuggerError(Debugger, "the %s is not known: %s", Name, Target->Error);
}

/* !irql [Processor]: before the break, not the debugger's own */
static bool IrqlCommand(DEBUGGER *Debugger, const char *Arguments)
{
    uint64_t Prcb, Irql;
    if (!ParseProcessor(Debugger, Arguments) ||
        !ControlBlock(Debugger, KD_CONTROL_SPACE_PRCB, "PRCB", &Prcb) ||
        !DebugReadField(Debugger, Prcb, "nt!_KPRCB", "DebuggerSavedIRQL", &Irql)) {
        return false;
    }
    DebuggerPrint(Debugger, "Debugger saved IRQL for processor 0x0 -- %llu (%s)\n",
                  (unsigned long long)(Irql & 0xf), IrqlName((uint32_t)Irql & 0xf));
    return true;
}

/* !pcr [Processor] */
static bool PcrCommand(DEBUGGER *Debugger, const char *Arguments)
{
    static const struct {
        const char *Field, *Label;
    } Rows[] = {{"Self", "SelfPcr"},       {"CurrentPrcb", "Prcb"}, {"IdtBase", "IDT"},
                {"GdtBase", "GDT"},        {"TssBase", "TSS"},      {"Prcb.CurrentThread",
                                                                     "CurrentThread"},
                {"Prcb.NextThread", "NextThread"}, {"Prcb.IdleThread", "IdleThread"},
                {"KdVersionBlock", "KdVersionBlock"}};
    uint64_t Address, Value, Major, Minor;
    char Text[DEBUG_ADDRESS_SIZE];
    if (!ParseProcessor(Debugger, Arguments) ||
        !ControlBlock(Debugger, KD_CONTROL_SPACE_PCR, "KPCR", &Address) ||
        !STRUCTURE_READ(Debugger, Address, PCR, {"MajorVersion", &Major},
                        {"MinorVersion", &Minor})) {
        return false;
    }
    DebuggerPrint(Debugger, "KPCR for Processor 0 at %s:\n    Major %llu Minor %llu\n",
                  DebugAddressText(Address, Text), (unsigned long long)Major,
                  (unsigned long long)Minor);
    for (unsigned i = 0; i < sizeof(Rows) / sizeof(Rows[0]); i++) {
        if (!StructureRead(Debugger, Address, PCR, Rows[i].Field, &Value)) {
            return false;
        }
        DebuggerPrint(Debugger, "%24s: %s\n", Rows[i].Label, DebugAddressText(Value, Text));
    }
    return true;
}

/* !prcb [Processor] */
static bool PrcbCommand(DEBUGGER *Debugger, const char *Arguments)
{
    uint64_t Address, Current, Next, Idle, Number, Interrupts, Switches, Dpcs, Depth, Faults;
    uint64_t Soft, Hard, Zero;
    char Text[4][DEBUG_ADDRESS_SIZE];
    KSPECIAL_REGISTERS Special;
    if (!ParseProcessor(Debugger, Arguments) || !ReadSpecial(Debugger, &Special) ||
        !ControlBlock(Debugger, KD_CONTROL_SPACE_PRCB, "KPRCB", &Address) ||
        !STRUCTURE_READ(Debugger, Address, PRCB, {"CurrentThread", &Current},
                        {"NextThread", &Next}, {"IdleThread", &Idle}, {"Number", &Number},
                        {"InterruptCount", &Interrupts}, {"ContextSwitches", &Switches},
                        {"DpcCount", &Dpcs}, {"DpcQueueDepth", &Depth},
                        {"PageFaultCount", &Faults}, {"SoftFaultCount", &Soft},
                        {"HardFaultCount", &Hard}, {"DemandZeroCount", &Zero})) {
        return false;
    }
    DebuggerPrint(Debugger, "PRCB for Processor %llu at %s:\nCurrent IRQL -- %llu\n",
                  (unsigned long long)Number, DebugAddressText(Address, Text[0]),
                  (unsigned long long)Special.Cr8 & 0xf);
    DebuggerPrint(Debugger, "Threads--  Current %s Next %s Idle %s\n",
                  DebugAddressText(Current, Text[1]), DebugAddressText(Next, Text[2]),
                  DebugAddressText(Idle, Text[3]));
    DebuggerPrint(Debugger, "Processor Index %llu\nInterrupt Count -- %08llx\n"
                  "Context switches %llu, DPCs %llu (%llu queued)\n",
                  (unsigned long long)Number, (unsigned long long)Interrupts,
                  (unsigned long long)Switches, (unsigned long long)Dpcs,
                  (unsigned long long)Depth);
    DebuggerPrint(Debugger, "Page faults %llu: soft %llu, hard %llu, demand zero %llu\n",
                  (unsigned long long)Faults, (unsigned long long)Soft, (unsigned long long)Hard,
                  (unsigned long long)Zero);
    return true;
}

/* The interrupt objects of drivers on a vector: a ring, checked link by link. */
static bool PrintInterruptObjects(DEBUGGER *Debugger, uint64_t Head)
{
    uint64_t Link, Routine;
    char Symbol[400], Text[DEBUG_ADDRESS_SIZE];
    if (!StructureOffset(Debugger, "nt!_KINTERRUPT", "Links", &Link)) {
        return false;
    }
    LIST_WALK Walk = ListBegin(Debugger, Head);
    while (ListNext(&Walk) && Walk.Count <= MAX_CHAINED_INTERRUPTS) {
        if (!StructureRead(Debugger, Walk.Entry - Link, "nt!_KINTERRUPT", "ServiceRoutine",
                           &Routine)) {
            return false;
        }
        DebugSymbolText(Debugger, Routine, Symbol, sizeof(Symbol));
        DebuggerPrint(Debugger, "\t\t%s (KINTERRUPT %s)\n", Symbol,
                      DebugAddressText(Walk.Entry - Link, Text));
    }
    return !Walk.Failed;
}

/* Who gets the vector, once the common entry has it. */
static bool PrintVector(DEBUGGER *Debugger, unsigned Vector, uint64_t Handler)
{
    uint64_t Table, Size, Routine, Context, OfDriver;
    char Symbol[400], Text[DEBUG_ADDRESS_SIZE];
    if (!VariableAddress(Debugger, "nt!KiVectors", &Table) ||
        !StructureSize(Debugger, "nt!_KI_VECTOR", &Size) ||
        !STRUCTURE_READ(Debugger, Table + Vector * Size, "nt!_KI_VECTOR", {"Routine", &Routine},
                        {"Context", &Context}, {"OfDriver", &OfDriver})) {
        return false;
    }
    Handler = Routine != 0 ? Routine : Handler;
    DebugSymbolText(Debugger, Handler, Symbol, sizeof(Symbol));
    DebuggerPrint(Debugger, "%02x:\t%s %s\n", Vector, DebugAddressText(Handler, Text), Symbol);
    return !OfDriver || PrintInterruptObjects(Debugger, Context);
}

/* !idt [Vector | -a]: vectors with a routine; -a: all gates that are present */
static bool IdtCommand(DEBUGGER *Debugger, const char *Arguments)
{
    KSPECIAL_REGISTERS Special;
    uint64_t Gate[2], Only = VECTORS, Table, Size, Routine;
    char Text[DEBUG_ADDRESS_SIZE];
    bool All = strcmp(Arguments, "-a") == 0 || strcmp(Arguments, "/a") == 0;
    if (!All && *Arguments != 0 && !ExpressionEvaluateAll(Debugger, Arguments, &Only)) {
        return false;
    }
    if (!ReadSpecial(Debugger, &Special) || !VariableAddress(Debugger, "nt!KiVectors", &Table) ||
        !StructureSize(Debugger, "nt!_KI_VECTOR", &Size)) {
        return false;
    }
    DebuggerPrint(Debugger, "\nDumping IDT: %s\n\n", DebugAddressText(Special.IdtrBase, Text));
    for (unsigned i = 0; i < VECTORS && i * 16 + 15 <= Special.IdtrLimit; i++) {
        if (Only != VECTORS && Only != i) {
            continue;
        }
        if (!DebugRead(Debugger, Special.IdtrBase + i * 16, Gate, sizeof(Gate)) ||
            !StructureRead(Debugger, Table + i * Size, "nt!_KI_VECTOR", "Routine", &Routine)) {
            return DebuggerError(Debugger, "the IDT cannot be read: %s", Debugger->Target->Error);
        }
        bool Present = (Gate[0] >> 47 & 1) != 0;
        uint64_t Handler = (Gate[0] & 0xffff) | (Gate[0] >> 32 & 0xffff0000) | Gate[1] << 32;
        if (Present && (All || Only == i || Routine != 0) && !PrintVector(Debugger, i, Handler)) {
            return false;
        }
    }
    return true;
}

/* Cleaned line by line: what was printed may hold anything. */
static void PrintText(DEBUGGER *Debugger, const char *Bytes, size_t Length)
{
    char Line[1024];
    while (Length != 0) {
        const char *End = memchr(Bytes, '\n', Length);
        size_t Part = End != NULL ? (size_t)(End - Bytes) : Length;
        TextClean(Line, sizeof(Line), Bytes, Part);
        DebuggerPrint(Debugger, End != NULL ? "%s\n" : "%s", Line);
        Part += End != NULL;
        Bytes += Part;
        Length -= Part;
    }
}

/* !dbgprint: what DbgPrint printed last, from the target's circular buffer */
static bool DbgPrintCommand(DEBUGGER *Debugger, const char *Arguments)
{
    uint64_t Buffer, Size, Pointer, Rollovers;
    if (!CommandEnd(Debugger, Arguments) ||
        !DATA_BLOCK_VARIABLE(Debugger, KdPrintCircularBufferPtr, &Buffer) ||
        !DATA_BLOCK_VARIABLE(Debugger, KdPrintBufferSize, &Size) ||
        !DATA_BLOCK_VARIABLE(Debugger, KdPrintWritePointer, &Pointer) ||
        !DATA_BLOCK_VARIABLE(Debugger, KdPrintRolloverCount, &Rollovers)) {
        return false;
    }
    Size &= 0xffffffff;
    if (Size == 0 || Size > MAX_PRINT_BUFFER || Pointer - Buffer >= Size) {
        return DebuggerError(Debugger, "the buffer of DbgPrint is corrupt");
    }
    char *Bytes = malloc(Size);
    if (Bytes == NULL || !DebugRead(Debugger, Buffer, Bytes, Size)) {
        free(Bytes);
        return DebuggerError(Debugger, "the buffer of DbgPrint cannot be read: %s",
                             Debugger->Target->Error);
    }
    if ((Rollovers & 0xffffffff) != 0) {
        PrintText(Debugger, Bytes + (Pointer - Buffer), Size - (Pointer - Buffer));
    }
    PrintText(Debugger, Bytes, Pointer - Buffer);
    DebuggerPrint(Debugger, "\n");
    free(Bytes);
    return true;
}

static bool PrintVerifierEvent(DEBUGGER *Debugger, uint64_t Event)
{
    uint64_t Caller, Value, Export, Kind, Irql, NameAddress;
    char By[400], Name[80], What[400];
    if (!STRUCTURE_READ(Debugger, Event, "nt!_VF_EVENT", {"Caller", &Caller}, {"Value", &Value},
                        {"Export", &Export}, {"Kind", &Kind}, {"Irql", &Irql})) {
        return false;
    }
    DebugSymbolText(Debugger, Caller, By, sizeof(By));
    switch (Kind) {
    case 1:
        if (!StructureRead(Debugger, Export, "nt!_VF_EXPORT", "Name", &NameAddress) ||
            !StructureChars(Debugger, NameAddress, 64, Name, sizeof(Name))) {
            return false;
        }
        DebuggerPrint(Debugger, "  IRQL %2llu  %-40s calls %s(%llx, ...)\n",
                      (unsigned long long)Irql, By, Name, (unsigned long long)Value);
        return true;
    case 2:
        DebuggerPrint(Debugger, "  IRQL %2llu  %-40s sets IRQL to %llu\n",
                      (unsigned long long)Irql, By, (unsigned long long)Value);
        return true;
    case 3:
        DebugSymbolText(Debugger, Value, What, sizeof(What));
        DebuggerPrint(Debugger, "  IRQL %2llu  %-40s faults on %s\n", (unsigned long long)Irql, By,
                      What);
        return true;
    default:
        return true; /* not finished */
    }
}

/* !verifier [8]: whether drivers are verified; 8: what they did last */
static bool VerifierCommand(DEBUGGER *Debugger, const char *Arguments)
{
    uint64_t Flags = 0, Active, History, Count, First, Size, Events, EventsSize;
    if (*Arguments != 0 && !ExpressionEvaluateAll(Debugger, Arguments, &Flags)) {
        return false;
    }
    if (!VariableRead(Debugger, "nt!VfActive", 1, &Active) ||
        !VariableAddress(Debugger, "nt!VfHistory", &History) ||
        !StructureRead(Debugger, History, "nt!_VF_HISTORY", "Count", &Count)) {
        return false;
    }
    DebuggerPrint(Debugger, "Drivers are %sverified. Calls, IRQL changes and faults seen: %llu\n",
                  Active ? "" : "not ", (unsigned long long)Count);
    if ((Flags & 8) == 0 || Count == 0) {
        return true;
    }
    if (!StructureSize(Debugger, "nt!_VF_EVENT", &Size) ||
        !DebugFieldOffset(Debugger, "nt!_VF_HISTORY", "Event", &Events, &EventsSize) || Size == 0 ||
        EventsSize / Size == 0) {
        return DebuggerError(Debugger, "nt!_VF_HISTORY is not in the symbols of its module");
    }
    First = Count > VERIFIER_EVENTS_SHOWN ? Count - VERIFIER_EVENTS_SHOWN : 0;
    for (; First < Count; First++) {
        uint64_t Event = History + Events + First % (EventsSize / Size) * Size;
        if (!PrintVerifierEvent(Debugger, Event)) {
            return false;
        }
    }
    return true;
}

static void PrintOwner(DEBUGGER *Debugger, uint64_t Owner, uint64_t Count)
{
    char Text[DEBUG_ADDRESS_SIZE];
    if (Owner != 0) {
        DebuggerPrint(Debugger, "     Threads: %s-%02llx%s\n",
                      DebugAddressText(Owner & ~3ull, Text), (unsigned long long)Count,
                      (Owner & 3) != 0 ? "    *** Unknown owner, possibly a pointer" : "<*>");
    }
}

/* The entries behind OwnerEntry; the first of the table only says how long it is. */
static bool PrintOwnerTable(DEBUGGER *Debugger, uint64_t Table)
{
    uint64_t Entries, Size, Owner, Count;
    if (Table == 0) {
        return true;
    }
    if (!StructureRead(Debugger, Table, "nt!_OWNER_ENTRY", "TableSize", &Entries) ||
        !StructureSize(Debugger, "nt!_OWNER_ENTRY", &Size)) {
        return false;
    }
    for (uint64_t i = 1; i < Entries && i < MAX_RESOURCE_OWNERS; i++) {
        if (!STRUCTURE_READ(Debugger, Table + i * Size, "nt!_OWNER_ENTRY", {"OwnerThread", &Owner},
                            {"OwnerCount", &Count})) {
            return false;
        }
        PrintOwner(Debugger, Owner, Count);
    }
    return true;
}

static bool PrintResource(DEBUGGER *Debugger, uint64_t Address, bool Free, bool *Held)
{
    uint64_t Active, Flags, Contention, Shared, Exclusive, Owner, Count, Table;
    char Text[DEBUG_ADDRESS_SIZE], Symbol[400];
    if (!STRUCTURE_READ(Debugger, Address, RESOURCE, {"ActiveEntries", &Active}, {"Flag", &Flags},
                        {"ContentionCount", &Contention}, {"NumberOfSharedWaiters", &Shared},
                        {"NumberOfExclusiveWaiters", &Exclusive},
                        {"OwnerEntry.OwnerThread", &Owner}, {"OwnerEntry.OwnerCount", &Count},
                        {"OwnerTable", &Table})) {
        return false;
    }
    *Held = Active != 0;
    if (!*Held && !Free) {
        return true;
    }
    DebugSymbolText(Debugger, Address, Symbol, sizeof(Symbol));
    DebuggerPrint(Debugger, "\nResource @ %s (%s)", Symbol, DebugAddressText(Address, Text));
    if (Active == 0) {
        DebuggerPrint(Debugger, "    Available\n");
    } else if ((Flags & RESOURCE_OWNED_EXCLUSIVE) != 0) {
        DebuggerPrint(Debugger, "    Exclusively owned\n");
    } else {
        DebuggerPrint(Debugger, "    Shared %llu owning threads\n", (unsigned long long)Active);
    }
    DebuggerPrint(Debugger, "    Contention Count = %llu\n", (unsigned long long)Contention);
    if (Shared != 0) {
        DebuggerPrint(Debugger, "    NumberOfSharedWaiters = %llu\n", (unsigned long long)Shared);
    }
    if (Exclusive != 0) {
        DebuggerPrint(Debugger, "    NumberOfExclusiveWaiters = %llu\n",
                      (unsigned long long)Exclusive);
    }
    PrintOwner(Debugger, Owner, Count);
    return PrintOwnerTable(Debugger, Table);
}

/* !locks [-v] [Address]: the ERESOURCEs that are held; -v: all; Address: that one */
static bool LocksCommand(DEBUGGER *Debugger, const char *Arguments)
{
    uint64_t Address = 0, Head = 0, Link;
    unsigned HeldCount = 0;
    bool Verbose = strncmp(Arguments, "-v", 2) == 0, Held = false, Found = false;
    char Text[DEBUG_ADDRESS_SIZE];
    Arguments += Verbose ? 2 : 0;
    Arguments += strspn(Arguments, " \t");
    if (*Arguments != 0 && !ExpressionEvaluateAll(Debugger, Arguments, &Address)) {
        return false;
    }
    if (!VariableAddress(Debugger, "nt!ExpSystemResourcesList", &Head) ||
        !StructureOffset(Debugger, RESOURCE, "SystemResourcesList", &Link)) {
        return false;
    }
    if (Address == 0) {
        DebuggerPrint(Debugger, "**** DUMP OF ALL RESOURCE OBJECTS ****\n");
    }
    LIST_WALK Walk = ListBegin(Debugger, Head);
    while (ListNext(&Walk)) {
        bool Meant = Walk.Entry - Link == Address;
        Found = Found || Meant;
        if (Address != 0 && !Meant) {
            continue;
        }
        if (!PrintResource(Debugger, Walk.Entry - Link, Verbose || Meant, &Held)) {
            return false;
        }
        HeldCount += Held;
    }
    if (Address == 0 && !Walk.Failed) {
        DebuggerPrint(Debugger, "%u total locks, %u locks currently held\n", Walk.Count, HeldCount);
    }
    if (Address != 0 && !Found && !Walk.Failed) {
        return DebuggerError(Debugger, "%s is not an initialized ERESOURCE",
                             DebugAddressText(Address, Text));
    }
    return !Walk.Failed;
}

const DEBUGGER_COMMAND CommandsSystem[] = {
    {"!irql", IrqlCommand, "!irql [Processor]", "The IRQL before the break.", false},
    {"!pcr", PcrCommand, "!pcr [Processor]", "The processor control region.", false},
    {"!prcb", PrcbCommand, "!prcb [Processor]", "The processor control block.", false},
    {"!idt", IdtCommand, "!idt [Vector | -a]", "Interrupt vectors and who serves them.", false},
    {"!dbgprint", DbgPrintCommand, "!dbgprint", "What DbgPrint printed last.", false},
    {"!verifier", VerifierCommand, "!verifier [8]",
     "Whether drivers are verified; 8: what they did last.", false},
    {"!locks", LocksCommand, "!locks [-v] [Address]",
     "ERESOURCEs that are held and who owns them; -v: all of them.", false},
    {0},
};
