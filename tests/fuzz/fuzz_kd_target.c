/* SPDX-License-Identifier: MIT */
/* sources: host/debugger/kd_link.c host/debugger/kd_target.c host/debugger/kd_request.c host/debugger/target.c host/text/text.c lib/kd_packet.c */
/*
 * A hostile target: what it sends is given beforehand, as packets with right sums, so that the
 * bytes reach the handling of answers. The first byte says which request is made; each packet of
 * the rest is a type, a flag for the id, a length and the bytes.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/debugger/target.h"
#include "lib/kd_packet.h"

static size_t Feed(int Socket, const uint8_t *Data, size_t Size)
{
    uint8_t Packet[KD_MAX_PACKET_BYTES];
    uint32_t Next = KD_INITIAL_ID | KD_SYNC_ID;
    size_t Total = 0;

    while (Size > 4 && Total < 60000) {
        uint16_t Type = Data[0] % 13;
        uint8_t How = Data[1];
        size_t Length = (size_t)(Data[2] | Data[3] << 8) % (KD_MAX_PAYLOAD + 1);
        Data += 4;
        Size -= 4;
        Length = Length < Size ? Length : Size;
        size_t Bytes;
        if (Type == KdPacketAcknowledge || Type == KdPacketResend || Type == KdPacketReset) {
            KD_PACKET Control;
            KdEncodeControl(&Control, Type, KD_INITIAL_ID | (How & 1));
            memcpy(Packet, &Control, sizeof(Control));
            Bytes = sizeof(Control);
        } else {
            uint32_t Id = (How & 2) ? KD_INITIAL_ID | KD_SYNC_ID : Next;
            Bytes = KdEncodeData(Packet, sizeof(Packet), Type, Id, Data, Length, NULL, 0);
            Next = (Id & ~KD_SYNC_ID) ^ 1;
            Data += Length;
            Size -= Length;
        }
        if (send(Socket, Packet, Bytes, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)Bytes) {
            break;
        }
        Total += Bytes;
    }
    return Total;
}

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    static TARGET Target;
    static uint8_t Out[8000];
    static CONTEXT Context;
    KSPECIAL_REGISTERS Special;
    char Error[100];
    int Pair[2];
    uint64_t Value;
    uint32_t Handle;
    bool Owed;
    size_t Done = 0;

    if (Size < 2 || socketpair(AF_UNIX, SOCK_STREAM, 0, Pair) != 0) {
        return 0;
    }
    if (!TargetOpenKd(&Target, Pair[0], Error, sizeof(Error))) {
        abort();
    }
    Feed(Pair[1], Data + 1, Size - 1);
    shutdown(Pair[1], SHUT_WR); /* so that nothing is waited for */
    TARGET_EVENT Event = TargetEventNothing;
    for (int i = 0; i < 8 && Event != TargetEventGone; i++) {
        Event = Target.Operations->Wait(&Target, 100, -1);
        if (Target.TextLength > KD_MAX_PAYLOAD ||
            memchr(Target.Path, 0, sizeof(Target.Path)) == NULL) {
            abort();
        }
        if (Event != TargetEventStopped) {
            continue;
        }
        switch (Data[0] % 8) {
        case 0:
            if (Target.Operations->ReadVirtual(&Target, 0x1000, Out, sizeof(Out), &Done) &&
                (Done == 0 || Done > sizeof(Out))) {
                abort();
            }
            break;
        case 1: Target.Operations->GetContext(&Target, &Context); break;
        case 2: Target.Operations->GetSpecial(&Target, &Special); break;
        case 3: Target.Operations->SetBreakpoint(&Target, 0x1000, &Handle, &Owed); break;
        case 4: Target.Operations->ReadMsr(&Target, 1, &Value); break;
        case 5: Target.Operations->WriteVirtual(&Target, 0x1000, Out, 100, &Done); break;
        case 6: Target.Operations->Continue(&Target, KD_CONTINUE, true, 0); break;
        case 7: TargetRead(&Target, 0x1000, Out, 5000); break;
        }
    }
    Target.Operations->Close(&Target);
    close(Pair[1]);
    return 0;
}
