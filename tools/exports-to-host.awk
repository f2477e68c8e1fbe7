# SPDX-License-Identifier: MIT
# Turns the export tables (kernel/exports/*.csv) into the host's table
# (host/exports/export_table.h): one row for each export, in the order of the files; the component
# is the file's name.
BEGIN {
    FS = ","
    print "/* SPDX-License-Identifier: MIT */"
    print "/* Generated from kernel/exports by tools/exports-to-host.awk. */"
    print "#include \"host/exports/export_table.h\"\n"
    print "const EXPORT_ROW ExportRows[] = {"
}
function quoted(text) {
    gsub(/\\/, "\\\\", text)
    gsub(/"/, "\\\"", text)
    return "\"" text "\""
}
/^#/ || /^[ \t]*$/ || $1 == "name" { next }
$6 != "implemented" && $6 != "partial" && $6 != "stub" {
    printf "%s:%d: %s has no status\n", FILENAME, FNR, $1 > "/dev/stderr"
    failed = 1
    next
}
{
    component = FILENAME
    sub(/.*\//, "", component)
    sub(/\.csv$/, "", component)
    note = $7
    for (i = 8; i <= NF; i++)
        note = note "," $i
    printf "    {%s, %s, %s, %s, %s, %s, %d, %d},\n", quoted($1), quoted(component), quoted($2),
        quoted($5), quoted($6), quoted(note), $3, $4
    count++
}
END {
    if (failed)
        exit 1
    print "};"
    printf "const size_t ExportRowCount = %d;\n", count
}
