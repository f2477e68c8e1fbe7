/* SPDX-License-Identifier: MIT */
/*
 * A KD line seen by a client that was written from the protocol's description alone: it shares no
 * code and no structure with the kernel or the debugger, so that what both get wrong shows here.
 * Everything ends the program with a message when it is not as described.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_PAYLOAD 4000

typedef struct {
    uint32_t Leader; /* 30303030 or 69696969 */
    unsigned Type, Count;
    uint32_t Id;
    uint8_t Payload[WIRE_PAYLOAD + 1];
} WIRE_PACKET;

__attribute__((noreturn, format(printf, 1, 2))) void Fail(const char *Format, ...);
#define CHECK(e) ((e) ? (void)0 : Fail("%s:%d: %s", __FILE__, __LINE__, #e))

uint16_t Get16(const uint8_t *At);
uint32_t Get32(const uint8_t *At);
uint64_t Get64(const uint8_t *At);
void Put16(uint8_t *At, uint16_t Value);
void Put32(uint8_t *At, uint32_t Value);
void Put64(uint8_t *At, uint64_t Value);

/* ---- the line ---- */
void WireConnect(const char *Path); /* waits until the socket is there */
void WireDisconnect(void);
/* A second connection is closed at once. */
bool WireSecondIsRefused(const char *Path);
/* Bytes as they are, in one piece. */
void WireSendBytes(const void *Bytes, size_t Size);
/* One byte; -1 when none came in that time; -2 when the line is closed. */
int WireByte(int Milliseconds);
/* A packet, whole and checked byte by byte; false: none in that time. Rubbish is an error. */
extern bool WireMayClose; /* then a line that is closed is only "none" for WireReceive */
bool WireReceive(WIRE_PACKET *Packet, int Milliseconds);
void WireExpectSilence(int Milliseconds);
void WireSendControl(unsigned Type, uint32_t Id);
void WireSendData(unsigned Type, uint32_t Id, const void *First, size_t FirstSize,
                  const void *Second, size_t SecondSize);
void WireExpectControl(unsigned Type, uint32_t Id);
/* A data packet, which is acknowledged. */
void WireExpectData(WIRE_PACKET *Packet, unsigned Type);

/* ---- a session: ids are counted, as the description says ---- */
extern uint32_t WireNextId; /* of our next data packet */
/* 'b', RESET, and the state change that follows. */
void WireReset(void); /* a break-in and RESET, until it is answered */
void WireAttach(WIRE_PACKET *State);
/* Waits for a state change, printing text and skipping load-symbols ones on the way. */
void WireWaitForBreak(WIRE_PACKET *State);
/* Acknowledges a print, or a state change that is not for us, and lets the target go on. */
void WireServe(const WIRE_PACKET *State);
/* Lets the target go on at every stop, until it ends. */
void WireServeToEnd(void);
/* Sends Request (56 bytes) and Data, takes the acknowledgement and the answer, which echoes it. */
void WireRequest(uint8_t Request[56], const void *Data, size_t Size, WIRE_PACKET *Answer);
/* The same where no answer may come. */
void WireCommand(uint8_t Request[56]);
void WireNewRequest(uint8_t Request[56], uint32_t Api);
void WireContinue(void); /* 313C, status 00010002 */

/* ---- short forms ---- */
uint32_t WireRead(uint64_t Address, void *Out, uint32_t Size, uint32_t *Actual); /* status */
uint32_t WireReadPhysical(uint64_t Address, void *Out, uint32_t Size, uint32_t *Actual);
uint32_t WireWrite(uint64_t Address, const void *In, uint32_t Size, uint32_t *Actual);
uint64_t WireRead64(uint64_t Address);
/* 4D0 bytes */
void WireGetContext(uint8_t Context[0x4d0]);
void WireSetContext(const uint8_t Context[0x4d0]);
uint64_t WireControlValue(uint64_t Selector);
