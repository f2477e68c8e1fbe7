# SPDX-License-Identifier: MIT
# Completes a command line in an interactive zsh on a pseudo-terminal; prints what appears until
# the value "random" does, or for as long as the caller waits.
# usage: zsh -f tests/system/completion.zsh PAGEABLE DIRECTORY LINE
zmodload zsh/zpty
$1 completion zsh > $2/_pageable
zpty shell zsh -f -i
zpty -w shell "fpath=($2 \$fpath); autoload -U compinit; compinit -u -D; print rea''dy"
zpty -r -m shell screen '*ready*'
zpty -n -w shell "$3"$'\t'
zpty -r -m shell screen '*random*'
print -r -- $screen
zpty -d shell
