# SPDX-License-Identifier: MIT
# Turns what clang's -fdump-record-layouts-complete prints into lines to compare:
#   TAG size BYTES
#   TAG FIELD OFFSET              a.b for fields of a record without a tag
#   TAG FIELD OFFSET:FIRST-LAST   bit-fields
# Records with a tag have lines of their own; where one is a field, only its place counts.
/^\*\*\* Dumping AST Record Layout/ { tag = ""; next }
/\| \[sizeof=/ {
    if (tag != "") {
        sub(/.*sizeof=/, "")
        sub(/,.*/, "")
        print tag, "size", $0
    }
    tag = ""
    next
}
/^ *[0-9:-]+ \| / {
    bar = index($0, "|")
    offset = substr($0, 1, bar - 1)
    gsub(/ /, "", offset)
    text = substr($0, bar + 2)
    match(text, /^ */)
    depth = RLENGTH / 2
    text = substr(text, RLENGTH + 1)
    if (depth == 0) { # the record itself
        tag = text ~ /[(]/ ? "" : text
        sub(/^(struct|union) /, "", tag)
        skip = 0
        next
    }
    if (tag == "" || (skip != 0 && depth > skip))
        next
    skip = text ~ /\((anonymous|unnamed) at / ? 0 : depth
    name = text ~ /\) *$/ ? "" : text
    sub(/.* /, "", name)
    path[depth] = (depth == 1 ? "" : path[depth - 1])
    if (name != "") {
        path[depth] = path[depth] (path[depth] == "" ? "" : ".") name
        print tag, path[depth], offset
    }
}
