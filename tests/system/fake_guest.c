/* SPDX-License-Identifier: MIT */
/*
 * A program in QEMU's place (PAGEABLE_QEMU) that speaks the control protocol without any guest, and
 * misbehaves as FAKE_GUEST says. So the host is tested against guests that a kernel in order
 * could never be. Takes QEMU's arguments and looks only for the two descriptors.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/system/fake_guest.h"

#define IMAGE_BASE FAKE_IMAGE_BASE
#define KERNEL_BASE 0xfffff80000000000ull

static int Control = -1, Log = -1;
static const char *Mode = "ok";
static bool Loaded;
static uint64_t Leak;

static bool ModeIs(const char *Name)
{
    return strcmp(Mode, Name) == 0;
}

static void WriteAll(int File, const void *Data, size_t Size)
{
    const char *Bytes = Data;
    while (Size != 0) {
        ssize_t Done = write(File, Bytes, Size);
        if (Done < 0 && errno == EINTR) {
            continue;
        }
        if (Done <= 0) {
            _exit(0);
        }
        Bytes += Done;
        Size -= (size_t)Done;
    }
}

static CONTROL_BYTES Text(const char *String)
{
    return (CONTROL_BYTES){(const uint8_t *)String, (uint32_t)strlen(String)};
}

static const CONTROL_BYTES None;

static void Send(uint32_t Type, uint32_t Id, const void *Fixed, size_t FixedSize,
                 CONTROL_BYTES First, CONTROL_BYTES Second)
{
    static uint8_t Frame[CONTROL_MAX_PAYLOAD + sizeof(CONTROL_HEADER)];
    size_t Size = ControlEncode(Frame, sizeof(Frame), Type, Id, Fixed, FixedSize, First, Second);
    if (Size == 0) {
        fprintf(stderr, "fake guest: cannot encode %s\n", ControlTypeName(Type));
        exit(1);
    }
    WriteAll(Control, Frame, Size);
}

static void Reply(uint32_t Id, int32_t Status, uint64_t Information, const void *Data,
                  uint32_t Length)
{
    CONTROL_REPLY Fixed = {Status, Length, Information};
    Send(ControlReply, Id, &Fixed, sizeof(Fixed), (CONTROL_BYTES){Data, Length}, None);
}

static void SendBugCheck(void)
{
    CONTROL_BUG_CHECK Check = {
        .Code = 0xd1,
        .Irql = 2,
        .Parameter = {IMAGE_BASE + 0x1000, 2, 8, IMAGE_BASE + 0x1000},
        .Rip = IMAGE_BASE + 0x1000,
        .FaultAddress = IMAGE_BASE + 0x1000,
        .FrameCount = 3,
        .IsTrap = 1,
        .Memory = ControlMemoryImage,
        .Frame = {IMAGE_BASE + 0x1000, IMAGE_BASE + 0x1020, KERNEL_BASE + 0x1234},
        .DriverBase = IMAGE_BASE,
        .DriverName = "fake.sys",
        .SectionName = "PAGE",
        .SectionBase = IMAGE_BASE + 0x1000,
        .SectionKind = ControlSectionPageable,
        .IrqlRaisedBy = IMAGE_BASE + 0x1018,
    };
    /* What no kernel of ours would say: it must only be told in a safe way. */
    CONTROL_HISTORY History[] = {
        {1, IMAGE_BASE + 0x1018, 0x1000, ControlHistoryCall, 0, {0}, "Ke\033[31mSetEvent\377"},
        {UINT64_MAX, UINT64_MAX, UINT64_MAX, 0xee, 0xff, {0xff}, "?"},
    };
    Check.HistoryLength = sizeof(History);
    Send(ControlBugCheck, 0, &Check, sizeof(Check),
         (CONTROL_BYTES){(const uint8_t *)History, sizeof(History)}, None);
    exit(3);
}

void FakeSend(uint32_t Type, const void *Fixed, size_t FixedSize, const void *Bytes, size_t Size)
{
    CONTROL_BYTES First = {Bytes, (uint32_t)Size};
    Send(Type, 0, Fixed, FixedSize, First, None);
}

static void OnLoad(uint32_t Id)
{
    CONTROL_IMAGE Image = {IMAGE_BASE, 0x8000, 8, 1};
    CONTROL_TEXT2 Missing = {12, 11};
    static const char Link[] = "\\??\\Fake\0\\Device\\Fake";

    Send(ControlImageLoaded, 0, &Image, sizeof(Image), Text("fake.sys"), None);
    Send(ControlMissingImport, 0, &Missing, sizeof(Missing), Text("ntoskrnl.exe"),
         Text("KeNoSuchOne"));
    Send(ControlDebugPrint, 0, NULL, 0, Text("two\nlines \033[31m\xff\n"), None);
    if (ModeIs("load-fails")) {
        Reply(Id, (int32_t)0xc000009a, 0, NULL, 0);
        return;
    }
    Send(ControlDeviceCreated, 0, NULL, 0, Text("\\Device\\Fake"), None);
    Send(ControlSymbolicLink, 0, NULL, 0, Text(Link), Text(Link + 9));
    if (ModeIs("bug-check")) {
        SendBugCheck();
    } else if (ModeIs("timeline")) {
        FakeTimeline();
    }
    Loaded = true;
    Reply(Id, 0, 0, NULL, 0);
}

static void OnSections(uint32_t Id)
{
    CONTROL_SECTION Rows[] = {
        {".text", IMAGE_BASE + 0x2000, 4211, 0x68000020, ControlSectionNonpaged, 0, 2, 2, 0, 0},
        {"PAGE", IMAGE_BASE + 0x1000, 813, 0x60000020, ControlSectionPageable, 0, 1, 1, 0, 0},
        {"PAGELOCK", IMAGE_BASE + 0x4000, 813, 0x60000020, ControlSectionPageable, 2, 1, 1, 0, 0},
        {"INIT", IMAGE_BASE + 0x5000, 99, 0x62000020, ControlSectionDiscarded, 0, 0, 0, 0, 0},
    };
    Reply(Id, 0, 0, Rows, ModeIs("bad-sections") ? sizeof(Rows) - 1 : sizeof(Rows));
}

static void OnCounters(uint32_t Id)
{
    CONTROL_COUNTERS Counters = {
        .TotalPages = 12288, .FreePages = 9000, .CommittedPages = 1000, .CommitLimit = 140000,
        .PagingFileSlots = 131071, .SoftFaults = 12, .PagesTrimmed = 40,
        .NonpagedPoolBytes = 123456 + Leak, .NonpagedPoolBlocks = 99,
    };
    Leak += ModeIs("leak") ? 64 : 0;
    Reply(Id, 0, 0, &Counters, ModeIs("bad-counters") ? 5 : sizeof(Counters));
}

/* The end of a request that is pending since; none: of one that never was. */
static void Complete(uint32_t Request, int32_t Status, CONTROL_BYTES Data)
{
    CONTROL_COMPLETED Completed = {Request, Status, Data.Length, Data.Length, 0};
    Send(ControlCompleted, 0, &Completed, sizeof(Completed), Data, None);
}

static void OnIoctl(const CONTROL_MESSAGE *Message)
{
    const CONTROL_IOCTL *Ioctl = &Message->Ioctl;
    if (Ioctl->Code == 0x222000) { /* echo */
        uint32_t Length = Message->First.Length < Ioctl->OutputLength ? Message->First.Length
                                                                      : Ioctl->OutputLength;
        Reply(Message->Id, 0, Length, Message->First.Data, Length);
    } else if (Ioctl->Code == 0x222004) {
        SendBugCheck();
    } else if (Ioctl->Code == 0x22200c) { /* pending until a cancel */
        Reply(Message->Id, 0x103, 0, NULL, 0);
    } else if (Ioctl->Code == 0x222010) { /* pending, and completed at once */
        Complete(Message->Id, 0, Message->First);
        Reply(Message->Id, 0x103, 0, NULL, 0);
    } else {
        Reply(Message->Id, (int32_t)0xc0000010, 0, NULL, 0);
    }
}

static void OnTest(uint32_t Id)
{
    CONTROL_TEST_RESULT Good = {0, 4, 0, 0}, Bad = {2, 5, 14, 0};
    Send(ControlTestResult, 0, &Good, sizeof(Good), Text("good"), None);
    if (!ModeIs("ok")) {
        Send(ControlTestResult, 0, &Bad, sizeof(Bad), Text("worse"), Text("expected: good"));
    }
    Reply(Id, 0, 0, NULL, 0);
}

static void OnRequest(const CONTROL_MESSAGE *Message)
{
    if (ModeIs("mute")) {
        return;
    }
    if (ModeIs("wrong-completion")) {
        Complete(Message->Id, 0, None);
    }
    if (ModeIs("wrong-id")) {
        Reply(Message->Id + 7, 0, 0, NULL, 0);
    }
    switch (Message->Type) {
    case ControlLoadDriver: OnLoad(Message->Id); break;
    case ControlSections: OnSections(Message->Id); break;
    case ControlCounters: OnCounters(Message->Id); break;
    case ControlIoctl: OnIoctl(Message); break;
    case ControlTest: OnTest(Message->Id); break;
    case ControlCancel:
        Complete(Message->Cancel.Request, (int32_t)0xc0000120, None);
        Reply(Message->Id, 0, 0, NULL, 0);
        break;
    case ControlVerify: Reply(Message->Id, 0, ModeIs("violations") ? 3 : 0, NULL, 0); break;
    case ControlUnloadDriver:
        Reply(Message->Id, Loaded ? 0 : (int32_t)0xc0000010, 0, NULL, 0);
        break;
    case ControlRead: Reply(Message->Id, 0, 5, "hello", 5); break;
    case ControlWrite: Reply(Message->Id, 0, Message->First.Length, NULL, 0); break;
    case ControlShutdown:
        Reply(Message->Id, 0, 0, NULL, 0);
        exit(ModeIs("stays") ? pause() : 1);
    default: Reply(Message->Id, 0, 7, NULL, 0); break;
    }
}

/* Modes that are over before the first request. */
static void Misbehave(void)
{
    static uint8_t Bytes[65536];
    if (ModeIs("silent")) {
        pause();
    } else if (ModeIs("stubborn")) {
        signal(SIGTERM, SIG_IGN);
        for (;;) {
            pause();
        }
    } else if (ModeIs("rubbish")) {
        for (uint32_t i = 0, x = 1; i < sizeof(Bytes); i++) {
            x = x * 1664525 + 1013904223;
            Bytes[i] = (uint8_t)(x >> 24);
        }
        WriteAll(Control, Bytes, sizeof(Bytes));
        pause();
    } else if (ModeIs("half")) {
        CONTROL_HEADER Header = {CONTROL_MAGIC, ControlBooted, 0, sizeof(CONTROL_BOOTED)};
        WriteAll(Control, &Header, sizeof(Header));
        exit(1);
    } else if (ModeIs("long")) {
        CONTROL_HEADER Header = {CONTROL_MAGIC, ControlDebugPrint, 0, 0xffffffff};
        WriteAll(Control, &Header, sizeof(Header));
        pause();
    } else if (ModeIs("triple-fault")) {
        WriteAll(Log, "last words\nof the guest\n", 24);
        exit(0);
    } else if (ModeIs("qemu-error")) {
        fprintf(stderr, "qemu: no such machine\n");
        exit(1);
    } else if (ModeIs("crash")) {
        raise(SIGSEGV);
    }
}

static int FindDescriptor(int Count, char **Arguments, const char *Prefix)
{
    for (int i = 1; i < Count; i++) {
        if (strncmp(Arguments[i], Prefix, strlen(Prefix)) == 0) {
            return atoi(Arguments[i] + strlen(Prefix));
        }
    }
    fprintf(stderr, "fake guest: no %s among the arguments\n", Prefix);
    exit(1);
}

int main(int Count, char **Arguments)
{
    static uint8_t Payload[CONTROL_MAX_PAYLOAD], Bytes[65536];
    CONTROL_BOOTED Booted = {CONTROL_VERSION, 0, KERNEL_BASE, 1000000000, 0, 0};
    CONTROL_PARSER Parser;

    Mode = getenv("FAKE_GUEST") != NULL ? getenv("FAKE_GUEST") : "ok";
    Control = FindDescriptor(Count, Arguments, "socket,id=control,fd=");
    Log = FindDescriptor(Count, Arguments, "socket,id=log,fd=");
    Misbehave();
    WriteAll(Log, "fake guest boots\n", 17);
    Booted.Version += ModeIs("old-version");
    Send(ControlBooted, 0, &Booted, sizeof(Booted), None, None);
    while (ModeIs("flood")) {
        Send(ControlDebugPrint, 0, NULL, 0, Text("flood"), None);
    }
    ControlInitializeParser(&Parser, ControlFromHost, Payload, sizeof(Payload));
    for (;;) {
        ssize_t Got = read(Control, Bytes, sizeof(Bytes));
        if (Got <= 0) {
            return 1;
        }
        for (size_t Offset = 0, Used; Offset < (size_t)Got; Offset += Used) {
            CONTROL_FRAME Frame;
            CONTROL_MESSAGE Message;
            CONTROL_PARSE_RESULT Result =
                ControlParse(&Parser, Bytes + Offset, (size_t)Got - Offset, &Used, &Frame);
            if (Result == ControlParsedFrame && ControlDecode(&Frame, &Message) == NULL) {
                OnRequest(&Message);
            } else if (Result != ControlNeedMore) {
                fprintf(stderr, "fake guest: the host sent a bad frame\n");
                return 1;
            }
        }
    }
}
