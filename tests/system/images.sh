#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Images that are unusual and must be accepted: real drivers are like that. Those that a linker can
# make are sample drivers (flat, no-entry, hal-imports); here are those that a good image must be
# changed for. One line for each test; the last line is "N passed, N failed".
# usage: tests/system/images.sh BUILD-DIR [PATTERN]
set -u
cd "$(dirname "$0")/../.." || exit 5
build=$(cd "$1" && pwd) || exit 5
pattern=${2:-}
notepad=$build/drivers/correct/notepad.sys
scratch=$(mktemp -d) || exit 5
trap 'rm -rf "$scratch"' EXIT
out=$scratch/out
passed=0
failed=0
unset NO_COLOR PAGEABLE_QEMU PAGEABLE_LIBDIR PAGEABLE_SYMBOLIZER

wanted() {
    [[ "image: $1" == *"$pattern"* ]]
}

read_number() { # FILE OFFSET BYTES
    od -An -v -t"u$3" -j"$2" -N"$3" "$1" | tr -d ' '
}

write_number() { # FILE OFFSET BYTES VALUE, little endian
    local i escapes=
    for ((i = 0; i < $3; i++)); do
        escapes+=$(printf '\\x%02x' $(($4 >> (8 * i) & 255)))
    done
    # shellcheck disable=SC2059 # the escapes are the format
    printf "$escapes" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# Offsets in the headers of $notepad.
pe=$(read_number "$notepad" 60 4)
optional=$((pe + 24))
checksum=$((optional + 64))
directories=$((optional + 112))
sections=$((optional + $(read_number "$notepad" $((pe + 20)) 2)))
section_count=$(read_number "$notepad" $((pe + 6)) 2)

# accepted NAME FILE: runs as the original does
accepted() {
    local problem=
    "$build/pageable" run "$2" --scenario=tests/system/scenarios/notepad_image.lua >"$out" 2>&1 \
        </dev/null || problem="exit $?"
    [ -n "$problem" ] || grep -q '^verdict *clean' "$out" || problem="the verdict is not clean"
    if [ -z "$problem" ]; then
        echo "ok    system image: $1"
        passed=$((passed + 1))
    else
        echo "FAIL  system image: $1: $problem"
        tail -n 25 "$out" | sed 's/^/      | /'
        failed=$((failed + 1))
    fi
}

copy() {
    cp "$notepad" "$scratch/notepad.sys"
}

wrong_checksum() {
    wanted "a wrong checksum" || return 0
    copy
    write_number "$scratch/notepad.sys" $checksum 4 \
        $(($(read_number "$notepad" $checksum 4) ^ 0xffff))
    accepted "a wrong checksum" "$scratch/notepad.sys"
}

no_checksum() {
    wanted "no checksum" || return 0
    copy
    write_number "$scratch/notepad.sys" $checksum 4 0
    accepted "no checksum" "$scratch/notepad.sys"
}

# No relocation directory, though not marked as stripped; the image has no absolute addresses then.
no_relocations() {
    wanted "no relocation directory" || return 0
    copy
    write_number "$scratch/notepad.sys" $((directories + 8 * 5)) 4 0
    write_number "$scratch/notepad.sys" $((directories + 8 * 5 + 4)) 4 0
    accepted "no relocation directory" "$scratch/notepad.sys"
}

# The last section has more memory than bytes in the file: the rest is zero.
large_virtual_size() {
    local header
    wanted "a section larger than its bytes in the file" || return 0
    copy
    header=$((sections + 40 * (section_count - 1)))
    write_number "$scratch/notepad.sys" $((header + 8)) 4 \
        $(($(read_number "$notepad" $((header + 8)) 4) + 8192))
    write_number "$scratch/notepad.sys" $((optional + 56)) 4 \
        $(($(read_number "$notepad" $((optional + 56)) 4) + 8192))
    accepted "a section larger than its bytes in the file" "$scratch/notepad.sys"
}

# A debug directory that leads nowhere: the loader does not look at it.
broken_debug_directory() {
    wanted "a broken debug directory" || return 0
    copy
    write_number "$scratch/notepad.sys" $((directories + 8 * 6)) 4 0x7fffff00
    accepted "a broken debug directory" "$scratch/notepad.sys"
}

# Bytes behind the last section, as a signature or an installer leaves them.
trailing_bytes() {
    wanted "bytes behind the image" || return 0
    copy
    head -c 10000 /dev/zero | tr '\0' 'S' >>"$scratch/notepad.sys"
    accepted "bytes behind the image" "$scratch/notepad.sys"
}

# The second section, which holds what the driver reads while it runs, is marked discardable: only
# what is at the image's end goes.
discardable_in_the_middle() {
    local flags=$((sections + 40 + 36))
    wanted "a discardable section in the middle" || return 0
    copy
    write_number "$scratch/notepad.sys" $flags 4 \
        $(($(read_number "$notepad" $flags 4) | 0x02000000))
    accepted "a discardable section in the middle" "$scratch/notepad.sys"
}

wrong_checksum
no_checksum
discardable_in_the_middle
no_relocations
large_virtual_size
broken_debug_directory
trailing_bytes
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
