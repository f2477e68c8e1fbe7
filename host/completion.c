/* SPDX-License-Identifier: MIT */
#include "host/completion.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "host/help.h"
#include "host/help_text.h"
#include "host/text/exit_codes.h"

const char HelpCompletion[] =
    "usage: pageable completion SHELL\n"
    "\n"
    "Prints a script that makes a shell complete the commands, options and values of pageable.\n"
    "SHELL is bash, zsh or fish. `make install` and the package put it where the shell looks.\n"
    "\n"
    "  eval \"$(pageable completion bash)\"        in ~/.bashrc\n"
    "  pageable completion fish | source         in config.fish\n"
    "  pageable completion zsh > DIR/_pageable   DIR in $fpath, before compinit\n"
    "\n"
    "Exit codes: 0; 2 for another shell.\n"
    "\n"
    "Try: pageable completion bash\n";

#define COMPLETION_VALUES 256u /* bytes for the values of one option, with the terminator */

/* "a|b" names its values; so do the lines below the option. Empty: any text. */
static void CompletionValues(const HELP_OPTION *Option, const char *After,
                             char Values[COMPLETION_VALUES])
{
    char Word[HELP_WORD];
    HELP_OPTION Next;
    HELP_LINE Line;
    size_t Used = 0;

    Values[0] = 0;
    if (strchr(Option->Value, '|') != NULL && !isupper((unsigned char)Option->Value[0])) {
        snprintf(Values, COMPLETION_VALUES, "%s", Option->Value);
        for (char *Bar = Values; (Bar = strchr(Bar, '|')) != NULL;) {
            *Bar = ' ';
        }
        return;
    }
    while (Option->Value[0] != 0 && HelpLineRead(&After, &Line) && Line.Length != 0 &&
           !HelpOptionRead(&Line, &Next)) {
        if (HelpValueRead(&Line, Option->Column, Word) && Used < COMPLETION_VALUES) {
            Used += (size_t)snprintf(Values + Used, COMPLETION_VALUES - Used, "%s%s",
                                     Used == 0 ? "" : " ", Word);
        }
    }
}

/* FILE, FILE.lua, DIRECTORIES, SOCKET, PORT|SOCKET: the shell offers names of files. */
static bool CompletionIsFile(const HELP_OPTION *Option)
{
    return strstr(Option->Value, "FILE") != NULL || strstr(Option->Value, "DIR") != NULL ||
           strstr(Option->Value, "SOCKET") != NULL;
}

/* Calls Each for every option that the text describes, with what may follow it. */
static void CompletionEach(const char *Text, void (*Each)(const HELP_OPTION *, const char *Values))
{
    char Values[COMPLETION_VALUES];
    HELP_OPTION Option;
    HELP_LINE Line;

    while (HelpLineRead(&Text, &Line)) {
        if (HelpOptionRead(&Line, &Option)) {
            CompletionValues(&Option, Text, Values);
            Each(&Option, Values);
        }
    }
}

static void CompletionCommandNames(void)
{
    for (const HELP_TOPIC *Topic = HelpTopics; Topic->Command != NULL; Topic++) {
        printf("%s ", Topic->Command);
    }
    fputs("help", stdout);
}

/* `debug` and `advise` take the options of `run` as well. */
static void CompletionTopic(const HELP_TOPIC *Topic,
                            void (*Each)(const HELP_OPTION *, const char *Values))
{
    CompletionEach(Topic->Text, Each);
    if (strcmp(Topic->Command, "debug") == 0 || strcmp(Topic->Command, "advise") == 0) {
        CompletionEach(HelpRun, Each);
    }
}

static void BashName(const HELP_OPTION *Option, const char *Values)
{
    const char *Equals = Option->Value[0] != 0 && Option->Joined ? "=" : "";
    printf("%s%s%s%s ", Option->Short, Option->Short[0] != 0 ? " " : "", Option->Long,
           Option->Long[0] != 0 ? Equals : "");
}

static void BashValue(const HELP_OPTION *Option, const char *Values)
{
    if (Option->Value[0] == 0) {
        return;
    }
    printf("        %s)", Option->Long[0] != 0 ? Option->Long : Option->Short);
    if (Values[0] != 0) {
        printf(" COMPREPLY=($(compgen -W '%s' -- \"$word\")); return ;;\n", Values);
    } else if (CompletionIsFile(Option)) {
        puts(" compopt -o filenames; COMPREPLY=($(compgen -f -- \"$word\")); return ;;");
    } else {
        puts(" return ;;");
    }
}

/* "=" is a word of its own where COMP_WORDBREAKS has it, as it does at first. */
static void CompletionBash(void)
{
    fputs("# bash completion for pageable; made by `pageable completion bash`\n"
          "_pageable() {\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} option= names= IFS=$' \\t\\n'\n"
          "    local before=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    COMPREPLY=()\n"
          "    if ((COMP_CWORD == 1)); then\n"
          "        COMPREPLY=($(compgen -W '", stdout);
    CompletionCommandNames();
    fputs(" --help --version' -- \"$word\"))\n"
          "        return\n"
          "    fi\n"
          "    if [[ $word == '=' ]]; then option=$before word=\n"
          "    elif [[ $before == '=' ]]; then option=${COMP_WORDS[COMP_CWORD-2]}\n"
          "    elif [[ $before == -* ]]; then option=$before\n"
          "    fi\n"
          "    case ${COMP_WORDS[1]} in\n"
          "    help) COMPREPLY=($(compgen -W '", stdout);
    CompletionCommandNames();
    puts("' -- \"$word\")); return ;;\n"
         "    completion) COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$word\")); return ;;");
    for (const HELP_TOPIC *Topic = HelpTopics; Topic->Command != NULL; Topic++) {
        if (strcmp(Topic->Command, "completion") == 0) {
            continue;
        }
        printf("    %s)\n        names='", Topic->Command);
        CompletionTopic(Topic, BashName);
        puts("--help'\n        case $option in");
        CompletionTopic(Topic, BashValue);
        puts("        esac ;;");
    }
    puts("    esac\n"
         "    if [[ $word == -* ]]; then\n"
         "        COMPREPLY=($(compgen -W \"$names\" -- \"$word\"))\n"
         "        [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace\n"
         "    else\n"
         "        compopt -o filenames\n"
         "        COMPREPLY=($(compgen -d -- \"$word\"; compgen -f -X '!*.sys' -- \"$word\"))\n"
         "    fi\n"
         "}\n"
         "complete -F _pageable pageable");
}

/* A text between single quotes for the shell; Special: what _arguments takes for its own. */
static void CompletionQuoted(const char *Text, size_t Length, const char *Special)
{
    for (size_t i = 0; i < Length; i++) {
        if (Text[i] == '\'') {
            fputs("'\\''", stdout);
            continue;
        }
        if (strchr(Special, Text[i]) != NULL) {
            putchar('\\');
        }
        putchar(Text[i]);
    }
}

/* '(-v --verbose)'{-v,--verbose}'[more lines]', '*--page-out=[when ...]:MODE:(never always)' */
static void ZshOption(const HELP_OPTION *Option, const char *Values)
{
    static const char Special[] = "[]:\\";
    fputs("            ", stdout);
    if (Option->Short[0] != 0 && Option->Long[0] != 0) {
        printf("'(%s %s)'{%s,%s}'", Option->Short, Option->Long, Option->Short, Option->Long);
    } else {
        printf("'*%s%s", Option->Short[0] != 0 ? Option->Short : Option->Long,
               Option->Value[0] != 0 && Option->Joined ? "=" : "");
    }
    putchar('[');
    CompletionQuoted(Option->Text, Option->TextLength, Special);
    putchar(']');
    if (Option->Value[0] != 0) {
        putchar(':');
        CompletionQuoted(Option->Value, strlen(Option->Value), Special);
        putchar(':');
        if (Values[0] != 0) {
            printf("(%s)", Values);
        } else {
            fputs(CompletionIsFile(Option) ? "_files" : " ", stdout);
        }
    }
    puts("' \\");
}

static void CompletionZsh(void)
{
    puts("#compdef pageable\n"
         "# zsh completion for pageable; made by `pageable completion zsh`\n"
         "_pageable() {\n"
         "    local -a commands=(");
    for (const HELP_TOPIC *Topic = HelpTopics; Topic->Command != NULL; Topic++) {
        printf("        '%s:", Topic->Command);
        CompletionQuoted(Topic->Summary, strlen(Topic->Summary), "\\");
        puts("'");
    }
    puts("        'help:more about a command'\n"
         "    )\n"
         "    if ((CURRENT == 2)); then\n"
         "        _describe command commands\n"
         "        return\n"
         "    fi\n"
         "    local command=$words[2]\n"
         "    shift words\n"
         "    ((CURRENT--))\n"
         "    case $command in\n"
         "    help) _describe command commands ;;\n"
         "    completion) _values shell bash zsh fish ;;");
    for (const HELP_TOPIC *Topic = HelpTopics; Topic->Command != NULL; Topic++) {
        if (strcmp(Topic->Command, "completion") != 0) {
            printf("    %s)\n        _arguments \\\n", Topic->Command);
            CompletionTopic(Topic, ZshOption);
            puts("            '*:file:_files' ;;");
        }
    }
    puts("    esac\n"
         "}\n"
         "if [[ $funcstack[1] == _pageable ]]; then\n"
         "    _pageable \"$@\"\n"
         "else\n"
         "    compdef _pageable pageable\n"
         "fi");
}

static const char *FishCommand;

static void FishOption(const HELP_OPTION *Option, const char *Values)
{
    printf("complete -c pageable -n '__fish_seen_subcommand_from %s'", FishCommand);
    if (Option->Short[0] != 0) {
        printf(" -s %s", Option->Short + 1);
    }
    if (Option->Long[0] != 0) {
        printf(" -l %s", Option->Long + 2);
    }
    if (Values[0] != 0) {
        printf(" -x -a '%s'", Values);
    } else if (Option->Value[0] != 0) {
        fputs(CompletionIsFile(Option) ? " -r -F" : " -x", stdout);
    }
    fputs(" -d '", stdout);
    CompletionQuoted(Option->Text, Option->TextLength, "");
    puts("'");
}

static void CompletionFish(void)
{
    puts("# fish completion for pageable; made by `pageable completion fish`\n"
         "complete -c pageable -n __fish_use_subcommand -f\n"
         "complete -c pageable -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'");
    for (const HELP_TOPIC *Topic = HelpTopics; Topic->Command != NULL; Topic++) {
        printf("complete -c pageable -n __fish_use_subcommand -a %s -d '", Topic->Command);
        CompletionQuoted(Topic->Summary, strlen(Topic->Summary), "");
        printf("'\ncomplete -c pageable -n '__fish_seen_subcommand_from help' -f -a %s\n",
               Topic->Command);
        FishCommand = Topic->Command;
        CompletionTopic(Topic, FishOption);
    }
}

int CompletionCommand(int Count, char **Arguments)
{
    static const struct {
        const char *Name;
        void (*Print)(void);
    } Shells[] = {{"bash", CompletionBash}, {"zsh", CompletionZsh}, {"fish", CompletionFish}};

    for (size_t i = 0; Count == 1 && i < sizeof(Shells) / sizeof(Shells[0]); i++) {
        if (strcmp(Arguments[0], Shells[i].Name) == 0) {
            Shells[i].Print();
            return ExitClean;
        }
    }
    fprintf(stderr, "pageable: completion: the shells are bash, zsh and fish\n");
    return ExitUsage;
}
