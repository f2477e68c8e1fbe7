# SPDX-License-Identifier: MIT
# Completes a command line as bash would, without a terminal: prints what is offered, a line each.
# usage: bash tests/system/completion.bash PAGEABLE WORD...     the last word is being typed
pageable=$1
shift
compopt() { :; } # knows no completion here
eval "$("$pageable" completion bash)"
COMP_WORDS=(pageable)
for word in "$@"; do # bash breaks words at = as well
    case $word in
    --*=*) COMP_WORDS+=("${word%%=*}" "=") && [ -z "${word#*=}" ] || COMP_WORDS+=("${word#*=}") ;;
    *) COMP_WORDS+=("$word") ;;
    esac
done
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_pageable
printf '%s\n' "${COMPREPLY[@]}"
