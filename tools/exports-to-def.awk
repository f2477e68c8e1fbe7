# SPDX-License-Identifier: MIT
# Turns the export tables (kernel/exports/*.csv) into the linker's module definition file.
BEGIN { FS = ","; print "LIBRARY ntoskrnl.exe"; print "EXPORTS" }
/^#/ || /^[ \t]*$/ || $1 == "name" { next }
{
    if ($1 in seen) {
        printf "%s:%d: %s is already exported by %s\n", FILENAME, FNR, $1, seen[$1] > "/dev/stderr"
        failed = 1
        next
    }
    seen[$1] = FILENAME
    if ($2 == "data")
        printf "    %s DATA\n", $1
    else if ($2 ~ /^alias=/)
        printf "    %s=%s\n", $1, substr($2, 7)
    else if ($2 == "function")
        printf "    %s\n", $1
    else {
        printf "%s:%d: unknown kind \"%s\"\n", FILENAME, FNR, $2 > "/dev/stderr"
        failed = 1
    }
}
END { exit failed }
