/* SPDX-License-Identifier: MIT */
/* sources: tests/unit/kd_fake_target.c host/debugger/kd_link.c host/debugger/kd_target.c host/debugger/kd_request.c host/debugger/target.c host/text/text.c lib/kd_packet.c */
/*
 * The debugger's end of a KD line: the ids byte by byte against a script, then whole sessions with
 * a fake target over a good line and over bad ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/debugger/kd_link.h"
#include "host/debugger/target.h"
#include "kd_fake_target.h"

static KD_LINK Link;
static int Peer;

static int SetUp(void **State)
{
    int Pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, Pair), 0);
    KdLinkInitialize(&Link, Pair[0]);
    Link.Retries = 3;
    Link.AcknowledgeMilliseconds = 30;
    Peer = Pair[1];
    return 0;
}

static int TearDown(void **State)
{
    KdLinkClose(&Link);
    if (Peer >= 0) {
        close(Peer);
    }
    return 0;
}

static void PeerData(uint16_t Type, uint32_t Id, const char *Text)
{
    uint8_t Packet[256];
    size_t Size = KdEncodeData(Packet, sizeof(Packet), Type, Id, Text, strlen(Text), NULL, 0);
    assert_int_equal(write(Peer, Packet, Size), (ssize_t)Size);
}

static void PeerControl(uint16_t Type, uint32_t Id)
{
    KD_PACKET Packet;
    KdEncodeControl(&Packet, Type, Id);
    assert_int_equal(write(Peer, &Packet, sizeof(Packet)), (ssize_t)sizeof(Packet));
}

/* The next 16 bytes we sent, as a header. */
static KD_PACKET PeerHeader(void)
{
    KD_PACKET Packet = {0};
    struct pollfd Poll = {Peer, POLLIN, 0};
    assert_int_equal(poll(&Poll, 1, 1000), 1);
    assert_int_equal(read(Peer, &Packet, sizeof(Packet)), (ssize_t)sizeof(Packet));
    return Packet;
}

static void ExpectControl(uint16_t Type, uint32_t Id)
{
    KD_PACKET Packet = PeerHeader();
    assert_int_equal(Packet.Leader, KD_LEADER_CONTROL);
    assert_int_equal(Packet.Type, Type);
    assert_int_equal(Packet.Id, Id);
}

static void ExpectData(uint32_t Id, const char *Text)
{
    uint8_t Rest[64];
    KD_PACKET Packet = PeerHeader();
    size_t Size = strlen(Text) + 1;
    assert_int_equal(Packet.Leader, KD_LEADER_DATA);
    assert_int_equal(Packet.Id, Id);
    assert_int_equal(read(Peer, Rest, Size), (ssize_t)Size);
    assert_memory_equal(Rest, Text, Size - 1);
    assert_int_equal(Rest[Size - 1], KD_TRAILING_BYTE);
}

static void ExpectSilence(void)
{
    struct pollfd Poll = {Peer, POLLIN, 0};
    assert_int_equal(poll(&Poll, 1, 0), 0);
}

static void TestIdsToggle(void **State)
{
    PeerData(KdPacketStateChange64, 0x80800800, "one");
    PeerData(KdPacketStateChange64, 0x80800001, "two");
    PeerData(KdPacketStateChange64, 0x80800000, "three");
    for (int i = 0; i < 3; i++) {
        static const char *const Texts[] = {"one", "two", "three"};
        assert_int_equal(KdLinkReceive(&Link, 100, -1), KdLinkPacket);
        assert_memory_equal(Link.Payload, Texts[i], Link.Header.ByteCount);
    }
    ExpectControl(KdPacketAcknowledge, 0x80800000);
    ExpectControl(KdPacketAcknowledge, 0x80800001);
    ExpectControl(KdPacketAcknowledge, 0x80800000);
    assert_int_equal(KdLinkReceive(&Link, 0, -1), KdLinkNothing);
}

static void TestRepetitionIsDropped(void **State)
{
    PeerData(KdPacketDebugIo, 0x80800800, "a");
    PeerData(KdPacketDebugIo, 0x80800800, "a");
    PeerData(KdPacketDebugIo, 0x80800001, "b");
    PeerData(KdPacketDebugIo, 0x80800001, "b");
    assert_int_equal(KdLinkReceive(&Link, 100, -1), KdLinkPacket);
    assert_int_equal(KdLinkReceive(&Link, 100, -1), KdLinkPacket);
    assert_int_equal(Link.Payload[0], 'b');
    assert_int_equal(KdLinkReceive(&Link, 10, -1), KdLinkNothing);
    for (int i = 0; i < 4; i++) {
        ExpectControl(KdPacketAcknowledge, i < 2 ? 0x80800000 : 0x80800001);
    }
}

static void TestSendToggles(void **State)
{
    PeerData(KdPacketStateChange64, 0x80800800, "stop");
    assert_int_equal(KdLinkReceive(&Link, 100, -1), KdLinkPacket);
    ExpectControl(KdPacketAcknowledge, 0x80800000);
    PeerControl(KdPacketAcknowledge, 0x80800000);
    assert_true(KdLinkSend(&Link, KdPacketManipulate, "ask", 3, NULL, 0));
    ExpectData(0x80800000, "ask");
    PeerControl(KdPacketAcknowledge, 0x80800000); /* of the wrong id: goes unheard */
    PeerControl(KdPacketAcknowledge, 0x80800001);
    assert_true(KdLinkSend(&Link, KdPacketManipulate, "as", 2, "k", 1));
    ExpectData(0x80800001, "ask");
    ExpectSilence();
}

static void TestSendAgain(void **State)
{
    PeerControl(KdPacketResend, 0);
    assert_false(KdLinkSend(&Link, KdPacketManipulate, "x", 1, NULL, 0));
    for (int i = 0; i < 3; i++) {
        ExpectData(0x80800000, "x");
    }
    ExpectSilence();
}

/* An answer without an acknowledgement: that was lost. */
static void TestAnswerAcknowledges(void **State)
{
    PeerData(KdPacketManipulate, 0x80800001, "answer");
    assert_true(KdLinkSend(&Link, KdPacketManipulate, "x", 1, NULL, 0));
    ExpectData(0x80800000, "x");
    ExpectControl(KdPacketAcknowledge, 0x80800001);
    assert_false(KdLinkSend(&Link, KdPacketManipulate, "y", 1, NULL, 0)); /* one is held */
    assert_int_equal(KdLinkReceive(&Link, 0, -1), KdLinkPacket);
    assert_int_equal(Link.Header.ByteCount, 6);
    PeerControl(KdPacketAcknowledge, 0x80800001);
    assert_true(KdLinkSend(&Link, KdPacketManipulate, "y", 1, NULL, 0));
    ExpectData(0x80800001, "y");
}

static void TestResetRestarts(void **State)
{
    KdLinkSendReset(&Link);
    ExpectControl(KdPacketReset, 1);
    PeerControl(KdPacketReset, 0);
    assert_int_equal(KdLinkReceive(&Link, 100, -1), KdLinkReset);
    PeerControl(KdPacketReset, 0); /* nobody asked */
    assert_int_equal(KdLinkReceive(&Link, 10, -1), KdLinkNothing);
    ExpectSilence();
}

/* What was on its way when the RESET was sent is of the stream before. */
static void TestResetDropsWhatWasBefore(void **State)
{
    PeerData(KdPacketStateChange64, 0x80800800, "stop");
    assert_int_equal(KdLinkReceive(&Link, 100, -1), KdLinkPacket);
    ExpectControl(KdPacketAcknowledge, 0x80800000);
    KdLinkSendReset(&Link);
    ExpectControl(KdPacketReset, 1);
    PeerData(KdPacketManipulate, 0x80800001, "late answer");
    assert_false(KdLinkSend(&Link, KdPacketManipulate, "x", 1, NULL, 0));
    assert_int_equal(KdLinkReceive(&Link, 10, -1), KdLinkNothing);
    ExpectSilence(); /* not acknowledged: the target would take it for the stop's */
    PeerControl(KdPacketReset, 1);
    PeerData(KdPacketStateChange64, 0x80800800, "stop");
    assert_int_equal(KdLinkReceive(&Link, 100, -1), KdLinkReset);
    assert_int_equal(KdLinkReceive(&Link, 100, -1), KdLinkPacket);
    ExpectControl(KdPacketAcknowledge, 0x80800000);
}

/* Two RESETs on their way: the stop that follows the first answer is void after the second. */
static void TestResetsAreToldApart(void **State)
{
    KdLinkSendReset(&Link);
    KdLinkSendReset(&Link);
    ExpectControl(KdPacketReset, 1);
    ExpectControl(KdPacketReset, 2);
    PeerControl(KdPacketReset, 1);
    PeerData(KdPacketStateChange64, 0x80800800, "stop");
    assert_int_equal(KdLinkReceive(&Link, 10, -1), KdLinkNothing);
    ExpectSilence();
    PeerControl(KdPacketReset, 2);
    PeerData(KdPacketStateChange64, 0x80800800, "stop");
    assert_int_equal(KdLinkReceive(&Link, 100, -1), KdLinkReset);
    assert_int_equal(KdLinkReceive(&Link, 100, -1), KdLinkPacket);
    ExpectControl(KdPacketAcknowledge, 0x80800000);
    /* A target that does not give the number back. */
    KdLinkSendReset(&Link);
    ExpectControl(KdPacketReset, 3);
    PeerControl(KdPacketReset, 0);
    assert_int_equal(KdLinkReceive(&Link, 100, -1), KdLinkReset);
}

static void TestBadPacketIsAskedForAgain(void **State)
{
    static const char Rubbish[] = "0000\x07\x00\x03\x00\x00\x08\x80\x80\x00\x00\x00\x00"
                                  "abc\xaa";
    assert_int_equal(write(Peer, Rubbish, sizeof(Rubbish) - 1), (ssize_t)sizeof(Rubbish) - 1);
    assert_int_equal(KdLinkReceive(&Link, 20, -1), KdLinkNothing);
    ExpectControl(KdPacketResend, 0);
    assert_int_equal(write(Peer, "0000\x07", 5), 5); /* and no more */
    assert_int_equal(KdLinkReceive(&Link, 400, -1), KdLinkNothing);
    ExpectControl(KdPacketResend, 0);
}

static void TestClosed(void **State)
{
    PeerData(KdPacketDebugIo, 0x80800800, "last words");
    close(Peer);
    Peer = -1;
    assert_int_equal(KdLinkReceive(&Link, -1, -1), KdLinkPacket);
    assert_int_equal(KdLinkReceive(&Link, -1, -1), KdLinkClosed);
    assert_false(KdLinkSend(&Link, KdPacketManipulate, "x", 1, NULL, 0));
}

static bool FakeBreaksAgain(FAKE_TARGET *Fake, const DBGKD_MANIPULATE_STATE64 *State)
{
    FakePrint(Fake, "hello\n");
    Fake->State.ProgramCounter += 1;
    return true;
}

/* One session: attach, read, write, break and go on twenty times. Returns the prints seen. */
static unsigned Session(unsigned LossPerMillion, uint32_t Seed, bool BreakIn)
{
    static FAKE_TARGET Fake;
    static TARGET Target;
    char Error[100];
    uint8_t Bytes[6000], Back[6000];
    unsigned Prints = 0;

    memset(&Fake, 0, sizeof(Fake));
    Fake.LossPerMillion = LossPerMillion;
    Fake.Seed = Seed;
    Fake.OnContinue = FakeBreaksAgain;
    Fake.WaitForBreakIn = BreakIn;
    int Socket = FakeStart(&Fake);
    assert_true(TargetOpenKd(&Target, Socket, Error, sizeof(Error)));
    assert_int_equal(TargetAttachKd(&Target, BreakIn, 20000, -1), TargetEventStopped);
    assert_int_equal(Target.Version.MinorVersion, 18362);
    for (int Round = 0; Round < 20; Round++) {
        for (size_t i = 0; i < sizeof(Bytes); i++) {
            Bytes[i] = (uint8_t)(i * 7 + (unsigned)Round + Seed);
        }
        if (!TargetWrite(&Target, FAKE_MEMORY_BASE + 16, Bytes, sizeof(Bytes))) {
            fail_msg("round %d: %s", Round, Target.Error);
        }
        assert_true(TargetRead(&Target, FAKE_MEMORY_BASE + 16, Back, sizeof(Back)));
        assert_memory_equal(Bytes, Back, sizeof(Back));
        uint64_t Counter = Target.State.ProgramCounter;
        assert_true(Target.Operations->Continue(&Target, KD_CONTINUE, false, 0));
        TARGET_EVENT Event;
        while ((Event = Target.Operations->Wait(&Target, 20000, -1)) == TargetEventPrint) {
            assert_string_equal(Target.Text, "hello\n");
            Prints++;
        }
        assert_int_equal(Event, TargetEventStopped);
        assert_int_equal(Target.State.ProgramCounter, Counter + 1);
    }
    Target.Operations->Close(&Target);
    FakeJoin(&Fake);
    assert_int_equal(Fake.Continues, 20);
    return Prints;
}

static void TestSession(void **State)
{
    assert_int_equal(Session(0, 1, false), 20);
    assert_int_equal(Session(0, 1, true), 20);
}

static void TestBadLine(void **State)
{
    for (uint32_t Seed = 1; Seed <= 4; Seed++) {
        print_message("seed %u\n", (unsigned)Seed);
        assert_int_equal(Session(200 + Seed, Seed, Seed > 2), 20);
    }
}

/* What is not there is not read, and what is partly there is read as far as it goes. */
static void TestHoles(void **State)
{
    static FAKE_TARGET Fake;
    static TARGET Target;
    uint8_t Bytes[64];
    size_t Done;
    char Error[100];

    assert_true(TargetOpenKd(&Target, FakeStart(&Fake), Error, sizeof(Error)));
    assert_int_equal(TargetAttachKd(&Target, false, 5000, -1), TargetEventStopped);
    assert_false(TargetRead(&Target, 0x1000, Bytes, 8));
    assert_string_equal(Target.Error, "memory at 00000000`00001000 cannot be read");
    uint64_t End = FAKE_MEMORY_BASE + FAKE_MEMORY_SIZE;
    assert_true(Target.Operations->ReadVirtual(&Target, End - 8, Bytes, 64, &Done));
    assert_int_equal(Done, 8);
    assert_false(TargetRead(&Target, End - 8, Bytes, 64));
    assert_string_equal(Target.Error, "memory at fffff800`00005000 cannot be read");
    Target.Operations->Close(&Target);
    assert_false(Target.Private != NULL);
    FakeJoin(&Fake);
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test_setup_teardown(TestIdsToggle, SetUp, TearDown),
        cmocka_unit_test_setup_teardown(TestRepetitionIsDropped, SetUp, TearDown),
        cmocka_unit_test_setup_teardown(TestSendToggles, SetUp, TearDown),
        cmocka_unit_test_setup_teardown(TestSendAgain, SetUp, TearDown),
        cmocka_unit_test_setup_teardown(TestAnswerAcknowledges, SetUp, TearDown),
        cmocka_unit_test_setup_teardown(TestResetRestarts, SetUp, TearDown),
        cmocka_unit_test_setup_teardown(TestResetDropsWhatWasBefore, SetUp, TearDown),
        cmocka_unit_test_setup_teardown(TestResetsAreToldApart, SetUp, TearDown),
        cmocka_unit_test_setup_teardown(TestBadPacketIsAskedForAgain, SetUp, TearDown),
        cmocka_unit_test_setup_teardown(TestClosed, SetUp, TearDown),
        cmocka_unit_test(TestSession),
        cmocka_unit_test(TestHoles),
        cmocka_unit_test(TestBadLine),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
