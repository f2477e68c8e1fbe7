/* SPDX-License-Identifier: MIT */
/* sources: host/machine/session.c host/machine/kd_line.c host/machine/machine.c host/machine/machine_arguments.c host/machine/machine_files.c host/text/text.c lib/control_codec.c lib/cpio.c lib/crc32c.c */
/*
 * The host's end of the control channel against a machine that is already dead and has left bytes
 * in the channel: frames in order, frames that lie, and noise. Whatever comes, the session ends in
 * a state and nothing is read out of bounds (the sanitizers watch).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/machine/session.h"
#include "host/text/text.h"

static MACHINE Machine;
static SESSION Session;
static int Peer;
static unsigned Events;

static void OnEvent(void *Context, const CONTROL_MESSAGE *Message)
{
    volatile uint8_t Sum = 0;
    for (uint32_t i = 0; i < Message->First.Length; i++) {
        Sum += Message->First.Data[i];
    }
    for (uint32_t i = 0; i < Message->Second.Length; i++) {
        Sum += Message->Second.Data[i];
    }
    Events++;
}

static int SetUp(void **State)
{
    int Pair[2];
    int Size = 1 << 20;
    memset(&Machine, 0, sizeof(Machine));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, Pair), 0);
    setsockopt(Pair[1], SOL_SOCKET, SO_SNDBUF, &Size, sizeof(Size));
    Machine.Control = Pair[0];
    Machine.Log = Machine.Errors = Machine.PidDescriptor = -1;
    Peer = Pair[1];
    Events = 0;
    assert_true(SessionInit(&Session, &Machine, TextNow() + 5000, OnEvent, NULL));
    return 0;
}

static int TearDown(void **State)
{
    close(Peer);
    MachineStop(&Machine);
    SessionFree(&Session);
    return 0;
}

static size_t Encode(uint8_t *Out, size_t Capacity, uint32_t Type, uint32_t Id, const void *Fixed,
                     size_t FixedSize, const char *Text)
{
    CONTROL_BYTES First = {(const uint8_t *)Text, (uint32_t)strlen(Text)}, None = {NULL, 0};
    size_t Size = ControlEncode(Out, Capacity, Type, Id, Fixed, FixedSize, First, None);
    assert_true(Size != 0);
    return Size;
}

static size_t EncodeBooted(uint8_t *Out, size_t Capacity, uint32_t Version)
{
    CONTROL_BOOTED Booted = {Version, 0, 0xfffff80000000000, 1000000000, 0, 0};
    return Encode(Out, Capacity, ControlBooted, 0, &Booted, sizeof(Booted), "");
}

static void Put(const void *Bytes, size_t Size)
{
    assert_int_equal(write(Peer, Bytes, Size), Size);
}

static void TestEventsBeforeTheEnd(void **State)
{
    uint8_t Frame[4096];
    size_t Size = EncodeBooted(Frame, sizeof(Frame), CONTROL_VERSION);
    Size += Encode(Frame + Size, sizeof(Frame) - Size, ControlDebugPrint, 0, NULL, 0, "hello");
    CONTROL_BUG_CHECK Check = {.Code = 0xd1, .FrameCount = CONTROL_STACK_FRAMES};
    Size += Encode(Frame + Size, sizeof(Frame) - Size, ControlBugCheck, 0, &Check, sizeof(Check),
                   "");
    Put(Frame, Size);
    close(Peer);
    assert_false(SessionAwaitBoot(&Session)); /* booted, but what followed ended it */
    assert_true(Session.Booted);
    assert_int_equal(Session.State, SessionBugCheck);
    assert_int_equal(Events, 3);
}

static void TestSilentDeath(void **State)
{
    assert_false(SessionAwaitBoot(&Session));
    assert_int_equal(Session.State, SessionGuestGone);
    assert_false(SessionRequest(&Session, ControlCounters, NULL, 0, (CONTROL_BYTES){NULL, 0}));
}

static void TestOtherVersion(void **State)
{
    uint8_t Frame[256];
    Put(Frame, EncodeBooted(Frame, sizeof(Frame), CONTROL_VERSION + 1));
    assert_false(SessionAwaitBoot(&Session));
    assert_int_equal(Session.State, SessionBroken);
}

static void TestReplyNobodyAskedFor(void **State)
{
    uint8_t Frame[512];
    CONTROL_REPLY Reply = {0, 3, 0};
    size_t Size = EncodeBooted(Frame, sizeof(Frame), CONTROL_VERSION);
    Size += Encode(Frame + Size, sizeof(Frame) - Size, ControlReply, 9, &Reply, sizeof(Reply),
                   "abc");
    Put(Frame, Size);
    assert_false(SessionAwaitBoot(&Session));
    assert_int_equal(Session.State, SessionBroken);
    assert_non_null(Session.Error);
}

static void TestTooManyStackFrames(void **State)
{
    uint8_t Frame[2048];
    CONTROL_BUG_CHECK Check = {.Code = 0xd1, .FrameCount = CONTROL_STACK_FRAMES + 1};
    Put(Frame, Encode(Frame, sizeof(Frame), ControlBugCheck, 0, &Check, sizeof(Check), ""));
    assert_false(SessionAwaitBoot(&Session));
    assert_int_equal(Session.State, SessionBroken);
    assert_int_equal(Events, 0);
}

/* Good frames with single bytes changed at random: a lie in each field, sooner or later. */
static void TestNoise(void **State)
{
    uint32_t Random = 1;
    for (int Round = 0; Round < 2000; Round++) {
        uint8_t Frame[4096];
        CONTROL_FINDING Finding = {1, 7, 2};
        CONTROL_IMAGE Image = {1, 2, 5, 1};
        size_t Size = EncodeBooted(Frame, sizeof(Frame), CONTROL_VERSION);
        Size += Encode(Frame + Size, sizeof(Frame) - Size, ControlFinding, 0, &Finding,
                       sizeof(Finding), "finding");
        Size += Encode(Frame + Size, sizeof(Frame) - Size, ControlImageLoaded, 0, &Image,
                       sizeof(Image), "x.sys");
        for (int Change = 0; Change < 3; Change++) {
            Random = Random * 1664525 + 1013904223;
            Frame[(Random >> 8) % Size] = (uint8_t)(Random >> 24);
        }
        TearDown(State);
        SetUp(State);
        Put(Frame, Size);
        assert_false(SessionAwaitBoot(&Session));
        assert_true(Session.State != SessionOpen);
    }
}

static void TestTail(void **State)
{
    MACHINE_TAIL *Tail = calloc(1, sizeof(*Tail));
    char Out[128];
    MachineTailText(Tail, 3, Out, sizeof(Out));
    assert_string_equal(Out, "");
    for (unsigned i = 0; i < 5 * MACHINE_TAIL_SIZE; i++) {
        Tail->Bytes[Tail->Total++ % MACHINE_TAIL_SIZE] = "line\033\r\n"[i % 7];
    }
    MachineTailText(Tail, 2, Out, sizeof(Out));
    assert_true(strncmp(Out, "line\\x1b\n", 9) == 0);
    free(Tail);
}

static void TestFiles(void **State)
{
    char Error[256];
    static const MACHINE_FILE Files[] = {{"a", "alpha", 5}, {"b", "", 0}};
    int File = MachineCreateArchive(Files, 2, Error, sizeof(Error));
    assert_true(File >= 0);
    close(File);
    File = MachineCreatePagingFile(1 << 20, Error, sizeof(Error));
    assert_true(File >= 0);
    assert_int_equal(lseek(File, 0, SEEK_END), 1 << 20);
    assert_int_equal(pwrite(File, "data", 4, 8192), 4);
    assert_int_equal(MachineFlipPagingFile(File), 1);
    close(File);
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test_setup_teardown(TestEventsBeforeTheEnd, SetUp, TearDown),
        cmocka_unit_test_setup_teardown(TestSilentDeath, SetUp, TearDown),
        cmocka_unit_test_setup_teardown(TestOtherVersion, SetUp, TearDown),
        cmocka_unit_test_setup_teardown(TestReplyNobodyAskedFor, SetUp, TearDown),
        cmocka_unit_test_setup_teardown(TestTooManyStackFrames, SetUp, TearDown),
        cmocka_unit_test_setup_teardown(TestNoise, SetUp, TearDown),
        cmocka_unit_test(TestTail),
        cmocka_unit_test(TestFiles),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
