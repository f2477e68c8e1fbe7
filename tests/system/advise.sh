# SPDX-License-Identifier: MIT
# Sourced by tests/system/run: `pageable advise` says what it has evidence of, and nothing else.
# shellcheck shell=bash

# advised NAME COUNT LABEL TEXT: COUNT lines of that label in the last output, one with TEXT
advised() {
    local problem='' count
    sed -n '/^advice /,$p' "$out" >"$scratch/advice"
    count=$(grep -c "^$3 " "$scratch/advice")
    [ "$count" = "$2" ] || problem="$count lines of advice $3 instead of $2"
    [ "$2" = 0 ] || grep "^$3 " "$scratch/advice" | grep -qF -- "$4" ||
        problem="${problem:-no: $3 $4}"
    result "advise $1" "$problem"
}

advice() {
    wanted "advise" || return 0
    run "$pageable" advise "$build/drivers/correct/advisable.sys" --json="$scratch/advice.jsonl"
    [ "$status" = 0 ] || echo "exit $status" >>"$out"
    advised "what could be pageable" 4 pageable \
        "AdvisableFormat (drivers/correct/advisable/advisable.c"
    advised "what that gains" 1 gain "1 of 4 pages less, 4,096 bytes"
    advised "a lock that was not needed" 1 lock "PAGELK: locked 2 times"
    advised "a section too small" 1 "too small" "PAGE: "
    advised "nothing where nothing is wrong" 0 resident
    cp "$scratch/advice.jsonl" "$out"
    result "advise in the events" "$([ "$(grep -c '"kind": *"could-be-pageable"' "$out")" = 4 ] &&
        grep -q '"kind": *"gain"' "$out" || echo "the events do not tell the advice")"

    run "$pageable" advise "$build/drivers/faulty/paged-code-at-dispatch.sys"
    advised "pageable code at DISPATCH_LEVEL" 1 resident "entered at DISPATCH_LEVEL by"
    expect "advise a run that ends in a bug check" 1 "none, as the run did not come to" \
        "$pageable" advise "$build/drivers/faulty/paged-code-at-dispatch.sys" --page-out=always
    expect "advise with a debugger" 2 "no --kd, no --gdb" \
        "$pageable" advise "$notepad" --kd="$scratch/advise.kd"
    cp "$notepad" "$scratch/bare.sys"
    expect "advise without a PDB" 0 "(without a PDB: those in .pdata)" \
        "$pageable" advise "$scratch/bare.sys"
    # Every routine is watched and goes on as it would: threads, timers, interrupts, exceptions.
    expect "advise a driver that is paged while it is watched" 0 "verdict     clean" \
        "$pageable" advise "$notepad" --scenario=drivers/correct/notepad/notepad.lua \
        --page-out=always --evict
    expect "advise a driver with interrupts" 0 "verdict     clean" \
        "$pageable" advise "$build/drivers/correct/isr-nonpaged.sys"
}
