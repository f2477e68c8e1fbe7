# SPDX-License-Identifier: MIT
# Part of tests/system/run, which has expect, result and machine_of: `pageable check`, its files,
# its ends. What is looked at in a file is in tests/system/check/.

six_drivers() { # the last one is faulty
    local name
    for name in correct/notepad correct/dpc-nonpaged correct/list-nonpaged correct/no-entry \
        correct/mdl-probed-and-locked faulty/paged-code-at-dispatch; do
        echo "$build/drivers/$name.sys"
    done
}

# Takes what differs from time to time out of a file.
timeless() {
    sed -E 's/time="[^"]*"//g; s/"ms":[0-9]+//; s/\([0-9.]+ s\)//' "$1"
}

check_files() {
    local whole=$scratch/whole problem='' kind
    wanted "check: six drivers" || return 0
    # shellcheck disable=SC2046 # words are words
    run "$pageable" check $(six_drivers) --page-out=at-raise,always --seeds=1-2 \
        --report-dir="$whole"
    [ "$status" = 1 ] || problem="exit $status instead of 1"
    [ "$(grep -c '^clean ' "$out")" = 20 ] || problem="${problem:-not 20 clean runs}"
    [ "$(grep -c '^finding .*seed' "$out")" = 4 ] || problem="${problem:-not 4 bad runs}"
    [ "$(grep -c '^finding     0xD1 .*, 4 runs$' "$out")" = 1 ] ||
        problem="${problem:-the finding is not told once}"
    tail -n 1 "$out" | grep -q '^verdict     finding: 1 finding, 4 bad of 24 runs, 6 drivers' ||
        problem="${problem:-another verdict}"
    result "check: six drivers, one of them faulty" "$problem"
    cp "$out" "$scratch/whole.txt"
    for kind in jsonl junit sarif; do
        expect "check: the $kind file is sound" 0 "sound" python3 tests/system/check/files.py \
            $kind "$whole"
    done
    problem=
    [ "$(find "$whole/runs" -name '*.jsonl' | wc -l)" = 24 ] || problem="not 24 files of events"
    grep -q '^verdict     finding' "$whole/runs/000020.txt" || problem="no text of run 20"
    result "check: the report directory has each run's events and text" "$problem"
    run sh -c "$(sed -n 's/^replay      //p' "$scratch/whole.txt") </dev/null"
    problem=
    [ "$status" = 1 ] || problem="exit $status instead of 1"
    grep -q "bug check   0xD1" "$out" || problem="no 0xD1"
    result "check: the replay command finds it again" "$problem"
}

# Shards, joined, are what the whole was, in every file.
check_shards() {
    local problem='' shard file parts=()
    wanted "check: shards" || return 0
    [ -d "$scratch/whole" ] || return 0
    for shard in 1 2 3; do
        # shellcheck disable=SC2046 # words are words
        run "$pageable" check $(six_drivers) --page-out=at-raise,always --seeds=1-2 \
            --shard=$shard/3 --jsonl="$scratch/shard-$shard"
        parts+=("$scratch/shard-$shard")
        [ "$(wc -l <"$scratch/shard-$shard")" -gt 2 ] || problem="shard $shard has no run"
    done
    run "$pageable" report "${parts[@]}" --report-dir="$scratch/joined"
    [ "$status" = 1 ] || problem="${problem:-exit $status instead of 1}"
    for file in results.jsonl results.sarif junit.xml; do
        cmp -s <(timeless "$scratch/joined/$file") <(timeless "$scratch/whole/$file") ||
            problem="${problem:-$file is another one}"
    done
    [ -e "$scratch/joined/runs" ] && problem="${problem:-a folder for runs that were not made}"
    cmp -s <(timeless "$out" | sed "s,$scratch/joined,$scratch/whole,") \
        <(timeless "$scratch/whole.txt" | grep -v ' seed [0-9]* ') ||
        problem="${problem:-the text is another one}"
    result "check: shards joined are the whole" "$problem"
    problem=
    run "$pageable" report "$scratch/whole/results.jsonl" --html="$scratch/again.html"
    [ "$status" = 1 ] || problem="exit $status instead of 1"
    cmp -s "$scratch/again.html" "$scratch/whole/report.html" || problem="${problem:-another page}"
    grep -q 'id="timeline-of-20"' "$scratch/again.html" || problem="${problem:-no timelines}"
    result "check: report takes the timelines beside results.jsonl" "$problem"
    expect "check: a shard that is missing" 5 "runs are there: 3 shards are needed, 2 files" \
        "$pageable" report "${parts[@]:1}"
    expect "check: a shard given twice" 5 "another file has this step, too" \
        "$pageable" report "${parts[0]}" "${parts[@]}"
    sed '$d' "${parts[0]}" >"$scratch/cut"
    expect "check: a shard that was cut" 5 "the file has no end" \
        "$pageable" report "$scratch/cut" "${parts[@]:1}"
    expect "check: a shard of another plan" 2 "of another plan" \
        "$pageable" report "${parts[0]}" "$scratch/whole/results.jsonl"
    expect "check: a file that is none" 2 "no JSON object" "$pageable" report "$notepad"
}

check_baselines() {
    local problem='' known=$scratch/known faulty=$build/drivers/faulty
    local words=(check "$faulty/paged-code-at-dispatch.sys" --page-out=at-raise --seeds=1)
    wanted "check: baseline" || return 0
    run "$pageable" "${words[@]}" --write-baseline="$known"
    [ "$status" = 1 ] || problem="exit $status instead of 1"
    printf '%s\t0xD1\tpaged-code-at-dispatch.sys\tgone!Routine\n' 0123456789abcdef >>"$known"
    printf '%s\t0xD1\tother.sys\tother!Routine\n' 0123456789abcdee >>"$known"
    run "$pageable" "${words[@]}" --baseline="$known" --report-dir="$scratch/muted"
    [ "$status" = 0 ] || problem="${problem:-exit $status instead of 0, muted}"
    grep -q '^muted       [0-9a-f]* 0xD1 paged-code' "$out" || problem="${problem:-not told}"
    grep -q '^gone .*gone!Routine' "$out" || problem="${problem:-what is gone is not told}"
    grep -q 'other!Routine' "$out" && problem="${problem:-a driver that was not run is told}"
    grep -q '"suppressions"' "$scratch/muted/results.sarif" || problem="${problem:-no suppression}"
    grep -q 'failures="0"' "$scratch/muted/junit.xml" || problem="${problem:-a case fails}"
    result "check: baseline mutes, and says what is gone" "$problem"
    expect "check: baseline does not mute another finding" 1 "finding     0xC4/0x3B" \
        "$pageable" "${words[@]}" "$faulty/wait-at-dispatch.sys" --baseline="$known"
    echo "rubbish" >"$known"
    expect "check: baseline that is none" 2 "known:1: a line is a fingerprint" \
        "$pageable" "${words[@]}" --baseline="$known"
}

check_codes() {
    local quick=(--page-out=at-raise --seeds=1)
    expect "check: clean is 0" 0 "verdict     clean: 0 findings, 0 bad of 1 run" \
        "$pageable" check "$notepad" "${quick[@]}"
    echo "no driver" >"$scratch/text.sys"
    expect "check: not loadable is 3" 3 "not loadable text.sys default at-raise 48M seed 1" \
        "$pageable" check "$notepad" "$scratch/text.sys" "${quick[@]}"
    PAGEABLE_QEMU=/nowhere/qemu expect "check: no QEMU is 5" 5 "/nowhere/qemu cannot be started" \
        "$pageable" check "$notepad" "${quick[@]}"
    expect "check: a full disk is 5" 5 "could not be written whole" \
        "$pageable" check "$notepad" "${quick[@]}" --junit=/dev/full
    expect "check: no driver is 2" 2 "which drivers" "$pageable" check
    expect "check: a driver that is not there is 2" 2 "No such file" \
        "$pageable" check /nowhere.sys
    expect "check: a page without verification has no timelines" 0 "1 run, 1 driver" \
        "$pageable" check "$notepad" "${quick[@]}" --run-option=--no-verify \
        --html="$scratch/no-verify.html"
    expect "check: an HTML report on a full disk is 5" 5 "could not be written whole" \
        "$pageable" check "$notepad" "${quick[@]}" --html=/dev/full
    expect "check: a mode that is none is 2" 2 "the modes are" \
        "$pageable" check "$notepad" --page-out=at-raise,often
    expect "check: an option that runs cannot share is 2" 2 "all runs can share" \
        "$pageable" check "$notepad" --run-option=--json=x
    printf '[[driver]]\npath = "x"\nmemroy = "48M"\n' >"$scratch/bad.toml"
    expect "check: a mistake in the configuration is 2" 2 "bad.toml:3: memroy: no such setting" \
        "$pageable" check --config="$scratch/bad.toml"
}

# One driver hangs and its time limit ends it; the others are checked all the same.
check_hang() {
    cat >"$scratch/hang.toml" <<END
drivers = ["$build/drivers/correct/list-nonpaged.sys"]
page-out = "at-raise"
seeds = 1
[[driver]]
path = "$notepad"
run-option = "--append=test-hang"
timeout = 2
END
    expect "check: a driver that hangs" 4 "1 bad of 2 runs, 2 drivers" \
        "$pageable" check --config="$scratch/hang.toml"
}

# await_machines CHECK COUNT: until so many runs of a check have their QEMU; $machines are these
await_machines() {
    local pid machine i
    for ((i = 0; i < 400; i++)); do
        machines=
        for pid in $(ps -o pid= --ppid "$1" 2>/dev/null); do
            machine=$(machine_of "$pid")
            grep -qs qemu "/proc/$machine/comm" && machines="$machines $machine"
        done
        [ "$(echo "$machines" | wc -w)" = "$2" ] && return 0
        sleep 0.05
    done
    return 1
}

# check_signal NAME SIGNAL STATUS: two machines that hang, and a signal to the check
check_signal() {
    local name=$1 signal=$2 want=$3 problem='' command machines='' pid
    wanted "$name" || return 0
    # A job of its own, since a background job of a script ignores SIGINT.
    (set -m; exec "$pageable" check "$notepad" --run-option=--append=test-hang --jobs=2 \
        --jsonl="$scratch/cut-short") >"$out" 2>&1 </dev/null &
    command=$!
    await_machines "$command" 2 || problem="not two machines were started"
    kill -"$signal" "$command" 2>/dev/null
    wait "$command" 2>/dev/null
    status=$?
    [ "$status" = "$want" ] || problem="${problem:-exit $status instead of $want}"
    if [ "$signal" != KILL ]; then
        grep -q '^verdict     interrupted by signal' "$out" ||
            problem="${problem:-another verdict}"
        tail -n 1 "$scratch/cut-short" | grep -q '"complete":false' || problem="${problem:-no end}"
    fi
    for pid in $machines; do
        await_end "$pid" || problem="QEMU ($pid) is still there"
    done
    result "$name" "$problem"
}

# A run that is stopped, as by SIGSTOP, cannot heed its time limit: the check ends it 20 seconds
# later, and its machine. The two halves are apart, for other tests to pass meanwhile.
stopped_check=
stopped_run=
stopped_machine=
check_stopped_begin() {
    local machines=
    wanted "check: a run that is stopped" || return 0
    "$pageable" check "$notepad" --page-out=at-raise --seeds=1 --timeout=10 \
        --report-dir="$scratch/stop" --run-option=--append=test-hang \
        >"$scratch/stopped" 2>&1 </dev/null &
    stopped_check=$!
    await_machines "$stopped_check" 1
    stopped_machine=${machines# }
    stopped_run=$(ps -o ppid= -p "$stopped_machine" 2>/dev/null | tr -d ' ')
    kill -STOP "$stopped_run"
}

check_stopped_end() {
    local problem=
    wanted "check: a run that is stopped" || return 0
    wait "$stopped_check"
    status=$?
    cp "$scratch/stopped" "$out"
    [ "$status" = 5 ] || problem="exit $status instead of 5"
    grep -q '^cause .*did not end by its time limit, and was killed' "$out" ||
        problem="${problem:-another cause}"
    grep -q '</html>' "$scratch/stop/report.html" || problem="${problem:-no whole page}"
    [ -n "$stopped_run" ] || problem="${problem:-no run was stopped}"
    running "$stopped_run" && problem="${problem:-the run is still there}"
    await_end "$stopped_machine" || problem="${problem:-QEMU ($stopped_machine) is still there}"
    result "check: a run that is stopped is killed" "$problem"
}

check_signals() {
    check_signal "check: Ctrl-C leaves no machine" INT 130
    check_signal "check: SIGTERM leaves no machine" TERM 143
    check_signal "check: SIGKILL leaves no machine" KILL 137
}

check_terminal() {
    local escape problem='' words="check $notepad --page-out=at-raise --seeds=1"
    wanted "check: terminal" || return 0
    escape=$(printf '\033')
    run "$pageable" $words
    grep -q "$escape" "$out" && problem="escapes in a pipe"
    run env TERM=xterm script -qec "stty cols 60; $pageable $words" /dev/null
    grep -q "0 of 1 runs, 0 findings  notepad.sys" "$out" || problem="${problem:-no progress}"
    grep -q "$escape\[32mverdict" "$out" || problem="${problem:-no color}"
    run env TERM=xterm NO_COLOR=1 script -qec "$pageable $words" /dev/null
    grep -q "$escape\[3[12]m" "$out" && problem="${problem:-color in spite of NO_COLOR}"
    run env TERM=dumb script -qec "$pageable $words" /dev/null
    grep -q "$escape" "$out" && problem="${problem:-escapes on a dumb terminal}"
    result "check: terminal and pipe" "$problem"
}

# document FILE HEADING NUMBER: the NUMBERth indented block under a heading of a document
document() {
    awk -v heading="## $2" -v number="$3" '
        /^## / { inside = $0 == heading }
        !inside { next }
        /^    / {
            if (!block) { block = 1; count++ }
            if (count == number) print substr($0, 5)
            next
        }
        /^$/ { if (block && count == number) print; next }
        { block = 0 }' "$1"
}

# scaled NAME: what was joined in $scratch/scale must be the whole
scaled() {
    local problem='' file
    [ "$status" = 1 ] || problem="exit $status instead of 1"
    for file in junit.xml results.sarif; do
        cmp -s <(timeless "$scratch/scale/$file") <(timeless "$scratch/scale/whole/$file") ||
            problem="${problem:-$file is another one}"
    done
    [ "$(cat "$scratch"/scale/shard-?.txt | grep -c ' seed ')" = 8 ] ||
        problem="${problem:-not 8 runs in four parts}"
    result "$1" "$problem"
}

# docs/scale.md as it stands: GNU parallel, and a Slurm of this one machine.
check_scale() {
    wanted "check: scale" || return 0
    mkdir -p "$scratch/scale"
    cat >"$scratch/scale/pageable.toml" <<END
drivers = ["$notepad", "$build/drivers/faulty/wait-at-dispatch.sys"]
page-out = ["at-raise", "always"]
seeds = "1-2"
END
    document docs/scale.md "GNU parallel" 1 >"$scratch/scale/parallel.sh"
    document docs/scale.md Slurm 1 >"$scratch/scale/check.sbatch"
    document docs/scale.md Slurm 2 >"$scratch/scale/slurm.sh"
    run env -C "$scratch/scale" PATH="$build:$PATH" pageable check --config=pageable.toml \
        --report-dir=whole
    run env -C "$scratch/scale" PATH="$build:$PATH" sh parallel.sh
    scaled "check: scale with GNU parallel"
    rm -f "$scratch"/scale/shard-* "$scratch"/scale/junit.xml "$scratch"/scale/results.sarif
    run timeout 300 tests/system/check/slurm "$scratch/slurm" env -C "$scratch/scale" \
        PATH="$build:$PATH" sh slurm.sh
    if [ "$status" = 6 ]; then
        echo "skipped: $(cat "$out"): system check: scale with a Slurm array"
    else
        scaled "check: scale with a Slurm array"
    fi
    [ ! -e "$scratch/scale/report.txt" ] || cat "$scratch/scale/report.txt" >>"$out"
}

# The steps of docs/ci.md in a fresh folder, with a clone of this repository; but for apt-get, which
# is only written down, and the build, which is the one under test.
check_ci() {
    local service problem project
    wanted "check: ci" || return 0
    mkdir -p "$scratch/ci-bin" "$scratch/ci-prefix/bin"
    printf '#!/bin/sh\necho "$@" >>%s/apt\n' "$scratch" >"$scratch/ci-bin/apt-get"
    chmod +x "$scratch/ci-bin/apt-get"
    for service in github gitlab; do
        project=$scratch/ci-$service
        mkdir -p "$project/out"
        rm -f "$scratch/apt"
        cp "$build/drivers/faulty/wait-at-dispatch.sys" "$project/out/filter.sys"
        sed -n 's/^    //p' docs/ci.md | sed '/baseline/d; s/1-5/1/' | head -n 3 \
            >"$project/pageable.toml"
        python3 tests/system/check/ci_steps.py $service >"$project/steps.sh"
        run env -C "$project" PATH="$scratch/ci-bin:$scratch/ci-prefix/bin:$PATH" \
            PAGEABLE_REPOSITORY="file://$PWD" MAKEFLAGS="BUILD=$build PREFIX=$scratch/ci-prefix" \
            sh steps.sh
        problem=
        [ "$status" = 1 ] || problem="exit $status instead of 1"
        grep -q '^install -y -q git make$' "$scratch/apt" || problem="${problem:-no apt-get}"
        grep -q '^verdict     finding: 1 finding, 3 bad of 3 runs, 1 driver' "$out" ||
            problem="${problem:-another verdict}"
        [ -s "$project/report/junit.xml" ] && [ -s "$project/report/results.sarif" ] ||
            problem="${problem:-no report}"
        result "check: ci steps for $service" "$problem"
    done
}

# A PDB that names its sources as on Windows: what code scanning is told is in the repository.
check_sources() {
    local folder=$scratch/sources problem='' uri
    set --
    wanted "check: sources of another machine" || return 0
    mkdir -p "$folder"
    cp drivers/faulty/spin-lock-in-page/spin-lock-in-page.c "$folder"
    clang-19 --target=x86_64-pc-windows-msvc -fms-extensions -ffreestanding -O2 -g -gcodeview \
        -fasync-exceptions -ffile-prefix-map="$folder"='C:\Work\Lock' -Iinclude -Iinclude/nt -c \
        "$folder/spin-lock-in-page.c" -o "$folder/lock.obj" &&
        lld-link-19 /driver /subsystem:native,10.00 /nodefaultlib /machine:x64 /debug /release \
            /entry:DriverEntry /out:"$folder/lock.sys" /pdb:"$folder/lock.pdb" \
            "$folder/lock.obj" "$build/ntoskrnl.lib" || problem="cannot be built"
    printf '%s\n' 'run-option = ["--source-map=c:\\work=sources"]' >"$folder/pageable.toml"
    for uri in file:///C:/Work/Lock/spin-lock-in-page.c sources/Lock/spin-lock-in-page.c; do
        run "$pageable" check "$folder/lock.sys" --sarif="$folder/results.sarif" "$@"
        [ "$status" = 1 ] || problem="${problem:-exit $status instead of 1}"
        grep -qF "\"uri\": \"$uri\"" "$folder/results.sarif" || problem="${problem:-no $uri}"
        set -- --config="$folder/pageable.toml"
    done
    result "check: sources of another machine" "$problem"
    expect "check: a source map that is none" 2 "is FROM=TO" \
        "$pageable" check "$folder/lock.sys" --run-option=--source-map=sources
}

checks() {
    check_stopped_begin
    check_files
    check_sources
    check_shards
    check_baselines
    check_codes
    check_hang
    check_signals
    check_terminal
    check_scale
    check_ci
    check_stopped_end
}
