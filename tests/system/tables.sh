# SPDX-License-Identifier: MIT
# Part of tests/system/run, which has expect and result: what `pageable explain`, `pageable
# exports` and `pageable inspect` say, and that docs/ has what they generate.

# generated FILE COMMAND...: the committed file is what the command writes now
generated() {
    local file=$1 problem=
    shift
    wanted "generated $file" || return 0
    run "$@"
    [ "$status" = 0 ] || problem="exit $status"
    cmp -s "$out" "$file" || problem="it is out of date: make docs"
    diff "$file" "$out" >"$out.diff"
    mv "$out.diff" "$out"
    result "generated $file" "$problem"
}

exported() {
    expect "exports by pattern" 0 "MmLockPagableImageSection " "$pageable" exports 'MmLock*'
    expect "exports: one whole name" 0 "rules       IrqlKeSetEvent" "$pageable" exports KeSetEvent
    expect "exports by part" 0 "KeAcquireSpinLockRaiseToDpc " "$pageable" exports spinlock
    expect "exports --json" 0 '{"name":"KeSetEvent","component":"ke","kind":"function",' \
        "$pageable" exports --json KeSetEvent
    expect "exports: no such name" 2 "near it: KeSetEvent" "$pageable" exports KeSetEvnt
    expect "exports: no such option" 2 "no such option" "$pageable" exports --mising
    expect "exports: two patterns" 2 "one pattern" "$pageable" exports A B
    expect "exports --missing without files" 2 "which drivers" "$pageable" exports --missing
    expect "exports --missing: nothing" 0 "1 of 1 drivers lack nothing" \
        "$pageable" exports --missing "$notepad"
    cp "$build/drivers/faulty/missing-import.sys" "$scratch/twin.sys"
    expect "exports --missing: for how many" 1 "     2  ntoskrnl.exe!MissingFrobnicate" \
        "$pageable" exports --missing "$build/drivers/faulty/missing-import.sys" "$notepad" \
        "$scratch/twin.sys"
    expect "exports --missing --json" 1 '{"missing":"ntoskrnl.exe!MissingFrobnicate","files":1}' \
        "$pageable" exports --missing --json "$scratch/twin.sys"
    expect "exports --missing: bad files are named" 3 "offset 0x0" \
        "$pageable" exports --missing README.md "$notepad"
    expect "help exports" 0 "usage: pageable exports" "$pageable" help exports
    generated docs/routines.md "$pageable" exports --markdown
}

inspected() {
    local faulty=$build/drivers/faulty
    expect "inspect: a section that leaves" 0 "r-x    pageable" "$pageable" inspect "$notepad"
    expect "inspect: a spin lock in PAGE" 0 "KeAcquireSpinLockRaiseToDpc in TurnstileCount (" \
        "$pageable" inspect "$faulty/spin-lock-in-page.sys"
    expect "inspect: the mended driver" 0 "all imports are provided, 0 warnings" \
        "$pageable" inspect "$build/drivers/correct/spin-lock-isolated.sys"
    expect "inspect --strict: warnings" 1 "verdict     all imports are provided, 1 warning" \
        "$pageable" inspect --strict "$faulty/spin-lock-in-page.sys"
    expect "inspect --strict: none" 0 "found beside the driver" \
        "$pageable" inspect --strict "$build/drivers/correct/spin-lock-isolated.sys"
    expect "inspect: a missing import" 0 "  missing      MissingFrobnicate" \
        "$pageable" inspect "$faulty/missing-import.sys"
    expect "inspect -v: implemented imports" 0 "  implemented  IoCreateDevice" \
        "$pageable" inspect -v "$notepad"
    expect "inspect: a flat image" 0 "the whole image is nonpaged" \
        "$pageable" inspect "$build/drivers/correct/flat.sys"
    cp "$faulty/spin-lock-in-page.sys" "$scratch/alone.sys"
    expect "inspect without a PDB" 0 "not beside the driver" \
        "$pageable" inspect "$scratch/alone.sys"
    cp "$build/drivers/correct/notepad.pdb" "$scratch/spin-lock-in-page.pdb"
    expect "inspect: a PDB of another build" 0 "of another build" \
        "$pageable" inspect "$scratch/alone.sys"
    expect "inspect --json" 0 \
        '"what":"KeAcquireSpinLockRaiseToDpc","warning":true,"routine":"Turn' \
        "$pageable" inspect --json "$faulty/spin-lock-in-page.sys"
    expect "inspect: bad files are named" 3 "README.md: offset 0x0" \
        "$pageable" inspect README.md "$notepad"
    truncate -s 1G "$scratch/large.sys"
    expect "inspect: a file too large" 2 "is larger than the limit" \
        "$pageable" inspect "$scratch/large.sys"
    expect "inspect without files" 2 "which drivers" "$pageable" inspect
    expect "inspect: no such option" 2 "no such option" "$pageable" inspect --jsn "$notepad"
    expect "help inspect" 0 "usage: pageable inspect" "$pageable" help inspect
}

# Each "Sample: [name]" of docs/bug-checks.md is a driver whose expected output has the code.
samples_end_as_told() {
    local code name problem=
    wanted "samples of bug checks" || return 0
    : >"$out"
    while read -r code name; do
        grep -qE "${code} |P1 0*${code#0x}h?" drivers/faulty/"$name"/expected*.txt 2>/dev/null ||
            { problem="drivers/faulty/$name does not expect $code"; echo "$problem" >>"$out"; }
    done < <(sed -n -e 's/^## \(0x[0-9A-F]*\) .*/code \1/p' \
        -e 's/.*Sample: \[\([^]]*\)\].*/name \1/p' docs/bug-checks.md |
        awk '$1 == "code" { code = $2 } $1 == "name" { print code, $2 }')
    result "samples of bug checks" "$problem"
}

explained() {
    expect "explain by number" 0 "0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL" "$pageable" explain 0xD1
    expect "explain without 0x" 0 "drivers/faulty/paged-code-at-dispatch" "$pageable" explain d1
    expect "explain by name" 0 "P4 address that referenced it" \
        "$pageable" explain driver_irql_not_less_or_equal
    expect "explain a sub-code" 0 "IrqlMmApcLte" "$pageable" explain 0xC4 0x20019
    expect "explain lists sub-codes" 0 "1010   a section was unlocked" "$pageable" explain 0x1a
    expect "explain values" 0 "P3 00000000\`00000008  access: execute" \
        "$pageable" explain 0xd1 'fffff880`00001000' 2 8 0
    expect "explain an unknown code" 2 "near it: 0xD1" "$pageable" explain 0xD
    expect "explain an unknown name" 2 "near it: 0xD1 DRIVER_IRQL" \
        "$pageable" explain DRIVER_IRQL_NOT_LES
    expect "explain an unknown sub-code" 2 "no meaning of P1 = 0x777" "$pageable" explain C4 777
    expect "explain a parameter that is none" 2 "hexadecimal" "$pageable" explain C4 here
    expect "explain too much" 2 "four parameters" "$pageable" explain D1 1 2 3 4 5
    expect "help explain" 0 "usage: pageable explain" "$pageable" help explain
    generated docs/bug-checks.md "$pageable" explain --markdown
    samples_end_as_told
}
