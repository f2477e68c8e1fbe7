# SPDX-License-Identifier: MIT
# usage: awk -f compare.awk OURS THEIRS: what differs, a line each, in the order of OURS:
#   TAG FIELD OUR-PLACE THEIR-PLACE, with - where theirs has no such field
#   TAG - - - where theirs has no such record
FNR == NR {
    ours[++count] = $0
    next
}
{
    place[$1, $2] = $3
    known[$1] = 1
}
END {
    for (i = 1; i <= count; i++) {
        split(ours[i], part, " ")
        if (!(part[1] in known)) {
            if (part[2] == "size")
                print part[1], "- - -"
        } else if (!((part[1], part[2]) in place))
            print part[1], part[2], part[3], "-"
        else if (place[part[1], part[2]] != part[3])
            print part[1], part[2], part[3], place[part[1], part[2]]
    }
}
