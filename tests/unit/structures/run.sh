#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Compares every structure of include/nt in size, and each of its fields in its place, with
# mingw-w64's DDK and Windows headers, and every constant in its value. The compiler lays out and
# computes both; differences.txt has what may differ, with the reason. One that is new fails the
# test, and so does one that is no longer there.
set -u
cd "$(dirname "$0")/../../.." || exit 5
here=tests/unit/structures
headers=/usr/share/mingw-w64/include
scratch=$(mktemp -d) || exit 5
trap 'rm -rf "$scratch"' EXIT
export LC_ALL=C
clang="clang-19 -fms-extensions -ffreestanding -w -ferror-limit=0"
ours="$clang --target=x86_64-pc-windows-msvc -Iinclude/nt -Iinclude"
theirs="$clang --target=x86_64-w64-mingw32 -I$headers/ddk -I$headers"

# dump OUT COMMAND...: what a compilation prints; it must succeed
dump() {
    local out=$1
    shift
    if ! "$@" >"$out" 2>"$scratch/errors"; then
        echo "failed: $*"
        cat "$scratch/errors"
        exit 1
    fi
}

# values OUT HEADERS COMPILER...: "NAME VALUE" of those of $scratch/names that are integer constants
# there. What does not compile (a type, a statement, a name that is not known) drops out.
values() {
    local out=$1 included=$2 lines round
    shift 2
    cp "$scratch/names" "$scratch/left"
    lines=$(wc -l <"$included")
    for round in 1 2 3; do
        {
            cat "$included"
            sed 's/.*/const unsigned long long Value_& = (unsigned long long)(&);/' "$scratch/left"
        } >"$scratch/values.c"
        "$@" -O0 -S -o "$scratch/values.s" "$scratch/values.c" 2>"$scratch/errors" && break
        [ "$round" != 3 ] || { cat "$scratch/errors"; exit 1; }
        sed -n 's/^[^:]*values.c:\([0-9]*\):[0-9]*: error.*/\1/p' "$scratch/errors" >"$scratch/bad"
        awk -v lines="$lines" 'FILENAME == ARGV[1] { bad[$1]; next } !((FNR + lines) in bad)' \
            "$scratch/bad" "$scratch/left" >"$scratch/fewer"
        mv "$scratch/fewer" "$scratch/left"
    done
    awk '/^Value_/ { name = substr($1, 7); sub(/:.*/, "", name) }
        name != "" && ($1 == ".quad" || $1 == ".zero") {
            print name, $1 == ".quad" ? $2 : 0
            name = ""
        }' "$scratch/values.s" | sort >"$out"
}

for header in include/nt/*.h; do
    echo "#include <$(basename "$header")>"
done >"$scratch/ours.c"
# Two sources, as the headers for drivers and those for programs do not go together.
printf '#include <%s>\n' ntifs.h ntddk.h srb.h wmistr.h wmilib.h >"$scratch/driver.c"
printf '#include <%s>\n' windows.h winternl.h ntstatus.h >"$scratch/program.c"

# ---- structures ----
layouts="-fsyntax-only -Xclang -fdump-record-layouts-complete"
# shellcheck disable=SC2086 # words are words
{
    dump "$scratch/ours.dump" $ours $layouts "$scratch/ours.c"
    dump "$scratch/driver.dump" $theirs $layouts "$scratch/driver.c"
    dump "$scratch/program.dump" $theirs $layouts "$scratch/program.c"
}
awk -f $here/layout.awk "$scratch/ours.dump" | sort -u >"$scratch/ours.layouts"
# Of a record that both have, that of the driver's headers counts.
awk -f $here/layout.awk "$scratch/driver.dump" "$scratch/program.dump" |
    awk '!(($1, $2) in seen) { seen[$1, $2] = 1; print }' >"$scratch/theirs.layouts"
awk -f $here/compare.awk "$scratch/ours.layouts" "$scratch/theirs.layouts" >"$scratch/found"

# ---- constants: macros and enumerators ----
# shellcheck disable=SC2086
{
    dump "$scratch/macros" $ours -dM -E "$scratch/ours.c"
    dump "$scratch/tree" $ours -fsyntax-only -Xclang -ast-dump "$scratch/ours.c"
    {
        sed -n 's/^#define \([A-Za-z][A-Za-z_0-9]*\) .*/\1/p' "$scratch/macros"
        sed -nE "s/.*EnumConstantDecl .* ([A-Za-z][A-Za-z_0-9]*) '[^']*'\$/\1/p" "$scratch/tree"
    } | sort -u >"$scratch/names"
    values "$scratch/ours.values" "$scratch/ours.c" $ours
    values "$scratch/driver.values" "$scratch/driver.c" $theirs
    values "$scratch/program.values" "$scratch/program.c" $theirs
}
for file in driver program; do
    join "$scratch/ours.values" "$scratch/$file.values"
done | sort -u >"$scratch/both.values"
awk '$2 != $3' "$scratch/both.values" >>"$scratch/found"

# ---- what was found, and what is known ----
# "TAG * -" stands for every field of TAG that theirs has no name for, one or more.
awk 'FILENAME == ARGV[1] { if ($2 == "*") any[$1]; next }
    ($1 in any) && $2 != "-" && $4 == "-" { print $1, "* -"; next }
    { print }' $here/differences.txt "$scratch/found" | sort -u >"$scratch/found.sorted"
sed -n 's/^\([^#|][^|]*[^ |]\) *|.*/\1/p' $here/differences.txt | sort >"$scratch/expected"
records=$(awk '$2 == "size"' "$scratch/ours.layouts" | wc -l)
fields=$(awk '$2 != "size"' "$scratch/ours.layouts" | wc -l)
constants=$(wc -l <"$scratch/both.values")
echo "$records records with $fields fields, $constants constants"
[ "$records" -gt 100 ] && [ "$constants" -gt 1000 ] || { echo "too few were compared"; exit 1; }
if ! diff "$scratch/expected" "$scratch/found.sorted"; then
    echo "< is in differences.txt and no longer so; > differs, and is not in it: mend it, or"
    echo "add the line with its reason, or the source of the layout (TAG - - -: only we have it)"
    exit 1
fi
