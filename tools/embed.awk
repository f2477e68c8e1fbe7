# SPDX-License-Identifier: MIT
# The files of the HTML report's page as C strings: .html, .css and .js each make one, of all files
# of that kind in the order given.
function escaped(line) {
    gsub(/\\/, "&&", line)
    gsub(/["?]/, "\\\\&", line) # ?: no trigraphs
    return line
}

{
    kind = FILENAME
    sub(/.*\./, "", kind)
    text[kind] = text[kind] "    \"" escaped($0) "\\n\"\n"
}

END {
    split("HtmlPage=html HtmlStyle=css HtmlScript=js", names, " ")
    for (i = 1; i <= 3; i++) {
        split(names[i], part, "=")
        printf "extern const char %s[];\nconst char %s[] =\n%s    \"\";\n", part[1], part[1],
               text[part[2]]
    }
}
