# SPDX-License-Identifier: MIT
# Part of tests/system/run, which has expect and result: crash dumps. The header's bytes are looked
# at by od; that a dump tells the same as the live machine is compared word by word.

faulty=$build/drivers/faulty/paged-code-at-dispatch.sys

# bytes OFFSET COUNT: of the dump, in hexadecimal without blanks
bytes() {
    od -An -v -tx1 -j"$(($1))" -N"$2" "$scratch/run.dmp" | tr -d ' \n'
}

dump_of_a_run() {
    local problem=
    wanted "run --dump" || return 0
    run "$pageable" run "$faulty" --dump="$scratch/run.dmp"
    [ "$status" = 1 ] || problem="exit $status instead of 1"
    grep -q '^dump .*run.dmp, 49,938,432 bytes' "$out" || problem="the output tells of no dump"
    [ "$(bytes 0 8)" = 5041474544553634 ] || problem="it does not begin with PAGEDU64"
    [ "$(bytes 0x30 4)" = 64860000 ] || problem="the machine's type"
    [ "$(bytes 0x38 4)" = d1000000 ] || problem="the bug check's code"
    [ "$(bytes 0x50 8)" = 0800000000000000 ] || problem="the bug check's third parameter"
    [ "$(bytes 0xf98 4)" = 01000000 ] || problem="the dump's type"
    [ "$(bytes 0xfa0 4)" = 0000fa02 ] || problem="the file's size in the header"
    [ "$(stat -c %s "$scratch/run.dmp")" = 49938432 ] || problem="the file's size"
    [ "$(find "$scratch" -name '*.part')" = "" ] || problem="a part is left"
    result "run --dump" "$problem"
}

# What both print from here on must be the same but for the frames of the stop itself. The two are
# machines of their own, so that their pages need not lie in the same physical ones.
dump_is_as_live() {
    local commands='.bugcheck; lm; !pte poi(nt!KiBugCheckData+8); !pageable; k' problem=
    wanted "dump: as the live machine" || return 0
    "$pageable" debug "$faulty" -c "g; $commands; q" 2>&1 </dev/null |
        sed -n '/^Bugcheck code/,/KiSystemCall64/p' >"$scratch/live"
    run "$pageable" kd --dump "$scratch/run.dmp" --symbols="$build/drivers/faulty" -c "$commands"
    [ "$status" = 0 ] || problem="exit $status"
    sed -n '/^Bugcheck code/,/KiSystemCall64/p' "$out" >"$scratch/dead"
    for file in "$scratch/live" "$scratch/dead"; do
        grep -vE 'DbgBreakPointWithStatus|nt!KiBugCheck\+|^\*\*\*' "$file" |
            sed -E -e 's/\(deferred\)/(pdb symbols)/' -e 's/\(pdb symbols\).*//' \
                -e 's/contains [0-9A-F]{13}/contains PFN/g' -e 's/pfn [0-9a-f]+ +/pfn PFN /g' \
                -e 's/Transition: [0-9a-f]+/Transition: PFN/' >"$file.kept"
    done
    grep -q 'paged_code_at_dispatch!FaultyCreate' "$scratch/live.kept" ||
        problem="the live machine tells nothing"
    diff "$scratch/live.kept" "$scratch/dead.kept" >"$out" || problem="they differ"
    result "dump: as the live machine" "$problem"
}

dumps() {
    dump_of_a_run
    dump_is_as_live
    expect "run --dump without a bug check" 0 "none: there was no bug check" \
        "$pageable" run "$notepad" --dump="$scratch/none.dmp"
    expect "run --dump to nowhere" 5 "not written: /nowhere/x.dmp: No such file" \
        "$pageable" run "$faulty" --dump=/nowhere/x.dmp
    expect "dump: !analyze" 0 "DRIVER_IRQL_NOT_LESS_OR_EQUAL (d1)" \
        "$pageable" kd --dump "$scratch/run.dmp" -c '!analyze -v'
    expect "dump: no g" 1 "g needs a live target" \
        "$pageable" kd --dump "$scratch/run.dmp" -c g
    expect "dump: no .pagein" 1 ".pagein needs a live target" \
        "$pageable" kd --dump "$scratch/run.dmp" -c '.pagein fffff88200006000'
    expect "dump: no writing" 1 "cannot be written" \
        "$pageable" kd --dump "$scratch/run.dmp" -c 'ed nt!KiBugCheckData 1'
    expect "dump: a copy of it" 0 "Dump successfully written: 49,938,432 bytes" \
        "$pageable" kd --dump "$scratch/run.dmp" -c ".dump $scratch/copy.dmp"
    expect "dump: the copy is the same" 0 "the same" \
        sh -c 'cmp -i 8192 "$1" "$2" && echo the same' - "$scratch/run.dmp" "$scratch/copy.dmp"
    expect "dump: of a live machine" 0 "Dump successfully written: 16," \
        "$pageable" debug "$faulty" --memory=16M -c "g; .dump $scratch/live.dmp; q"
    expect "dump: of a live machine, opened" 0 "paged_code_at_dispatch!FaultyCreate" \
        "$pageable" kd --dump "$scratch/live.dmp" --symbols="$build/drivers/faulty" -c k
    expect "dump: no writing over a file" 1 "is there already (/o writes over it)" \
        "$pageable" kd --dump "$scratch/run.dmp" -c ".dump $scratch/copy.dmp"
    head -c 1000000 "$scratch/run.dmp" >"$scratch/cut.dmp" 2>/dev/null
    expect "dump: one cut off" 3 "cut.dmp: offset 0xa8: the run's" \
        "$pageable" kd --dump "$scratch/cut.dmp"
    expect "dump: no dump at all" 3 "no crash dump" "$pageable" kd --dump "$notepad"
    expect "dump: no such file" 3 "No such file" "$pageable" kd --dump /nowhere
}
