# SPDX-License-Identifier: MIT
# Part of tests/system/run, which has run and result: drivers that need what is out of scope are
# refused by name, and alike in each command.

# module MODULE TEXT: notepad.sys whose imports are those of MODULE, a name not longer than
# ntoskrnl.exe, is refused with exit 3 and a line that has TEXT; nothing is started
module() {
    local name="module $1" file=$scratch/needs.sys problem= at
    wanted "refuses $name" || return 0
    cp "$notepad" "$file"
    at=$(grep -obaF ntoskrnl.exe "$notepad" | head -n 1 | cut -d: -f1)
    [ -n "$at" ] || problem="no name to replace"
    { printf '%s' "$1"; head -c $((12 - ${#1})) /dev/zero; } |
        dd of="$file" bs=1 seek="$at" conv=notrunc status=none
    rm -f "$scratch/started"
    local command
    for command in run debug inspect "exports --missing"; do
        # shellcheck disable=SC2086 # words are words
        PAGEABLE_QEMU=$scratch/marker run "$pageable" $command "$file"
        [ "$status" = 3 ] || problem="${problem:-$command: exit $status instead of 3}"
        grep -qF "imports from $1 (" "$out" || problem="${problem:-$command does not name $1}"
        grep -qF "$2" "$out" || problem="${problem:-$command lacks: $2}"
        grep -qF "docs/compatibility.md" "$out" || problem="${problem:-$command names no document}"
    done
    [ ! -e "$scratch/started" ] || problem="${problem:-a machine was started}"
    result "refuses $name" "$problem"
}

refusals() {
    printf '#!/bin/sh\ntouch %s\n' "$scratch/started" >"$scratch/marker"
    chmod +x "$scratch/marker"
    module wdfldr.sys "the kernel-mode driver framework, KMDF, out of scope"
    module fltmgr.sys "the filter manager, out of scope"
    module NDIS.SYS "the network driver interface, NDIS, out of scope"
    module fwpkclnt.sys "the Windows Filtering Platform, out of scope"
    module storport.sys "the storage port driver, out of scope"
    module kernel32.dll "a DLL of user mode, out of scope"
    module mylib.sys "a module that is not provided; docs/compatibility.md"
    truncate -s 100M "$scratch/large.sys"
    dd if="$notepad" of="$scratch/large.sys" conv=notrunc status=none
    PAGEABLE_QEMU=$scratch/marker expect "refuses a file larger than the machine" 2 \
        "--memory=107M is enough" "$pageable" run "$scratch/large.sys"
    expect "runs a large file with more memory" 0 "verdict     clean" \
        "$pageable" run "$scratch/large.sys" --memory=107M
}
