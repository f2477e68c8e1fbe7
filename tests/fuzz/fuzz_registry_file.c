/* SPDX-License-Identifier: MIT */
/* sources: host/input/registry_file.c host/text/wide_text.c host/text/text.c lib/control_codec.c */
/*
 * A .reg file that libFuzzer makes: an error names a line of the file, and what is accepted makes
 * requests that the control channel's own checks accept. A first byte of 'k' puts a header and a
 * key before the rest, so that values are reached.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/input/registry_file.h"
#include "lib/control_codec.h"

static void Require(int Condition)
{
    if (!Condition) {
        abort();
    }
}

static void CheckChange(const REGISTRY_FILE *File, const REGISTRY_CHANGE *Change)
{
    static uint8_t Payload[CONTROL_MAX_PAYLOAD];
    CONTROL_MESSAGE Message;
    const CONTROL_REGISTRY Request =
        RegistryChangeRequest(File, Change, Payload + sizeof(CONTROL_REGISTRY));
    size_t Length = sizeof(Request) + Request.TextLength + Request.DataLength;

    memcpy(Payload, &Request, sizeof(Request));
    const CONTROL_FRAME Frame = {ControlRegistry, 1, (uint32_t)Length, Payload};
    Require(ControlDecode(&Frame, &Message) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    static const char Head[] = "Windows Registry Editor Version 5.00\n[HKLM\\SOFTWARE\\F]\n";
    REGISTRY_FILE File;
    char Error[256] = "";
    size_t HeadSize = Size != 0 && Data[0] == 'k' ? sizeof(Head) - 1 : 0;
    size_t Skip = HeadSize != 0;
    uint8_t *Text = malloc(HeadSize + Size + 1);

    memcpy(Text, Head, HeadSize);
    memcpy(Text + HeadSize, Data + Skip, Size - Skip);
    if (RegistryFileParse(&File, "f", Text, HeadSize + Size - Skip, Error, sizeof(Error))) {
        for (size_t i = 0; i < File.ChangeCount && i < 64; i++) {
            CheckChange(&File, &File.Changes[i]);
        }
        RegistryFileFree(&File);
    } else {
        Require(strncmp(Error, "f:", 2) == 0 && Error[2] >= '1' && Error[2] <= '9');
    }
    free(Text);
    return 0;
}
