# SPDX-License-Identifier: MIT
# Part of tests/system/run: transcripts of the debugger against kept ones. The first line of
# debugger/NAME.commands names the program's arguments, in the build directory; what it prints, with
# that which differs from run to run taken out by normalize.sed, must be debugger/NAME.txt, whose
# first line is the exit status. RENEW=1 writes the kept one anew: read the difference before you
# keep it.

transcript() {
    local name=$1 file=tests/system/debugger/$1.commands problem=
    local kept=tests/system/debugger/$name.txt words
    wanted "debugger transcript $name" || return 0
    words=$(sed -n '1s/^\* pageable //p' "$file")
    # shellcheck disable=SC2086 # words are words
    set -- $words
    case ${2:-} in
    drivers/*) set -- "$1" "$build/$2" "${@:3}" ;;
    esac
    run timeout 120 "$pageable" "$@" --command-file="$file"
    { echo "exit $status"; sed -E -f tests/system/debugger/normalize.sed "$out"; } >"$out.now"
    [ -z "${RENEW:-}" ] || cp "$out.now" "$kept"
    diff -u "$kept" "$out.now" >"$out" || problem="differs from $kept"
    result "debugger transcript $name" "$problem"
}

# `pageable kd` on a run of its own, which waits for a long time unless it is told otherwise.
debugger_attaches() {
    local socket=$scratch/kd.socket scenario=$scratch/long.lua run problem=
    wanted "debugger attaches" || return 0
    echo 'assert(open("\\??\\Notepad")) for i = 1, 100000 do wait(10) end' >"$scenario"
    "$pageable" run "$notepad" --scenario="$scenario" --kd="$socket" >"$scratch/kd.run" 2>&1 &
    run=$!

    # Breaks in, leaves a breakpoint behind, and the machine runs on.
    expect "debugger attaches" 0 "notepad!NotepadTick" timeout 60 "$pageable" kd "$socket" \
        --symbols="$build/drivers/correct" -c 'lm' -c 'bp notepad!NotepadTick; bl; q'
    # Again: nothing of that breakpoint is left, so the machine can be stopped by another.
    expect "debugger attaches again" 0 "Breakpoint 0 hit" timeout 60 "$pageable" kd "$socket" \
        --symbols="$build/drivers/correct" -c 'bl; bp /1 notepad!NotepadTick; g; k 1'
    grep -q '^ 0 e' "$out" && problem="a breakpoint of the first session is still there"
    result "debugger attaches to a clean target" "$problem"
    # A script whose command fails says so by its exit status.
    expect "debugger attaches, and a command fails" 1 "no such command" timeout 60 "$pageable" \
        kd "$socket" -c 'frobnicate; ? 1'
    # The machine is killed while it runs under the debugger.
    : >"$scratch/kd.killed"
    (
        tail -n +1 -f --pid="$run" "$scratch/kd.killed" 2>/dev/null | grep -q -m 1 'kd> g'
        kill -9 "$run"
    ) &
    timeout 60 "$pageable" kd "$socket" -c 'bc *' -c 'g' -c '? 1' \
        >>"$scratch/kd.killed" 2>&1 </dev/null
    status=$?
    wait "$run" 2>/dev/null
    problem=
    [ "$status" = 5 ] || problem="exit $status instead of 5"
    cp "$scratch/kd.killed" "$out"
    grep -q 'The target is gone' "$out" || problem="it does not say that the target is gone"
    result "debugger's target is killed" "$problem"
    expect "debugger attaches to nobody" 5 "waiting for a machine" timeout 60 "$pageable" \
        kd "$socket" --attach-timeout=1 -c q
}

debugger_refusals() {
    expect "debugger without a target" 2 "which target" "$pageable" kd
    expect "debugger with an option that is none" 2 "no such option" "$pageable" kd --frob x
    expect "debugger with two targets" 2 "one target is enough" "$pageable" kd a b
    expect "debugger without a driver" 2 "which driver" "$pageable" debug
    cp README.md "$scratch/text.sys"
    expect "debugger with a driver that is none" 3 "text.sys" "$pageable" debug "$scratch/text.sys"
    expect "debugger without its command file" 2 "No such file" "$pageable" debug "$notepad" \
        --command-file="$scratch/none"
    expect "debugger help" 0 "usage: pageable kd" "$pageable" help kd
}

# The client process of a request, held by a breakpoint: the run's report has its end, and goes on.
debugger_kills() {
    expect "debugger ends the client process, and the run says so" 0 \
        "process     client.exe ended: by the debugger (.kill)" timeout 60 "$pageable" debug \
        "$build/drivers/correct/tour.sys" --scenario=tests/system/debugger/kill.lua \
        -c 'bp tour!TourStop; g; .kill poi(tour!TourProcess); bc *; g'
}

debugger_transcripts() {
    local file
    for file in tests/system/debugger/*.commands; do
        transcript "$(basename "$file" .commands)"
    done
}
