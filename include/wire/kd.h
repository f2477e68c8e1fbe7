/* SPDX-License-Identifier: MIT */
/*
 * The kernel debugger's wire: packets over a serial line (KDCOM) and the structures in them, as a
 * Windows 10 x64 target speaks it. Little endian; offsets in comments are hexadecimal and are
 * checked at the end. Both ends, the codec (lib/kd_packet.h) and its tests are built from this.
 *
 * A data packet is KD_PACKET with the leader 30303030, its bytes, then one byte AA that neither
 * count nor checksum covers. A control packet has the leader 69696969, no bytes and no AA. A
 * break-in is the single byte 62 outside of any packet.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define KD_LEADER_DATA 0x30303030u
#define KD_LEADER_CONTROL 0x69696969u
#define KD_BREAK_IN_BYTE 0x62
#define KD_TRAILING_BYTE 0xAA
#define KD_MAX_PAYLOAD 4000u /* bytes */
#define KD_INITIAL_ID 0x80800000u
#define KD_SYNC_ID 0x800u /* set in the id of a side's first packet; masked out in an ACK */
#define KD_PRINT_RETRIES 20u
#define KD_BREAKPOINT_MAX 32u /* handles are 1 .. 32 */

typedef struct {
    uint32_t Leader;
    uint16_t Type; /* KD_PACKET_TYPE */
    uint16_t ByteCount;
    uint32_t Id;
    uint32_t Checksum; /* sum of the payload's bytes */
} KD_PACKET;

typedef enum {
    KdPacketUnused = 0,
    KdPacketStateChange32 = 1,
    KdPacketManipulate = 2,
    KdPacketDebugIo = 3,
    KdPacketAcknowledge = 4,
    KdPacketResend = 5,
    KdPacketReset = 6,
    KdPacketStateChange64 = 7,
    KdPacketPollBreakIn = 8, /* never on the wire */
    KdPacketTraceIo = 9,
    KdPacketControlRequest = 10,
    KdPacketFileIo = 11,
    KdPacketTypes = 12,
} KD_PACKET_TYPE;

/* Of DBGKD_WAIT_STATE_CHANGE.NewState */
#define DBGKD_EXCEPTION_STATE_CHANGE 0x3030u
#define DBGKD_LOAD_SYMBOLS_STATE_CHANGE 0x3031u
#define DBGKD_COMMAND_STRING_STATE_CHANGE 0x3032u

typedef struct {
    uint32_t ExceptionCode;
    uint32_t ExceptionFlags;
    uint64_t ExceptionRecord;
    uint64_t ExceptionAddress;
    uint32_t NumberParameters;
    uint32_t Unused;
    uint64_t Information[15];
} KD_EXCEPTION_RECORD64;

typedef struct {
    KD_EXCEPTION_RECORD64 Record;
    uint32_t FirstChance;
    uint32_t Unused;
} DBGKM_EXCEPTION64;

typedef struct {
    uint32_t PathNameLength; /* with its NUL; the path (ANSI) follows the packet's structure */
    uint32_t Unused;
    uint64_t BaseOfDll;
    uint64_t ProcessId;
    uint32_t CheckSum;
    uint32_t SizeOfImage;
    uint8_t UnloadSymbols;
    uint8_t Unused1[7];
} DBGKD_LOAD_SYMBOLS64;

typedef struct {
    uint32_t Flags;
    uint32_t Reserved1;
    uint64_t Reserved2[7];
} DBGKD_COMMAND_STRING;

#define KD_REPORT_INCLUDES_SEGMENTS 1u
#define KD_REPORT_STANDARD_CS 2u

typedef struct {
    uint64_t Dr6, Dr7;
    uint32_t EFlags;
    uint16_t InstructionCount;
    uint16_t ReportFlags;
    uint8_t InstructionStream[16];
    uint16_t SegCs, SegDs, SegEs, SegFs;
} AMD64_DBGKD_CONTROL_REPORT;

typedef struct {
    uint32_t NewState;
    uint16_t ProcessorLevel;
    uint16_t Processor;
    uint32_t NumberProcessors;
    uint32_t Unused;
    uint64_t Thread; /* KTHREAD */
    uint64_t ProgramCounter;
    union {
        DBGKM_EXCEPTION64 Exception;
        DBGKD_LOAD_SYMBOLS64 LoadSymbols;
        DBGKD_COMMAND_STRING CommandString;
        uint8_t Size[0xA0];
    };
    AMD64_DBGKD_CONTROL_REPORT ControlReport;
} DBGKD_ANY_WAIT_STATE_CHANGE;

/* ApiNumber of DBGKD_MANIPULATE_STATE64. "No reply" means that none may be sent. */
typedef enum {
    DbgKdReadVirtualMemoryApi = 0x3130,
    DbgKdWriteVirtualMemoryApi = 0x3131,
    DbgKdGetContextApi = 0x3132,
    DbgKdSetContextApi = 0x3133,
    DbgKdWriteBreakPointApi = 0x3134,
    DbgKdRestoreBreakPointApi = 0x3135,
    DbgKdContinueApi = 0x3136, /* no reply */
    DbgKdReadControlSpaceApi = 0x3137,
    DbgKdWriteControlSpaceApi = 0x3138,
    DbgKdReadIoSpaceApi = 0x3139,
    DbgKdWriteIoSpaceApi = 0x313A,
    DbgKdRebootApi = 0x313B,    /* no reply */
    DbgKdContinueApi2 = 0x313C, /* no reply */
    DbgKdReadPhysicalMemoryApi = 0x313D,
    DbgKdWritePhysicalMemoryApi = 0x313E,
    DbgKdQuerySpecialCallsApi = 0x313F,
    DbgKdSetSpecialCallApi = 0x3140,
    DbgKdClearSpecialCallsApi = 0x3141,
    DbgKdSetInternalBreakPointApi = 0x3142,
    DbgKdGetInternalBreakPointApi = 0x3143,
    DbgKdReadIoSpaceExtendedApi = 0x3144,
    DbgKdWriteIoSpaceExtendedApi = 0x3145,
    DbgKdGetVersionApi = 0x3146,
    DbgKdWriteBreakPointExApi = 0x3147,
    DbgKdRestoreBreakPointExApi = 0x3148,
    DbgKdCauseBugCheckApi = 0x3149, /* no reply */
    DbgKdSwitchProcessor = 0x3150,  /* no reply: a state change of that processor comes */
    DbgKdPageInApi = 0x3151,        /* obsolete since NT 5: fails */
    DbgKdReadMachineSpecificRegister = 0x3152,
    DbgKdWriteMachineSpecificRegister = 0x3153,
    DbgKdSearchMemoryApi = 0x3156,
    DbgKdGetBusDataApi = 0x3157,
    DbgKdSetBusDataApi = 0x3158,
    DbgKdCheckLowMemoryApi = 0x3159,
    DbgKdClearAllInternalBreakpointsApi = 0x315A, /* no reply */
    DbgKdFillMemoryApi = 0x315B,
    DbgKdQueryMemoryApi = 0x315C,
    DbgKdSwitchPartition = 0x315D,
    DbgKdWriteCustomBreakpointApi = 0x315E,
    DbgKdGetContextExApi = 0x315F,
    DbgKdSetContextExApi = 0x3160,
    DbgKdMaximumManipulate = 0x3161,
} KD_MANIPULATE_API;

#define KD_CONTROL_SPACE_PCR 0u
#define KD_CONTROL_SPACE_PRCB 1u
#define KD_CONTROL_SPACE_SPECIAL 2u /* KSPECIAL_REGISTERS; the only one that can be written */
#define KD_CONTROL_SPACE_THREAD 3u

#define KD_MEMORY_PROCESS 0u
#define KD_MEMORY_SESSION 1u
#define KD_MEMORY_KERNEL 2u
#define KD_MEMORY_READ 1u
#define KD_MEMORY_WRITE 2u
#define KD_MEMORY_EXECUTE 4u
#define KD_MEMORY_FIXED 8u

#define KD_FILL_VIRTUAL 1u
#define KD_FILL_PHYSICAL 2u

#pragma pack(push, 4)

typedef struct {
    uint16_t MajorVersion; /* low byte: 0F free, 0C checked */
    uint16_t MinorVersion; /* the build */
    uint8_t ProtocolVersion;
    uint8_t KdSecondaryVersion;
    uint16_t Flags; /* KD_VERSION_... */
    uint16_t MachineType;
    uint8_t MaxPacketType;
    uint8_t MaxStateChange;
    uint8_t MaxManipulate;
    uint8_t Simulation;
    uint16_t Unused;
    uint64_t KernBase;
    uint64_t PsLoadedModuleList;
    uint64_t DebuggerDataList; /* address of a LIST_ENTRY whose Flink leads to the data block */
} DBGKD_GET_VERSION64;

#define KD_VERSION_MULTIPROCESSOR 1u
#define KD_VERSION_DATA 2u
#define KD_VERSION_PTR64 4u

/* The union's members begin at 10h; the reply echoes the header. Data follows the structure. */
typedef struct {
    uint32_t ApiNumber; /* KD_MANIPULATE_API */
    uint16_t ProcessorLevel;
    uint16_t Processor;
    int32_t ReturnStatus; /* NTSTATUS */
    uint32_t Unused;
    union {
        struct {
            uint64_t Address; /* virtual, physical, or the selector of a control space */
            uint32_t TransferCount;
            uint32_t ActualBytes; /* of physical memory, in the request: how to cache */
        } Memory;
        struct {
            uint64_t Address;
            uint32_t Handle;
        } WriteBreakPoint;
        struct {
            uint32_t Handle;
        } RestoreBreakPoint;
        struct {
            int32_t Status;
        } Continue;
        struct {
            int32_t Status;
            uint32_t TraceFlag;
            uint64_t Dr7;
            uint64_t CurrentSymbolStart;
            uint64_t CurrentSymbolEnd;
        } Continue2;
        struct {
            uint64_t Port;
            uint32_t Size; /* 1, 2 or 4 */
            uint32_t Value;
        } IoSpace;
        struct {
            uint32_t Size;
            uint32_t InterfaceType;
            uint32_t BusNumber;
            uint32_t AddressSpace;
            uint64_t Port;
            uint32_t Value;
        } IoSpaceExtended;
        struct {
            uint32_t Register;
            uint32_t Low;
            uint32_t High;
        } Msr;
        struct {
            uint64_t Address; /* in the reply: where it was found */
            uint64_t Length;
            uint32_t PatternLength;
        } Search;
        struct {
            uint32_t Type;
            uint32_t Bus;
            uint32_t Slot;
            uint32_t Offset;
            uint32_t Length;
        } BusData;
        struct {
            uint64_t Address;
            uint32_t Length;
            uint16_t Flags; /* KD_FILL_... */
            uint16_t PatternLength;
        } Fill;
        struct {
            uint64_t Address;
            uint64_t Reserved;
            uint32_t Space; /* KD_MEMORY_PROCESS .. */
            uint32_t Flags;
        } QueryMemory;
        struct {
            uint32_t Offset;
            uint32_t Count;
            uint32_t Copied;
        } ContextEx;
        struct {
            uint64_t Address;
            uint32_t Flags, Calls, MaxCallsPerPeriod, MinInstructions, MaxInstructions,
                TotalInstructions;
        } InternalBreakpoint;
        DBGKD_GET_VERSION64 Version;
        uint8_t Size[0x28];
    };
} DBGKD_MANIPULATE_STATE64;

#pragma pack(pop)

#define DbgKdPrintStringApi 0x3230u
#define DbgKdGetStringApi 0x3231u

typedef struct {
    uint32_t ApiNumber;
    uint16_t ProcessorLevel;
    uint16_t Processor;
    uint32_t Length;     /* of the string or prompt that follows the 10h bytes */
    uint32_t LengthRead; /* DbgKdGetStringApi: room, and in the answer the length */
} DBGKD_DEBUG_IO;

/* Status of Continue and Continue2; a negative one means "not handled". */
#define KD_CONTINUE_EXCEPTION_HANDLED 0x00010001
#define KD_CONTINUE 0x00010002
#define KD_CONTINUE_NOT_HANDLED ((int32_t)0x80010001)

#define KD_EXCEPTION_BREAKPOINT 0x80000003u
#define KD_EXCEPTION_SINGLE_STEP 0x80000004u
#define KD_EXCEPTION_WAKE 0x80000007u /* after a switch of processor */
#define KD_EXCEPTION_ASSERTION 0xC0000420u

/* Argument of DbgBreakPointWithStatus, in rcx at the break */
#define DBG_STATUS_CONTROL_C 1
#define DBG_STATUS_SYSRQ 2
#define DBG_STATUS_BUGCHECK_FIRST 3
#define DBG_STATUS_BUGCHECK_SECOND 4
#define DBG_STATUS_FATAL 5
#define DBG_STATUS_DEBUG_CONTROL 6
#define DBG_STATUS_WORKER 7

/* nt!ExpDebuggerWork: what is done with ExpDebuggerProcessAttach, ...ProcessKill, ...PageIn. */
#define WINKD_WORKER_READY 0u
#define WINKD_WORKER_START 1u       /* written by the debugger */
#define WINKD_WORKER_INITIALIZED 2u /* queued */

/* As at 100h of build 18362's KPRCB. */
typedef struct {
    uint64_t Cr0, Cr2, Cr3, Cr4;
    uint64_t Dr0, Dr1, Dr2, Dr3, Dr6, Dr7;
    uint16_t GdtrPad[3], GdtrLimit;
    uint64_t GdtrBase;
    uint16_t IdtrPad[3], IdtrLimit;
    uint64_t IdtrBase;
    uint16_t Tr, Ldtr;
    uint32_t MxCsr;
    uint64_t DebugControl;
    uint64_t LastBranchToRip, LastBranchFromRip, LastExceptionToRip, LastExceptionFromRip;
    uint64_t Cr8;
    uint64_t MsrGsBase, MsrGsSwap, MsrStar, MsrLStar, MsrCStar, MsrSyscallMask;
    uint64_t Xcr0, MsrFsBase, SpecialPadding0;
} KSPECIAL_REGISTERS;

#define KD_ASSERT_OFFSET(type, member, offset) \
    _Static_assert(offsetof(type, member) == (offset), #type "." #member)

_Static_assert(sizeof(KD_PACKET) == 0x10, "KD_PACKET");
_Static_assert(sizeof(DBGKD_ANY_WAIT_STATE_CHANGE) == 0xF0, "state change");
KD_ASSERT_OFFSET(DBGKD_ANY_WAIT_STATE_CHANGE, Thread, 0x10);
KD_ASSERT_OFFSET(DBGKD_ANY_WAIT_STATE_CHANGE, Exception, 0x20);
KD_ASSERT_OFFSET(DBGKD_ANY_WAIT_STATE_CHANGE, Exception.Record.Information, 0x40);
KD_ASSERT_OFFSET(DBGKD_ANY_WAIT_STATE_CHANGE, Exception.FirstChance, 0xB8);
KD_ASSERT_OFFSET(DBGKD_ANY_WAIT_STATE_CHANGE, LoadSymbols.BaseOfDll, 0x28);
KD_ASSERT_OFFSET(DBGKD_ANY_WAIT_STATE_CHANGE, LoadSymbols.UnloadSymbols, 0x40);
KD_ASSERT_OFFSET(DBGKD_ANY_WAIT_STATE_CHANGE, ControlReport, 0xC0);
KD_ASSERT_OFFSET(DBGKD_ANY_WAIT_STATE_CHANGE, ControlReport.SegFs, 0xEE);
_Static_assert(sizeof(DBGKD_MANIPULATE_STATE64) == 0x38, "manipulate");
KD_ASSERT_OFFSET(DBGKD_MANIPULATE_STATE64, Memory.Address, 0x10);
KD_ASSERT_OFFSET(DBGKD_MANIPULATE_STATE64, Continue2.Dr7, 0x18);
KD_ASSERT_OFFSET(DBGKD_MANIPULATE_STATE64, Continue2.CurrentSymbolEnd, 0x28);
KD_ASSERT_OFFSET(DBGKD_MANIPULATE_STATE64, Search.PatternLength, 0x20);
KD_ASSERT_OFFSET(DBGKD_MANIPULATE_STATE64, QueryMemory.Flags, 0x24);
_Static_assert(sizeof(DBGKD_GET_VERSION64) == 0x28, "version");
_Static_assert(sizeof(DBGKD_DEBUG_IO) == 0x10, "debug io");
_Static_assert(sizeof(KSPECIAL_REGISTERS) == 0xF0, "special registers");
KD_ASSERT_OFFSET(KSPECIAL_REGISTERS, GdtrBase, 0x58);
KD_ASSERT_OFFSET(KSPECIAL_REGISTERS, MxCsr, 0x74);
KD_ASSERT_OFFSET(KSPECIAL_REGISTERS, Cr8, 0xA0);
KD_ASSERT_OFFSET(KSPECIAL_REGISTERS, Xcr0, 0xD8);
