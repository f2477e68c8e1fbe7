#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds kernel/se and its tests as a PE image and runs it under Linux: run.sh BUILD-DIR [SEED]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
out=${1:?usage: run.sh BUILD-DIR [SEED]}
mkdir -p "$out"
flags="--target=x86_64-pc-windows-msvc -std=gnu17 -fms-extensions -ffreestanding -O2 -g -gcodeview
    -fasync-exceptions -fno-inline-functions -Xclang -fno-elide-constructors
    -fno-stack-protector -fasynchronous-unwind-tables -mgeneral-regs-only
    -Wall -Wextra -Werror -Wno-unused-parameter -DSEH_NATIVE=1 ${SEH_NATIVE_CFLAGS:-}
    -I$here -I$root/include -I$root/include/nt -I$root/kernel -I$root"
objects=
for source in "$root"/kernel/se/*.[cS] "$root/kernel/ke/floating_state.c" \
    "$root"/lib/unwind_*.c "$root"/tests/guest/seh_*.c "$here/image.c" "$here/trap.S"; do
    case $source in
    */stack_limits.c) continue ;; # image.c knows the stacks here
    esac
    if grep -q '"se/sep.h"' "$source"; then
        continue # security, not exceptions
    fi
    object=$out/$(basename "$source").obj
    # shellcheck disable=SC2086
    "${CLANG:-clang-19}" $flags -Wno-unused-command-line-argument -c "$source" -o "$object"
    objects="$objects $object"
done
# shellcheck disable=SC2086
"${LLD_LINK:-lld-link-19}" /driver /subsystem:native,10.00 /entry:NativeMain /nodefaultlib \
    /machine:x64 /debug /base:0x140000000 /out:"$out/seh_native.exe" $objects
"${CLANG:-clang-19}" -O1 -g -Wall -Wextra -Werror "$here/loader.c" -o "$out/seh_loader"
"$out/seh_loader" "$out/seh_native.exe" ${2:-}
