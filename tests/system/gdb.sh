# SPDX-License-Identifier: MIT
# Part of tests/system/run, which has expect and result: `run --gdb` with gdb itself.

# session PLACE COMMAND...: a machine that waits for gdb at PLACE, and gdb's commands; what gdb
# prints goes to $out, what the run prints to $scratch/gdb-run
session() {
    local place=$1 driver=$build/drivers/faulty/paged-code-at-dispatch.sys command words=() i
    shift
    for command in "$@"; do
        words+=(-ex "$command")
    done
    "$pageable" run "$driver" --gdb="$place" >"$scratch/gdb-run" 2>&1 </dev/null &
    command=$!
    for ((i = 0; i < 200; i++)); do
        grep -q 'the machine waits at' "$scratch/gdb-run" && break
        sleep 0.05
    done
    timeout 60 gdb -nx -batch -x "$build/pageable-gdb.py" -ex "pageable-attach $place $driver" \
        "${words[@]}" >"$out" 2>&1 </dev/null
    wait "$command"
    status=$?
}

# says NAME TEXT...: each in what gdb printed, in that order
says() {
    local name=$1 problem= text
    shift
    [ "$status" = 1 ] || problem="the run ended with $status instead of 1"
    cp "$out" "$scratch/rest"
    for text in "$@"; do
        grep -qF -- "$text" "$scratch/rest" || problem="${problem:-gdb did not say: $text}"
        sed -i "0,/$(printf '%s' "$text" | sed 's/[][\/.*^$]/\\&/g')/d" "$scratch/rest"
    done
    result "$name" "$problem"
}

gdb_works() {
    wanted "gdb" || return 0
    expect "gdb: symbols are sound" 0 "No errors" sh -c \
        '"$1" gdb-symbols "$2" -o "$3" && llvm-dwarfdump-19 --verify "$3" 2>/dev/null' - \
        "$pageable" "$build/ntoskrnl.exe" "$scratch/nt.elf"
    expect "gdb: symbols of an image without a PDB" 5 "No such file" \
        sh -c 'cp "$2" "$3/alone.sys" && "$1" gdb-symbols "$3/alone.sys" -o "$3/alone.elf"' - \
        "$pageable" "$notepad" "$scratch"
    expect "gdb: symbols of no image" 5 "text.txt" \
        sh -c 'echo text >"$2/text.txt"; "$1" gdb-symbols "$2/text.txt" -o "$2/text.elf"' - \
        "$pageable" "$scratch"
    refused "a gdb port that is none" 2 "a port from 1 to 65535" "$notepad" --gdb=70000
    command -v gdb >/dev/null || { result "gdb: is there" "no gdb; packages.txt"; return; }
    session "$scratch/gdb.socket" 'break FaultyCreate' 'continue' 'bt' 'delete' \
        'break KiBugCheckTrap' 'continue' 'bt' 'x/xg &KiBugCheckData' 'x/i $pc' 'detach'
    says "gdb: a driver's line, and a stack across a trap" \
        "Breakpoint 1, FaultyCreate () at drivers/faulty/paged-code-at-dispatch/" \
        "IofCallDriver () at kernel/io/irp_dispatch.c:" "KiSystemService () at kernel/ke/" \
        "Breakpoint 2, KiBugCheckTrap () at kernel/ke/bug_check.c:" \
        "MmAccessFault () at kernel/mm/page_fault.c:" "CountOpen () at drivers/faulty/" \
        "FaultyCreate () at drivers/faulty/" "IofCallDriver ()" "KiSystemService () at kernel/ke/" \
        "<KiBugCheckData>:"
}
