# SPDX-License-Identifier: MIT
# Lines of the file pattern_file (where * stands for anything) that do not appear in the input in
# that order: prints the first. Runs of blanks count as one; "exit ...", "args ...", "seeds ..." and
# comments are no such lines.
function squeeze(text) { gsub(/[ \t]+/, " ", text); sub(/^ /, "", text);
                         sub(/ $/, "", text); return text }
function matches(text, pattern,    parts, count, i, at) {
    count = split(pattern, parts, "*")
    if (substr(text, 1, length(parts[1])) != parts[1]) return 0
    if (count == 1) return text == pattern
    text = substr(text, length(parts[1]) + 1)
    for (i = 2; i < count; i++) {
        at = index(text, parts[i])
        if (parts[i] != "" && at == 0) return 0
        text = substr(text, parts[i] == "" ? 1 : at + length(parts[i]))
    }
    at = length(text) - length(parts[count]) + 1
    return at >= 1 && substr(text, at) == parts[count]
}
BEGIN {
    while ((getline line < pattern_file) > 0)
        if (line !~ /^(exit|args|seeds) / && line !~ /^[ \t]*(#|$)/)
            wanted[++total] = squeeze(line)
    next_line = 1
}
next_line <= total && matches(squeeze($0), wanted[next_line]) { next_line++ }
END { if (next_line <= total) print wanted[next_line] }
