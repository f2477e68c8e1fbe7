#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Images that are unusual and must be accepted: real drivers are like that. Those that a linker can
# make are sample drivers (flat, no-entry, hal-imports, odd-directories, gcc-wdm); here are those
# that a good image must be changed for. One line for each test; the last: "N passed, N failed".
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

# Where what is at this RVA is in $notepad.
file_offset() {
    local i header rva
    for ((i = 0; i < section_count; i++)); do
        header=$((sections + 40 * i))
        rva=$(read_number "$notepad" $((header + 12)) 4)
        if (($1 >= rva && $1 < rva + $(read_number "$notepad" $((header + 8)) 4))); then
            echo $(($1 - rva + $(read_number "$notepad" $((header + 20)) 4)))
            return
        fi
    done
    echo "no section has RVA $1" >&2
}

# outcome NAME PROBLEM: an empty problem is a pass; else it is shown, with the output's end
outcome() {
    if [ -z "$2" ]; then
        echo "ok    system image: $1"
        passed=$((passed + 1))
    else
        echo "FAIL  system image: $1: $2"
        tail -n 25 "$out" | sed 's/^/      | /'
        failed=$((failed + 1))
    fi
}

# accepted NAME FILE: runs as the original does
accepted() {
    local problem=
    "$build/pageable" run "$2" --scenario=tests/system/scenarios/notepad_image.lua >"$out" 2>&1 \
        </dev/null || problem="exit $?"
    [ -n "$problem" ] || grep -q '^verdict *clean' "$out" || problem="the verdict is not clean"
    outcome "$1" "$problem"
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

# A certificate table, as a signer leaves it: beyond the image, 8 bytes aligned, told by a directory
# whose address is an offset into the file.
signed() {
    local size
    wanted "a signature" || return 0
    copy
    size=$(stat -c %s "$notepad")
    truncate -s $(((size + 7) / 8 * 8)) "$scratch/notepad.sys"
    size=$(stat -c %s "$scratch/notepad.sys")
    write_number "$scratch/notepad.sys" $((directories + 8 * 4)) 4 "$size"
    write_number "$scratch/notepad.sys" $((directories + 8 * 4 + 4)) 4 2048
    write_number "$scratch/notepad.sys" "$size" 4 2048       # dwLength
    write_number "$scratch/notepad.sys" $((size + 4)) 4 0x20200 # revision 2, PKCS #7
    head -c 2040 /dev/urandom >>"$scratch/notepad.sys"
    accepted "a signature" "$scratch/notepad.sys"
}

# Bound imports: slots that hold addresses of a machine long ago. The loader looks the names up.
bound_imports() {
    local slots size i
    wanted "bound imports" || return 0
    copy
    slots=$(file_offset "$(read_number "$notepad" $((directories + 8 * 12)) 4)")
    size=$(read_number "$notepad" $((directories + 8 * 12 + 4)) 4)
    for ((i = 0; i < size / 8 - 1; i++)); do
        [ "$(read_number "$notepad" $((slots + 8 * i)) 8)" = 0 ] ||
            write_number "$scratch/notepad.sys" $((slots + 8 * i)) 8 $((0xfffff80000100000 + i))
    done
    i=$(file_offset "$(read_number "$notepad" $((directories + 8)) 4)")
    write_number "$scratch/notepad.sys" $((i + 4)) 4 0xffffffff # TimeDateStamp: bound
    ! cmp -s "$notepad" "$scratch/notepad.sys" || : >"$scratch/notepad.sys" # nothing was bound
    accepted "bound imports" "$scratch/notepad.sys"
}

# Relocations stripped, and marked so: it can be loaded at the recorded address alone, which is not
# one for drivers. Refused, as NT refuses it.
stripped_relocations() {
    wanted "stripped relocations are refused" || return 0
    copy
    write_number "$scratch/notepad.sys" $((directories + 8 * 5)) 4 0
    write_number "$scratch/notepad.sys" $((directories + 8 * 5 + 4)) 4 0
    write_number "$scratch/notepad.sys" $((pe + 22)) 2 \
        $(($(read_number "$notepad" $((pe + 22)) 2) | 1))
    local problem=
    "$build/pageable" run "$scratch/notepad.sys" >"$out" 2>&1 </dev/null
    [ $? = 3 ] || problem="it is not refused"
    grep -q '^load .*relocations' "$out" || problem="${problem:-the reason is not told}"
    outcome "stripped relocations are refused" "$problem"
}

# Much behind the image: 30 of the machine's 48 MB.
large_file() {
    wanted "a file of 30 MB" || return 0
    copy
    truncate -s 30M "$scratch/notepad.sys"
    accepted "a file of 30 MB" "$scratch/notepad.sys"
}

wrong_checksum
no_checksum
signed
bound_imports
stripped_relocations
large_file
discardable_in_the_middle
no_relocations
large_virtual_size
broken_debug_directory
trailing_bytes
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
