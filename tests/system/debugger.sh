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

debugger_transcripts() {
    local file
    for file in tests/system/debugger/*.commands; do
        transcript "$(basename "$file" .commands)"
    done
}
