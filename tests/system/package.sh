# SPDX-License-Identifier: MIT
# Sourced by tests/system/run: `make install`, the Debian package, manual pages, shell completion.
# shellcheck shell=bash

installed() {
    local problem=
    wanted "install" || return 0
    run cmake --install "$build" --prefix "$scratch/prefix"
    [ "$status" = 0 ] || problem="cmake --install failed"
    [ -n "$problem" ] || (cd / && "$scratch/prefix/bin/pageable" run "$notepad") >"$out" 2>&1 ||
        problem="the installed command does not run a driver"
    [ -e "$scratch/prefix/share/man/man1/pageable.1.gz" ] || problem="no man page"
    result "install and run from anywhere" "$problem"
}

# The package is made, unpacked as dpkg would, and its command runs a driver from there.
packaged() {
    local problem='' unpacked=$scratch/unpacked file
    wanted "package" || return 0
    run cpack -G DEB --config "$build/CPackConfig.cmake" -B "$scratch/package"
    [ "$status" = 0 ] || problem="cpack failed"
    file=$(find "$scratch/package" -maxdepth 1 -name '*.deb')
    [ -n "$problem" ] || run dpkg-deb -x "$file" "$unpacked"
    [ "$status" = 0 ] || problem="${problem:-the package cannot be unpacked}"
    [ -n "$problem" ] || dpkg-deb -f "$file" Depends | grep -q 'libc6.*libjansson4' ||
        problem="the package does not depend on what the command is linked with"
    [ -n "$problem" ] || (cd / && "$unpacked/usr/bin/pageable" run "$notepad") >"$out" 2>&1 ||
        problem="the packaged command does not run a driver"
    result "package, unpacked, runs a driver" "$problem"
}

# Every command that has help has a manual page, without a word of warning from man.
manual_pages() {
    local problem='' command page
    wanted "manual pages" || return 0
    : >"$out"
    for command in "" $("$pageable" help --nothing 2>&1 | sed 's/.*there is help for://'); do
        page=$build/man/pageable${command:+-$command}.1.gz
        [ -e "$page" ] || problem="no ${page##*/}"
        LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -l "$page" >"$out" 2>"$scratch/man"
        [ -s "$scratch/man" ] && problem="man warns of ${page##*/}: $(head -n 1 "$scratch/man")"
        grep -q '^SYNOPSIS' "$out" || problem="${problem:-${page##*/} has no synopsis}"
        [ -z "$problem" ] || break
    done
    [ -n "$problem" ] || {
        MANWIDTH=80 man -l "$build/man/pageable-run.1.gz" >"$out" 2>&1
        grep -Eq 'at-raise +each +time +IRQL' "$out" || problem="pageable-run(1) lacks the modes"
    }
    result "manual pages" "$problem"
}

# completes NAME WANT COMMAND...: the line WANT is among what the shell offers
completes() {
    local name=$1 want=$2 problem=
    shift 2
    wanted "completion $name" || return 0
    PATH=$build:$PATH run "$@"
    grep -qF -- "$want" "$out" || problem="$want is not offered"
    result "completion $name" "$problem"
}

shells_complete() {
    local bash_line=(bash tests/system/completion.bash "$pageable")
    completes "bash: command" inspect "${bash_line[@]}" ins
    completes "bash: option" --paging-file= "${bash_line[@]}" run --pag
    completes "bash: value" at-raise "${bash_line[@]}" run --page-out=
    completes "bash: option of run under debug" --evict "${bash_line[@]}" debug --ev
    completes "bash: file" README.md "${bash_line[@]}" run --json=READ
    local fish='pageable completion fish | source; complete -C'
    completes "fish: command" inspect fish -N -c "$fish 'pageable ins'"
    completes "fish: value" --page-out=always fish -N -c "$fish 'pageable run --page-out=al'"
    completes "zsh: value" "at-raise" timeout 60 zsh -f tests/system/completion.zsh \
        "$pageable" "$scratch" "pageable run --page-out="
}
