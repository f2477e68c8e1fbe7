# SPDX-License-Identifier: MIT
# Sourced by run: files for the guest's volume, from the command line and from scenarios.

guest_files() {
    local scenario=$scratch/files/scenario.lua
    mkdir -p "$scratch/files/in"
    echo outside >"$scratch/outside"
    echo inside >"$scratch/files/in/inside"
    ln -sf ../outside "$scratch/files/link"
    cat >"$scenario" <<'LUA'
files = {["C:\\a\\inside"] = {host = "in/inside"}, ["\\SystemRoot\\text"] = "a text"}
assert(read_file("C:\\a\\inside") == "inside\n")
assert(read_file("C:\\Windows\\TEXT") == "a text")
assert(read_file("\\??\\C:\\option") == "outside\n")
assert(read_file("C:\\Windows\\System32\\ntoskrnl.exe"):sub(1, 2) == "MZ")
assert(#read_file("\\SystemRoot\\System32\\drivers\\notepad.sys") > 4096)
local _, status = read_file("C:\\a")
assert(status == "STATUS_FILE_IS_A_DIRECTORY", status)
LUA
    expect "files from a scenario and an option" 0 "clean" \
        "$pageable" run "$notepad" --scenario="$scenario" --file="C:\\option=$scratch/outside"
    refused_files "another folder" "is not below the scenario's folder" \
        'files = {x = {host = "../outside"}}'
    refused_files "a symbolic link" "is not below the scenario's folder" \
        'files = {x = {host = "link"}}'
    refused_files "a path from the root" "is not below the scenario's folder" \
        'files = {x = {host = "/etc/passwd"}}'
    refused_files "a file that is not there" "nowhere" 'files = {x = {host = "nowhere"}}'
    refused_files "a table that is none" "files is no table" 'files = 7'
    refused_files "an entry that is none" "a text, or {host" 'files = {x = 7}'
    refused_files "a key that is none" "the keys are" 'files = {"x"}'
    refused_files "a bad path" "no . and no .." 'files = {["C:\\a\\..\\b"] = "x"}'
    expect "--file with a bad path" 2 "a part of the path is empty" \
        "$pageable" run "$notepad" --file="C:\\\\a=$scratch/outside"
    expect "--file without a guest path" 2 "GUESTPATH=HOSTPATH" \
        "$pageable" run "$notepad" --file="$scratch/outside"
}

# refused_files NAME TEXT LUA
refused_files() {
    printf '%s\n' "$3" >"$scratch/files/bad.lua"
    expect "files of a scenario: $1" 2 "$2" \
        "$pageable" run "$notepad" --scenario="$scratch/files/bad.lua"
}
