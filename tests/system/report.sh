# SPDX-License-Identifier: MIT
# Part of tests/system/run, which has expect and result: the timeline's reports. The HTML report is
# opened in headless Chromium, and tests/system/report/probe.js is run in it.

# probed NAME FILE PATTERN WORDS...: every line of the probe is good, and one is the pattern; what
# it says is in $out, too
probed() {
    local name=$1 file=$2 want=$3 problem=
    wanted "$name" || return 0
    shift 3
    if ! command -v chromium >/dev/null; then
        echo "skipped: chromium not installed: system $name"
        return 0
    fi
    python3 tests/system/report/browse.py "$file" "$@" >"$out" 2>&1
    grep -q "^probe done" "$out" || problem="the probe did not end"
    if grep -q "^FAIL" "$out"; then
        problem=$(grep "^FAIL" "$out" | head -n 1)
    fi
    [ "$(grep -c '^ok ' "$out")" -ge 20 ] || problem=${problem:-fewer checks than there are}
    grep -q -- "$want" "$out" || problem=${problem:-no line $want}
    result "$name" "$problem"
}

timeline_reports() {
    local faulty=$build/drivers/faulty/paged-code-at-dispatch.sys problem
    local tour=("$build/drivers/correct/tour.sys" --scenario=drivers/correct/tour/tour.lua)
    wanted "report timeline" || return 0
    expect "report timeline: a finding's" 1 "verdict     finding: bug check 0xD1" "$pageable" run \
        "$faulty" --html="$scratch/faulty.html" --trace="$scratch/faulty.json" --json="$scratch/e"
    problem=
    grep -q '"event":"timeline","ms":[0-9]*,"entries":[1-9][0-9]*,"lost":0}' "$scratch/e" ||
        problem="no timeline event, or one that has lost some"
    tail -n 1 "$scratch/e" | grep -q '"event":"verdict"' || problem="the verdict is not last"
    result "report timeline: its event" "$problem"
    expect "report timeline: a clean run's" 0 "verdict     clean" "$pageable" run "${tour[@]}" \
        --html="$scratch/tour.html" --trace="$scratch/tour.json" --budget=locked:PAGELK=4K
    expect "report timeline: the same with --evict" 0 "verdict     clean" "$pageable" run \
        "${tour[@]}" --page-out=always --evict --trace="$scratch/evict.json"
    expect "report timeline: a trace" 0 "sound" python3 tests/system/report/trace.py \
        "$scratch/tour.json" 90
    expect "report timeline: a trace of evicted pages" 0 "sound" python3 \
        tests/system/report/trace.py "$scratch/evict.json" 90
    probed "report timeline: page, a finding" "$scratch/faulty.html" "^figure dark 0"
    probed "report timeline: page, dark" "$scratch/tour.html" "^figure dark 1" --dark
    probed "report timeline: page, 360 pixels wide" "$scratch/tour.html" "^figure width 360" \
        --width=360 --height=800
}

# Recorded, a driver does what it does: the gate that sees returns is another one.
recorded_drivers() {
    local name folder want words line problem
    for name in correct/section-locks correct/tour faulty/completion-routine-in-page \
        faulty/inline-raise-paged-data faulty/list-in-pagedata faulty/lock-leaked-at-unload \
        faulty/paged-data-at-dispatch faulty/stack-overflow faulty/unlock-twice \
        faulty/wait-at-dispatch; do
        folder=drivers/$name
        wanted "report recorded $name" && [ -e "$folder/expected.txt" ] || continue
        want=$(sed -n 's/^exit //p' "$folder/expected.txt" | head -n 1)
        words=$(sed -n 's/^args //p' "$folder/expected.txt" | head -n 1)
        problem=
        # shellcheck disable=SC2086 # words are words
        run "$pageable" run "$build/$folder.sys" $words --timeline
        [ "$status" = "${want:-0}" ] || problem="exit $status instead of ${want:-0}"
        line=$(missing_line "$folder/expected.txt" "$out")
        [ -z "$line" ] || problem="${problem:-missing or out of order: $line}"
        result "report recorded $name" "$problem"
    done
}

budgets() {
    local tour=("$build/drivers/correct/tour.sys" --scenario=drivers/correct/tour/tour.lua)
    wanted "report budget" || return 0
    expect "report budget: exceeded" 1 "cause       budget: 4,096 locked bytes of PAGELK" \
        "$pageable" run "${tour[@]}" --budget=locked:PAGELK=4095
    expect "report budget: who locked" 1 "where       tour!DriverEntry" \
        "$pageable" run "${tour[@]}" --budget=locked=0
    expect "report budget: kept" 0 "nonpaged bytes of the image: at most 20,480 of 65,536" \
        "$pageable" run "${tour[@]}" --budget=nonpaged=64K
    expect "report budget: of no section" 1 "the driver has no section NONE" \
        "$pageable" run "${tour[@]}" --budget=resident:NONE=64K
    expect "report budget: bad words" 2 "a budget is" "$pageable" run "${tour[@]}" --budget=paged=1K
    expect "report budget: not without verification" 2 "needs that" \
        "$pageable" run "${tour[@]}" --budget=nonpaged=1K --no-verify
    expect "report: a full disk" 5 "not written" "$pageable" run "${tour[@]}" --html=/dev/full
}

# The report of a check: findings first, every run, the timelines of some.
check_reports() {
    local whole=$scratch/pages problem kept
    local faulty=$build/drivers/faulty/paged-code-at-dispatch.sys
    wanted "report check" || return 0
    echo "no driver" >"$scratch/text.sys"
    run "$pageable" check "$notepad" "$faulty" "$scratch/text.sys" \
        "$build/drivers/correct/tour.sys" --seeds=1-2 --page-out=at-raise,never,random \
        --report-dir="$whole"
    problem=
    [ "$status" = 3 ] || problem="exit $status instead of 3"
    kept=$(cd "$whole/runs" && echo *.timeline.json)
    # notepad's first; of the faulty one the first in at-raise and random, which are bad, and in
    # never, which is clean; none of text.sys, with which no machine starts; tour's first
    [ "${kept//.timeline.json/}" = "000000 000006 000008 000010 000018" ] ||
        problem="${problem:-other timelines: $kept}"
    result "report check: timelines that are kept" "$problem"
    probed "report check: page" "$whole/report.html" "^figure runs 24" --probe=probe_check.js
    probed "report check: page, dark" "$whole/report.html" "^figure dark 1" --probe=probe_check.js \
        --dark
    probed "report check: page, 360 pixels wide" "$whole/report.html" "^figure width 360" \
        --probe=probe_check.js --width=360 --height=800
    probed "report check: a run of it by its address" "$whole/report.html" "^ok N finds a fault" \
        --at="#run-6"
}

# 100,000 events with names that would be HTML, from a guest that is a fake; and 100 runs of that,
# of which one brings its last 50,000.
large_reports() {
    local state problem
    wanted "report large" || return 0
    FAKE_GUEST=timeline PAGEABLE_QEMU=$scratch/fake_guest expect \
        "report large: 100,000 events of a guest that lies" 0 "timeline    100,000 events" \
        "$pageable" run "$notepad" --html="$scratch/large.html" --trace="$scratch/large.json"
    expect "report large: the trace" 0 "sound" python3 tests/system/report/trace.py \
        "$scratch/large.json" 100000
    probed "report large: the page" "$scratch/large.html" "^figure events 100000"
    state=$(grep "^figure last_state" "$out")
    FAKE_GUEST=timeline PAGEABLE_QEMU=$scratch/fake_guest expect "report large: 100 runs" 0 \
        "verdict     clean: 0 findings, 0 bad of 100 runs" "$pageable" check "$notepad" \
        --page-out=at-raise --seeds=1-100 --html="$scratch/hundred.html"
    probed "report large: the page of 100 runs" "$scratch/hundred.html" "^figure left_out 50000" \
        --probe=probe_check.js
    problem=
    [ "$(grep "^figure last_state" "$out")" = "$state" ] || problem="not as in the whole: $state"
    result "report large: the last 50,000 events end as all do" "$problem"
}
