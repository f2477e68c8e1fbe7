/* SPDX-License-Identifier: MIT */
/* !drvobj, !devobj, !irp. */
#include "host/debugger/debugger.h"

#include <string.h>

#include "host/debugger/object_name.h"
#include "nt/io_constants.h"

#define DRIVER "nt!_DRIVER_OBJECT"
#define DEVICE "nt!_DEVICE_OBJECT"
#define DEVICE_EXTENSION "nt!_IOP_DEVOBJ_EXTENSION"
#define STACK_LOCATION "nt!_IO_STACK_LOCATION"
#define MAX_DEVICES 1024u
#define MAX_EXTENSIONS 64u
#define MAX_STACK_COUNT 127u

static const char *const MajorNames[IRP_MJ_MAXIMUM_FUNCTION + 1] = {
    "IRP_MJ_CREATE", "IRP_MJ_CREATE_NAMED_PIPE", "IRP_MJ_CLOSE", "IRP_MJ_READ", "IRP_MJ_WRITE",
    "IRP_MJ_QUERY_INFORMATION", "IRP_MJ_SET_INFORMATION", "IRP_MJ_QUERY_EA", "IRP_MJ_SET_EA",
    "IRP_MJ_FLUSH_BUFFERS", "IRP_MJ_QUERY_VOLUME_INFORMATION", "IRP_MJ_SET_VOLUME_INFORMATION",
    "IRP_MJ_DIRECTORY_CONTROL", "IRP_MJ_FILE_SYSTEM_CONTROL", "IRP_MJ_DEVICE_CONTROL",
    "IRP_MJ_INTERNAL_DEVICE_CONTROL", "IRP_MJ_SHUTDOWN", "IRP_MJ_LOCK_CONTROL", "IRP_MJ_CLEANUP",
    "IRP_MJ_CREATE_MAILSLOT", "IRP_MJ_QUERY_SECURITY", "IRP_MJ_SET_SECURITY", "IRP_MJ_POWER",
    "IRP_MJ_SYSTEM_CONTROL", "IRP_MJ_DEVICE_CHANGE", "IRP_MJ_QUERY_QUOTA", "IRP_MJ_SET_QUOTA",
    "IRP_MJ_PNP",
};

/* The Type that begins every structure of Io. */
static bool CheckType(DEBUGGER *Debugger, uint64_t Address, const char *Structure, uint64_t Wanted,
                      const char *What)
{
    uint64_t Type;
    char Text[DEBUG_ADDRESS_SIZE];
    if (!StructureRead(Debugger, Address, Structure, "Type", &Type)) {
        return false;
    }
    return Type == Wanted || DebuggerError(Debugger, "%s is not a %s object: its type is %llu, not "
                                           "%llu", DebugAddressText(Address, Text), What,
                                           (unsigned long long)Type, (unsigned long long)Wanted);
}

static void PrintRoutine(DEBUGGER *Debugger, const char *Name, uint64_t Routine)
{
    char Text[DEBUG_ADDRESS_SIZE], Symbol[400] = "";
    if (Routine != 0) {
        DebugSymbolText(Debugger, Routine, Symbol, sizeof(Symbol));
    }
    DebuggerPrint(Debugger, "%s%s%s%s\n", Name, DebugAddressText(Routine, Text),
                  Symbol[0] ? "\t" : "", Symbol);
}

/* An address, "\Driver\Name", or "Name" in Directory. */
static bool FindNamed(DEBUGGER *Debugger, const char *Word, const char *Directory,
                      uint64_t *Object)
{
    char Path[STRUCTURE_NAME];
    if (Word[0] == '\\') {
        return ObjectFind(Debugger, Word, Object);
    }
    if (Word[strspn(Word, "0123456789abcdefABCDEF`x")] == 0 || Word[0] == '@' || Word[0] == '(') {
        return ExpressionEvaluateAll(Debugger, Word, Object);
    }
    snprintf(Path, sizeof(Path), "%s\\%s", Directory, Word);
    return ObjectFind(Debugger, Path, Object);
}

static bool PrintExtensions(DEBUGGER *Debugger, uint64_t Driver)
{
    uint64_t Extension, Client, Next, Identification, DataOffset;
    char Text[DEBUG_ADDRESS_SIZE], Id[DEBUG_ADDRESS_SIZE];
    DebuggerPrint(Debugger, "Driver Extension List: (id , addr)\n");
    if (!StructureRead(Debugger, Driver, DRIVER, "DriverExtension", &Extension) ||
        !StructureRead(Debugger, Extension, "nt!_IOP_DRIVER_EXTENSION", "ClientExtensions",
                       &Client) ||
        !StructureOffset(Debugger, "nt!_IOP_CLIENT_EXTENSION", "Data", &DataOffset)) {
        return false;
    }
    for (unsigned Count = 0; Client != 0; Count++) {
        if (Count == MAX_EXTENSIONS) {
            return DebuggerError(Debugger, "the driver's extensions have no end");
        }
        if (!STRUCTURE_READ(Debugger, Client, "nt!_IOP_CLIENT_EXTENSION", {"Next", &Next},
                            {"Identification", &Identification})) {
            return false;
        }
        DebuggerPrint(Debugger, "(%s %s)\n", DebugAddressText(Identification, Id),
                      DebugAddressText(Client + DataOffset, Text));
        Client = Next;
    }
    return true;
}

static bool PrintDevices(DEBUGGER *Debugger, uint64_t Driver)
{
    uint64_t Device;
    char Text[DEBUG_ADDRESS_SIZE];
    DebuggerPrint(Debugger, "\nDevice Object list:\n");
    if (!StructureRead(Debugger, Driver, DRIVER, "DeviceObject", &Device)) {
        return false;
    }
    for (unsigned Count = 0; Device != 0; Count++) {
        if (Count == MAX_DEVICES) {
            return DebuggerError(Debugger, "the driver's devices have no end");
        }
        DebuggerPrint(Debugger, "%s%s", Count == 0 ? "" : Count % 4 != 0 ? "  " : "\n",
                      DebugAddressText(Device, Text));
        if (!StructureRead(Debugger, Device, DEVICE, "NextDevice", &Device)) {
            return false;
        }
    }
    DebuggerPrint(Debugger, "\n\n");
    return true;
}

static bool PrintEntryPoints(DEBUGGER *Debugger, uint64_t Driver)
{
    uint64_t Init, StartIo, Unload, Extension, AddDevice, Major, Routine;
    if (!STRUCTURE_READ(Debugger, Driver, DRIVER, {"DriverInit", &Init},
                        {"DriverStartIo", &StartIo}, {"DriverUnload", &Unload},
                        {"DriverExtension", &Extension}) ||
        !StructureRead(Debugger, Extension, "nt!_DRIVER_EXTENSION", "AddDevice", &AddDevice) ||
        !StructureOffset(Debugger, DRIVER, "MajorFunction", &Major)) {
        return false;
    }
    PrintRoutine(Debugger, "DriverEntry:   ", Init);
    PrintRoutine(Debugger, "DriverStartIo: ", StartIo);
    PrintRoutine(Debugger, "DriverUnload:  ", Unload);
    PrintRoutine(Debugger, "AddDevice:     ", AddDevice);
    DebuggerPrint(Debugger, "\nDispatch routines:\n");
    for (unsigned i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        char Name[48];
        if (!DebugRead64(Debugger, Driver + Major + i * 8, &Routine)) {
            return DebuggerError(Debugger, "the dispatch table cannot be read: %s",
                                 Debugger->Target->Error);
        }
        snprintf(Name, sizeof(Name), "[%02x] %-35s", i, MajorNames[i]);
        PrintRoutine(Debugger, Name, Routine);
    }
    return true;
}

/* !drvobj Driver [Flags]; 1 devices, 2 entry points */
static bool DriverCommand(DEBUGGER *Debugger, const char *Arguments)
{
    char Word[STRUCTURE_NAME], Text[DEBUG_ADDRESS_SIZE], Name[STRUCTURE_NAME];
    uint64_t Driver, Flags = 1, Offset;
    if (!CommandWord(&Arguments, Word, sizeof(Word))) {
        return DebuggerError(Debugger, "!drvobj needs a driver object: its address or its name");
    }
    if ((*Arguments != 0 && !ExpressionEvaluateAll(Debugger, Arguments, &Flags)) ||
        !FindNamed(Debugger, Word, "\\Driver", &Driver) ||
        !CheckType(Debugger, Driver, DRIVER, IO_TYPE_DRIVER, "driver") ||
        !StructureOffset(Debugger, DRIVER, "DriverName", &Offset) ||
        !StructureString(Debugger, Driver + Offset, Name, sizeof(Name))) {
        return false;
    }
    DebuggerPrint(Debugger, "Driver object (%s) is for:\n %s\n\n", DebugAddressText(Driver, Text),
                  Name);
    return ((Flags & 1) == 0 || (PrintExtensions(Debugger, Driver) &&
                                 PrintDevices(Debugger, Driver))) &&
           ((Flags & 2) == 0 || PrintEntryPoints(Debugger, Driver));
}

/* "\Driver\notepad", or the address when it has no name. */
static bool DriverName(DEBUGGER *Debugger, uint64_t Driver, char *Out, size_t Capacity)
{
    uint64_t Offset;
    return StructureOffset(Debugger, DRIVER, "DriverName", &Offset) &&
           StructureString(Debugger, Driver + Offset, Out, Capacity);
}

static bool PrintNeighbour(DEBUGGER *Debugger, const char *Label, uint64_t Device)
{
    char Name[STRUCTURE_NAME], Text[DEBUG_ADDRESS_SIZE];
    uint64_t Driver;
    if (Device == 0) {
        return true;
    }
    if (!StructureRead(Debugger, Device, DEVICE, "DriverObject", &Driver) ||
        !DriverName(Debugger, Driver, Name, sizeof(Name))) {
        return false;
    }
    DebuggerPrint(Debugger, "%s%s %s\n", Label, DebugAddressText(Device, Text), Name);
    return true;
}

static bool PrintDeviceQueue(DEBUGGER *Debugger, uint64_t Device)
{
    uint64_t Busy, Head, Link, Irp, Entry;
    char Text[DEBUG_ADDRESS_SIZE];
    if (!StructureRead(Debugger, Device, DEVICE, "DeviceQueue.Busy", &Busy) ||
        !StructureOffset(Debugger, DEVICE, "DeviceQueue.DeviceListHead", &Head) ||
        !StructureOffset(Debugger, "nt!_IRP", "Tail.Overlay.DeviceQueueEntry", &Irp) ||
        !StructureOffset(Debugger, "nt!_KDEVICE_QUEUE_ENTRY", "DeviceListEntry", &Link)) {
        return false;
    }
    DebuggerPrint(Debugger, "Device queue is %sbusy%s\n", Busy ? "" : "not ",
                  Busy ? " -- Queue:" : ".");
    LIST_WALK Walk = ListBegin(Debugger, Device + Head);
    while (Busy && ListNext(&Walk)) {
        Entry = Walk.Entry - Link - Irp;
        DebuggerPrint(Debugger, "    Irp %s\n", DebugAddressText(Entry, Text));
    }
    return !Walk.Failed;
}

/* !devobj Device */
static bool DeviceCommand(DEBUGGER *Debugger, const char *Arguments)
{
    uint64_t Device, Driver, Irp, References, Type, Flags, Extension, IoExtension, Attached;
    uint64_t Characteristics, ExtensionFlags, Below;
    char Text[DEBUG_ADDRESS_SIZE], Second[DEBUG_ADDRESS_SIZE], Name[STRUCTURE_NAME],
        Path[STRUCTURE_NAME];
    if (*Arguments == 0) {
        return DebuggerError(Debugger, "!devobj needs a device object: its address or its name");
    }
    if (!FindNamed(Debugger, Arguments, "\\Device", &Device) ||
        !CheckType(Debugger, Device, DEVICE, IO_TYPE_DEVICE, "device") ||
        !STRUCTURE_READ(Debugger, Device, DEVICE, {"DriverObject", &Driver}, {"CurrentIrp", &Irp},
                        {"ReferenceCount", &References}, {"DeviceType", &Type}, {"Flags", &Flags},
                        {"DeviceExtension", &Extension}, {"DeviceObjectExtension", &IoExtension},
                        {"AttachedDevice", &Attached}, {"Characteristics", &Characteristics}) ||
        !STRUCTURE_READ(Debugger, IoExtension, DEVICE_EXTENSION,
                        {"ExtensionFlags", &ExtensionFlags}, {"AttachedTo", &Below}) ||
        !DriverName(Debugger, Driver, Name, sizeof(Name)) ||
        !ObjectPath(Debugger, Device, Path, sizeof(Path))) {
        return false;
    }
    DebuggerPrint(Debugger, "Device object (%s) is for:\n %s%s%s DriverObject %s\n",
                  DebugAddressText(Device, Text), Path, Path[0] ? " " : "", Name,
                  DebugAddressText(Driver, Second));
    DebuggerPrint(Debugger, "Current Irp %s RefCount %u Type %08x Flags %08x\n",
                  DebugAddressText(Irp, Text), (unsigned)References, (unsigned)Type,
                  (unsigned)Flags);
    DebuggerPrint(Debugger, "DevExt %s DevObjExt %s\n", DebugAddressText(Extension, Text),
                  DebugAddressText(IoExtension, Second));
    DebuggerPrint(Debugger, "ExtensionFlags (0x%08x)\nCharacteristics (0x%08x)\n",
                  (unsigned)ExtensionFlags, (unsigned)Characteristics);
    return PrintNeighbour(Debugger, "AttachedDevice (Upper) ", Attached) &&
           PrintNeighbour(Debugger, "AttachedTo (Lower) ", Below) &&
           PrintDeviceQueue(Debugger, Device);
}

static bool PrintStackLocation(DEBUGGER *Debugger, uint64_t Location, bool Current)
{
    uint64_t Major, Minor, Flags, Control, Device, File, Routine, Context, Driver, Parameters;
    uint64_t Arguments[4] = {0};
    char Name[STRUCTURE_NAME], Symbol[400] = "", Text[4][DEBUG_ADDRESS_SIZE];
    if (!STRUCTURE_READ(Debugger, Location, STACK_LOCATION, {"MajorFunction", &Major},
                        {"MinorFunction", &Minor}, {"Flags", &Flags}, {"Control", &Control},
                        {"DeviceObject", &Device}, {"FileObject", &File},
                        {"CompletionRoutine", &Routine}, {"Context", &Context}) ||
        !StructureOffset(Debugger, STACK_LOCATION, "Parameters", &Parameters) ||
        !DebugRead(Debugger, Location + Parameters, Arguments, sizeof(Arguments))) {
        return false;
    }
    DebuggerPrint(Debugger, "%c[%s(%llx), %llx] %2llx %2llx %s %s %s-%s%s%s%s%s\n",
                  Current ? '>' : ' ',
                  Major <= IRP_MJ_MAXIMUM_FUNCTION ? MajorNames[Major] : "unknown",
                  (unsigned long long)Major, (unsigned long long)Minor, (unsigned long long)Flags,
                  (unsigned long long)(Control & 0xff), DebugAddressText(Device, Text[0]),
                  DebugAddressText(File, Text[1]), DebugAddressText(Routine, Text[2]),
                  DebugAddressText(Context, Text[3]),
                  Control & SL_INVOKE_ON_SUCCESS ? " Success" : "",
                  Control & SL_INVOKE_ON_ERROR ? " Error" : "",
                  Control & SL_INVOKE_ON_CANCEL ? " Cancel" : "",
                  Control & SL_PENDING_RETURNED ? " pending" : "");
    if (Device != 0 && StructureRead(Debugger, Device, DEVICE, "DriverObject", &Driver) &&
        DriverName(Debugger, Driver, Name, sizeof(Name))) {
        if (Routine != 0) {
            DebugSymbolText(Debugger, Routine, Symbol, sizeof(Symbol));
        }
        DebuggerPrint(Debugger, "\t       %s%s%s\n", Name, Symbol[0] ? "\t" : "", Symbol);
    }
    DebuggerPrint(Debugger, "\t\t\tArgs: %08llx %08llx %08llx %08llx\n",
                  (unsigned long long)Arguments[0], (unsigned long long)Arguments[1],
                  (unsigned long long)Arguments[2], (unsigned long long)Arguments[3]);
    return true;
}

/* What is said of the packet as a whole. */
static bool PrintIrp(DEBUGGER *Debugger, uint64_t Irp, uint64_t Stacks, uint64_t Current)
{
    uint64_t Mdl, Buffer, Thread, Cancel, CancelRoutine, Pending;
    char Text[DEBUG_ADDRESS_SIZE], Symbol[400];
    if (!STRUCTURE_READ(Debugger, Irp, "nt!_IRP", {"MdlAddress", &Mdl},
                        {"AssociatedIrp.SystemBuffer", &Buffer},
                        {"Tail.Overlay.Thread", &Thread}, {"Cancel", &Cancel},
                        {"CancelRoutine", &CancelRoutine}, {"PendingReturned", &Pending})) {
        return false;
    }
    if (Current > Stacks) {
        DebuggerPrint(Debugger, "Irp is active with %llu stacks; it is completed, or was never "
                      "sent\n", (unsigned long long)Stacks);
    } else {
        DebuggerPrint(Debugger, "Irp is active with %llu stacks %llu is current\n",
                      (unsigned long long)Stacks, (unsigned long long)Current);
    }
    DebuggerPrint(Debugger, Mdl != 0 ? " Mdl=%s:" : " No Mdl:", DebugAddressText(Mdl, Text));
    DebuggerPrint(Debugger, Buffer != 0 ? " System buffer=%s:" : " No System Buffer:",
                  DebugAddressText(Buffer, Text));
    DebuggerPrint(Debugger, " Thread %s:  Irp stack trace.%s%s\n", DebugAddressText(Thread, Text),
                  Pending ? "  Pending has been returned" : "", Cancel ? "  CANCELLED" : "");
    if (CancelRoutine != 0) {
        DebugSymbolText(Debugger, CancelRoutine, Symbol, sizeof(Symbol));
        DebuggerPrint(Debugger, " Cancel routine %s\n", Symbol);
    }
    return true;
}

/* !irp Address */
static bool IrpCommand(DEBUGGER *Debugger, const char *Arguments)
{
    uint64_t Irp, Stacks, Current, IrpSize, LocationSize;
    if (!ExpressionEvaluateAll(Debugger, Arguments, &Irp) ||
        !CheckType(Debugger, Irp, "nt!_IRP", IO_TYPE_IRP, "request") ||
        !STRUCTURE_READ(Debugger, Irp, "nt!_IRP", {"StackCount", &Stacks},
                        {"CurrentLocation", &Current}) ||
        !StructureSize(Debugger, "nt!_IRP", &IrpSize) ||
        !StructureSize(Debugger, STACK_LOCATION, &LocationSize)) {
        return false;
    }
    if (Stacks == 0 || Stacks > MAX_STACK_COUNT || Current == 0 || Current > Stacks + 1) {
        return DebuggerError(Debugger, "the request is corrupt: stack location %llu of %llu",
                             (unsigned long long)Current, (unsigned long long)Stacks);
    }
    if (!PrintIrp(Debugger, Irp, Stacks, Current)) {
        return false;
    }
    DebuggerPrint(Debugger, "     cmd  flg cl Device   File     Completion-Context\n");
    for (uint64_t i = 0; i < Stacks; i++) {
        if (!PrintStackLocation(Debugger, Irp + IrpSize + i * LocationSize, i + 1 == Current)) {
            return false;
        }
    }
    return true;
}

const DEBUGGER_COMMAND CommandsDriver[] = {
    {"!drvobj", DriverCommand, "!drvobj Driver [1 | 2 | 3]",
     "A driver object; 1: its devices, 2: its entry points.", false},
    {"!devobj", DeviceCommand, "!devobj Device", "A device object.", false},
    {"!irp", IrpCommand, "!irp Address", "An I/O request packet and its stack locations.", false},
    {0},
};
