/* SPDX-License-Identifier: MIT */
/* Images come and go: the debugger hears of it by int 2Dh, so that it can stop there. */
#include "kd/kd.h"

/* PASSIVE_LEVEL. Nothing when no debugger is enabled. */
VOID KdReportImage(PCUNICODE_STRING Name, PVOID Base, ULONG Size, ULONG CheckSum, BOOLEAN Unload)
{
    CHAR Path[256];
    STRING Text = {0, sizeof(Path), Path};
    KD_SYMBOLS_INFO Info = {Base, (PVOID)~0ull, CheckSum, Size};
    if (!KdDebuggerEnabled) {
        return;
    }
    for (ULONG i = 0; i < Name->Length / sizeof(WCHAR) && i < sizeof(Path); i++) {
        WCHAR Unit = Name->Buffer[i];
        Path[i] = Unit >= 0x20 && Unit < 0x7f ? (CHAR)Unit : '?';
        Text.Length++;
    }
    if (Unload) {
        DbgUnLoadImageSymbols(&Text, &Info);
    } else {
        DbgLoadImageSymbols(&Text, &Info);
    }
}
