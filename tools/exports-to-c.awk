# SPDX-License-Identifier: MIT
# Turns the export tables (kernel/exports/*.csv) into the verifier's table: one VF_EXPORT for each
# function, sorted by name in the order of strcmp. Run with LC_ALL=C, so that awk compares bytes.
BEGIN { FS = "," }
/^#/ || /^[ \t]*$/ || $1 == "name" || $2 == "data" { next }
$3 !~ /^[0-9]+$/ || $4 !~ /^[0-9]+$/ || $3 + 0 > $4 + 0 || $4 + 0 > 15 {
    printf "%s:%d: %s has no IRQL range\n", FILENAME, FNR, $1 > "/dev/stderr"
    failed = 1
    next
}
{
    name[++count] = $1
    row[$1] = sprintf("    {\"%s\", \"%s\", %d, %d},", $1, $5, $3, $4)
}
END {
    if (failed)
        exit 1
    for (gap = int(count / 2); gap > 0; gap = int(gap / 2)) {
        for (i = gap + 1; i <= count; i++) {
            held = name[i]
            for (j = i; j > gap && (name[j - gap] "") > (held ""); j -= gap)
                name[j] = name[j - gap]
            name[j] = held
        }
    }
    print "/* SPDX-License-Identifier: MIT */"
    print "/* Generated from kernel/exports by tools/exports-to-c.awk. */"
    print "#include \"vf/vf.h\"\n"
    print "const VF_EXPORT VfExports[] = {"
    for (i = 1; i <= count; i++)
        print row[name[i]]
    print "};"
    printf "const ULONG VfExportCount = %d;\n", count
}
