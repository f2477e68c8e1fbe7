# SPDX-License-Identifier: MIT
# Turns host/exports/demand.csv into the table of host/exports/demand.h, in the same order.
BEGIN {
    FS = ","
    print "/* SPDX-License-Identifier: MIT */"
    print "/* Generated from host/exports/demand.csv by tools/demand-to-c.awk. */"
    print "#include \"host/exports/demand.h\"\n"
    print "const DEMAND_ROW DemandRows[] = {"
}
/^#/ || $1 == "name" { next }
$1 !~ /^[A-Za-z_][A-Za-z_0-9]*$/ || $2 !~ /^[0-9]+$/ {
    printf "%s:%d: not name,families\n", FILENAME, FNR > "/dev/stderr"
    failed = 1
    next
}
{
    printf "    {\"%s\", %d},\n", $1, $2
    count++
}
END {
    if (failed)
        exit 1
    print "};"
    printf "const size_t DemandRowCount = %d;\n", count
}
