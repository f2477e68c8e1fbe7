# SPDX-License-Identifier: MIT
# Part of tests/system/run, which has wanted and result: a kernel debugger's line, spoken by clients
# that share nothing with the kernel or the debugger (kd_wire.c).

# kd_symbol NAME...: NAME=RVA of the kernel, by its PDB
kd_symbol() {
    llvm-readobj-19 --sections "$build/ntoskrnl.exe" |
        awk '/Number:/ { number = $2 } /VirtualAddress:/ { print "section", number, $2 }' \
            >"$scratch/sections"
    llvm-pdbutil-19 dump -publics "$build/ntoskrnl.pdb" | awk -v names="$*" '
        function hex(text,    i, value) {
            for (i = 3; i <= length(text); i++)
                value = value * 16 + index("0123456789abcdef", tolower(substr(text, i, 1))) - 1
            return value
        }
        BEGIN { count = split(names, name, " "); for (i = 1; i <= count; i++) wanted[name[i]] = 1 }
        FILENAME != "-" { base[$2 + 0] = hex($3); next }
        /S_PUB32/ { symbol = $NF; gsub(/`/, "", symbol) }
        / addr = / && symbol in wanted {
            split($NF, address, ":")
            print symbol "=" base[address[1] + 0] + address[2]
        }' "$scratch/sections" -
}

# kd TEST STATUS TEXT DRIVER OPTIONS...: the run beside which the client's test runs
kd() {
    local test=$1 want=$2 text=$3 driver=$4 problem= client run_pid
    shift 4
    wanted "kd $test" || return 0
    rm -f "$scratch/kd.sock"
    timeout -k 1 420 "$pageable" run "$build/drivers/$driver.sys" --kd="$scratch/kd.sock" "$@" \
        >"$scratch/kd.run" 2>&1 </dev/null &
    run_pid=$!
    if [ "$test" = lossy ]; then
        timeout -k 1 50 "$scratch/kd_lossy" "$scratch/kd.sock" "${KD_SEED:-1}" 80 >"$out" 2>&1
    elif [ "$test" = lossy-debugger ]; then
        # What is printed is compared from connection to connection: the loads are over by then.
        timeout 30 tail -n +1 -f --pid="$run_pid" "$scratch/kd.run" 2>/dev/null |
            grep -q -m 1 '^device'
        timeout -k 1 400 "$scratch/kd_lossy_line" "$scratch/kd.sock" "${KD_SEED:-1}" 20 60000 \
            "$pageable" >"$out" 2>&1
    else
        # shellcheck disable=SC2086 # each symbol is a word
        timeout -k 1 50 "$scratch/kd_client" "$scratch/kd.sock" "$test" $kd_symbols >"$out" 2>&1
    fi
    client=$?
    if [ "$want" = stop ] || [ "$client" != 0 ]; then
        kill -INT "$run_pid" 2>/dev/null
    fi
    wait "$run_pid"
    status=$?
    [ "$want" != stop ] || want=130
    [ "$client" = 0 ] || problem="the client's exit is $client"
    [ -n "$problem" ] || [ "$status" = "$want" ] || problem="exit $status instead of $want"
    cat "$scratch/kd.run" >>"$out"
    [ -n "$problem" ] || grep -qF -- "$text" "$out" || problem="the output lacks: $text"
    [ -n "$problem" ] || [ ! -e "$scratch/kd.sock" ] || problem="the socket is left"
    result "kd $test" "$problem"
}

kernel_debugger() {
    local notepad=correct/notepad scenarios=tests/system/scenarios
    wanted kd || [[ $pattern == kd* ]] || return 0
    if ! clang-19 -O1 -Wall -Wextra -D_GNU_SOURCE tests/system/kd_client.c \
        tests/system/kd_requests.c tests/system/kd_wire.c -o "$scratch/kd_client" >"$out" 2>&1 ||
        ! clang-19 -O1 -Wall -Wextra -D_GNU_SOURCE tests/system/kd_lossy.c \
            tests/system/kd_wire.c -o "$scratch/kd_lossy" >"$out" 2>&1 ||
        ! clang-19 -O1 -Wall -Wextra -D_GNU_SOURCE tests/system/kd_lossy_line.c \
            -o "$scratch/kd_lossy_line" >"$out" 2>&1; then
        result "kd clients: build" "they do not compile"
        return
    fi
    kd_symbols=$(kd_symbol KeUpdateSystemTime ExpDebuggerWork ExpDebuggerProcessAttach \
        ExpDebuggerPageIn)
    for test in attach listen retransmit reset rubbish reconnect images attach-at-load \
        manipulate; do
        kd $test 0 "verdict     clean" $notepad --append=kd-wait
    done
    kd attach 0 "verdict     clean" $notepad --append=kd-wait --machine=pci
    kd version 0 "verdict     clean" $notepad --append="kd-wait kd-max-read=1992" \
        --nt-version=5.1
    kd break-in stop "verdict     interrupted" $notepad --scenario=$scenarios/waits.lua
    kd step stop "verdict     interrupted" $notepad --scenario=$scenarios/waits.lua
    kd page-in stop "verdict     interrupted" $notepad \
        --scenario=$scenarios/evicts_and_waits.lua --page-out=pressure
    kd prints 0 "verdict     clean" correct/hal-imports --append=kd-wait
    kd prompt 0 "16 bytes: blue" correct/debugger-prompt --append=kd-wait
    kd bug-check 1 "0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL" faulty/paged-code-at-dispatch \
        --append=kd-wait
    kd crash 1 "0xE2 MANUALLY_INITIATED_CRASH" $notepad --scenario=$scenarios/waits.lua
    kd reboot 5 "a debugger rebooted the guest" $notepad --append=kd-wait
    kd stays 4 "time limit" $notepad --append=kd-wait --timeout=2
    kd lossy stop "verdict     interrupted" $notepad --scenario=$scenarios/waits.lua
    kd lossy-debugger stop "verdict     interrupted" $notepad --scenario=$scenarios/waits.lua
}
