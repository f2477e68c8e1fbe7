/* SPDX-License-Identifier: MIT */
/*
 * What a kernel debugger may meet at the target's end of the line, byte by byte.
 * usage: kd_client SOCKET TEST
 */
#include "kd_wire.h"

#include <stdio.h>
#include <string.h>

/* As r2 does: break-in, RESET, version, the data block, four reads. */
static void TestAttach(void)
{
    WIRE_PACKET State, Answer;
    uint8_t Request[56], Context[0x4d0];
    WireAttach(&State);
    CHECK(State.Count == 240 && Get32(State.Payload) == 0x3030);
    CHECK(Get32(State.Payload + 0x20) == 0x80000003);              /* breakpoint */
    CHECK(Get32(State.Payload + 0xb8) == 1);                       /* first chance */
    CHECK(Get32(State.Payload + 8) == 1);                          /* processors */
    CHECK(Get64(State.Payload + 0x18) == Get64(State.Payload + 0x30)); /* PC is at the CC */
    CHECK(State.Payload[0xd8] == 0xcc && Get16(State.Payload + 0xd4) == 16);
    CHECK(Get16(State.Payload + 0xe8) == 0x10 && Get16(State.Payload + 0xd6) == 3);

    WireNewRequest(Request, 0x3146);
    WireRequest(Request, NULL, 0, &Answer);
    const uint8_t *Version = Answer.Payload + 0x10;
    CHECK(Answer.Count == 56 && Get32(Answer.Payload + 8) == 0);
    CHECK((Get16(Version) & 0xff) == 0x0f || (Get16(Version) & 0xff) == 0x0c);
    CHECK(Get16(Version + 2) == 18362 && Version[4] == 6 && Version[5] == 2);
    CHECK((Get16(Version + 6) & 6) == 6 && Get16(Version + 8) == 0x8664);
    CHECK(Version[0xa] == 0x0c && Version[0xb] == 3 && Version[0xc] == 0x31);
    uint64_t Base = Get64(Version + 0x10), List = Get64(Version + 0x18);
    uint64_t Block = WireRead64(Get64(Version + 0x20));
    CHECK((WireRead64(Base) & 0xffff) == 0x5a4d); /* MZ */
    CHECK((uint32_t)WireRead64(Block + 0x10) == 0x4742444b);
    CHECK(WireRead64(Block + 0x10) >> 32 == 0x380);
    CHECK(WireRead64(Block + 0x18) == Base && WireRead64(Block + 0x48) == List);
    CHECK((WireRead64(Block + 0x36) & 1) == 1);             /* PAE */
    CHECK((uint32_t)WireRead64(WireRead64(Block + 0x268)) == 0); /* no service pack */
    CHECK(WireRead64(WireRead64(List) + 0x30) == Base);     /* the first module is the kernel */
    CHECK(WireRead64(Block + 0x20) == Get64(State.Payload + 0x18)); /* DbgBreakPointWithStatus */

    WireGetContext(Context);
    CHECK(Get64(Context + 0xf8) == Get64(State.Payload + 0x18)); /* rip */
    CHECK(Get64(Context + 0x80) == 1);                           /* rcx: DBG_STATUS_CONTROL_C */
    CHECK((Get32(Context + 0x30) & 0x10001f) == 0x10001f);
    CHECK(WireControlValue(0) + 0x180 == WireControlValue(1));
    CHECK(WireControlValue(3) == Get64(State.Payload + 0x10));
    CHECK(WireRead64(WireRead64(WireRead64(Block + 0x218))) != 0); /* a KPRCB */
    Put64(Context + 0xf8, Get64(Context + 0xf8) + 1);
    WireSetContext(Context);
    WireContinue();
    WireServeToEnd();
}

static const struct {
    const char *Name;
    void (*Run)(void);
} Tests[] = {
    {"attach", TestAttach},
};

int main(int Count, char **Arguments)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (Count < 3) {
        Fail("usage: kd_client SOCKET TEST");
    }
    for (size_t i = 0; i < sizeof(Tests) / sizeof(Tests[0]); i++) {
        if (strcmp(Tests[i].Name, Arguments[2]) == 0) {
            WireConnect(Arguments[1]);
            Tests[i].Run();
            printf("%s: as described\n", Arguments[2]);
            return 0;
        }
    }
    Fail("no test %s", Arguments[2]);
}
