/* SPDX-License-Identifier: MIT */
#include "host/debugger/prompt.h"

#include <ctype.h>
#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/text/text.h"

#define HISTORY_LINES 1000
#define COMPLETIONS_SHOWN 60u

static char *PromptText(EditLine *Edit)
{
    static char Text[32];
    PROMPT *Prompt;
    el_get(Edit, EL_CLIENTDATA, &Prompt);
    const TARGET *Target = Prompt->Debugger->Target;
    if (Target->Kind == TargetLive && Target->State.NumberProcessors > 1) {
        snprintf(Text, sizeof(Text), "%u: kd> ", Target->State.Processor);
    } else {
        snprintf(Text, sizeof(Text), "kd> ");
    }
    return Text;
}

/*
 * A character for libedit, which takes wchar_t as 32 bits. Ctrl-C comes by the interrupt
 * descriptor and ends the line. Commands are ASCII; other bytes are left out.
 */
static int PromptCharacter(EditLine *Edit, uint32_t *Out)
{
    PROMPT *Prompt;
    uint8_t Byte;
    el_get(Edit, EL_CLIENTDATA, &Prompt);
    for (;;) {
        struct pollfd Poll[2] = {{STDIN_FILENO, POLLIN, 0},
                                 {Prompt->Debugger->Interrupt, POLLIN, 0}};
        if (poll(Poll, 2, -1) < 0 && errno != EINTR) {
            return -1;
        }
        if (Poll[1].revents != 0 && DebuggerInterrupted(Prompt->Debugger)) {
            errno = EINTR;
            return -1;
        }
        if (Poll[0].revents == 0) {
            continue;
        }
        ssize_t Got = read(STDIN_FILENO, &Byte, 1);
        if (Got == 1 && Byte < 0x80) {
            *Out = Byte;
            return 1;
        }
        if (Got == 0 || (Got < 0 && errno != EINTR && errno != EAGAIN)) {
            return (int)Got;
        }
    }
}

typedef struct {
    const char *Word;
    size_t Length;
    char Common[320]; /* what all of them begin with */
    unsigned Count;
    DEBUGGER *Debugger; /* prints them; NULL: only counts */
} COMPLETION;

static void CompletionAdd(COMPLETION *Completion, const char *Text)
{
    if (strncmp(Text, Completion->Word, Completion->Length) != 0) {
        return;
    }
    if (Completion->Debugger != NULL) {
        if (Completion->Count < COMPLETIONS_SHOWN) {
            DebuggerPrint(Completion->Debugger, "%s\n", Text);
        }
    } else if (Completion->Count == 0) {
        snprintf(Completion->Common, sizeof(Completion->Common), "%s", Text);
    } else {
        size_t Same = 0;
        while (Text[Same] != 0 && Text[Same] == Completion->Common[Same]) {
            Same++;
        }
        Completion->Common[Same] = 0;
    }
    Completion->Count++;
}

static bool CompletionCommand(void *Context, const DEBUGGER_COMMAND *Command)
{
    CompletionAdd(Context, Command->Name);
    return true;
}

static bool CompletionSymbol(void *Context, DEBUG_MODULE *Module, const char *Name,
                             uint64_t Address)
{
    char Text[400], Clean[400];
    snprintf(Text, sizeof(Text), "%s!%s", Module->Name, Name);
    TextCleanString(Clean, sizeof(Clean), Text);
    CompletionAdd(Context, Clean);
    return true;
}

/* A word with ! is a symbol; else a module, or at a command's begin a command. */
static void CompletionFind(DEBUGGER *Debugger, COMPLETION *Completion, bool First)
{
    char Text[400];
    if (memchr(Completion->Word, '!', Completion->Length) != NULL && *Completion->Word != '!') {
        snprintf(Text, sizeof(Text), "%.*s*", (int)Completion->Length, Completion->Word);
        DebugEachSymbol(Debugger, Text, CompletionSymbol, Completion);
        return;
    }
    if (First) {
        CommandEach(CompletionCommand, Completion);
        return;
    }
    for (unsigned i = 0; i < Debugger->ModuleCount; i++) {
        snprintf(Text, sizeof(Text), "%s!", Debugger->Modules[i].Name);
        CompletionAdd(Completion, Text);
    }
}

static unsigned char PromptComplete(EditLine *Edit, int Character)
{
    PROMPT *Prompt;
    char Word[300];
    const LineInfo *Line = el_line(Edit);
    const char *Start = Line->cursor;

    el_get(Edit, EL_CLIENTDATA, &Prompt);
    while (Start > Line->buffer && strchr(" \t;,()[]=+-*/\"@", Start[-1]) == NULL) {
        Start--;
    }
    const char *Before = Start;
    while (Before > Line->buffer && Before[-1] == ' ') {
        Before--;
    }
    size_t Length = (size_t)(Line->cursor - Start);
    if (Length >= sizeof(Word)) {
        return CC_ERROR;
    }
    memcpy(Word, Start, Length);
    Word[Length] = 0;
    bool First = Before == Line->buffer || Before[-1] == ';';
    COMPLETION Completion = {.Word = Word, .Length = Length};
    CompletionFind(Prompt->Debugger, &Completion, First);
    if (Completion.Count == 0) {
        return CC_ERROR;
    }
    if (strlen(Completion.Common) > Length) {
        el_insertstr(Edit, Completion.Common + Length);
        return CC_REFRESH;
    }
    if (Completion.Count > 1) {
        COMPLETION List = {.Word = Word, .Length = Length, .Debugger = Prompt->Debugger};
        DebuggerPrint(Prompt->Debugger, "\n");
        CompletionFind(Prompt->Debugger, &List, First);
        if (List.Count > COMPLETIONS_SHOWN) {
            DebuggerPrint(Prompt->Debugger, "... %u more\n", List.Count - COMPLETIONS_SHOWN);
        }
        fflush(Prompt->Debugger->Output);
        return CC_REDISPLAY;
    }
    return CC_NORM;
}

/* A directory for state that is there already; none is made for this. */
static void PromptFindHistory(PROMPT *Prompt)
{
    const char *State = getenv("XDG_STATE_HOME"), *Home = getenv("HOME");
    struct stat Status;
    char Directory[900];
    if (State != NULL && *State == '/') {
        snprintf(Directory, sizeof(Directory), "%s", State);
    } else {
        snprintf(Directory, sizeof(Directory), "%s/.local/state", Home != NULL ? Home : "");
    }
    if (stat(Directory, &Status) == 0 && S_ISDIR(Status.st_mode)) {
        snprintf(Prompt->HistoryPath, sizeof(Prompt->HistoryPath), "%s/pageable-kd-history",
                 Directory);
    }
}

static void PromptOpenEditor(PROMPT *Prompt)
{
    HistEvent Event;
    EditLine *Edit = el_init("pageable", stdin, stdout, stderr);
    History *Past = history_init();
    if (Edit == NULL || Past == NULL) {
        Prompt->Interactive = false;
        return;
    }
    history(Past, &Event, H_SETSIZE, HISTORY_LINES);
    history(Past, &Event, H_SETUNIQUE, 1);
    PromptFindHistory(Prompt);
    if (Prompt->HistoryPath[0] != 0) {
        history(Past, &Event, H_LOAD, Prompt->HistoryPath);
    }
    el_set(Edit, EL_CLIENTDATA, Prompt);
    el_set(Edit, EL_PROMPT, PromptText);
    el_set(Edit, EL_EDITOR, "emacs");
    el_set(Edit, EL_HIST, history, Past);
    el_set(Edit, EL_GETCFN, PromptCharacter);
    el_set(Edit, EL_ADDFN, "complete", "completes a command or a symbol", PromptComplete);
    el_set(Edit, EL_BIND, "^I", "complete", NULL);
    el_set(Edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    Prompt->Edit = Edit;
    Prompt->History = Past;
}

/* For DbgPrompt: the terminal's own line, without history. */
static void PromptAsk(DEBUGGER *Debugger, char *Line, size_t Capacity)
{
    fflush(stdout);
    if (fgets(Line, (int)Capacity, stdin) == NULL) {
        Line[0] = 0;
    }
    Line[strcspn(Line, "\r\n")] = 0;
}

void PromptOpen(PROMPT *Prompt, DEBUGGER *Debugger)
{
    Prompt->Debugger = Debugger;
    bool Terminal = isatty(STDIN_FILENO);
    Prompt->OnlyScript = (Prompt->CommandCount != 0 || Prompt->File != NULL) && !Terminal;
    Prompt->Interactive = Terminal && isatty(STDOUT_FILENO);
    if (Prompt->Interactive) {
        Debugger->Terminal = true;
        Debugger->Ask = PromptAsk;
        PromptOpenEditor(Prompt);
    }
}

void PromptClose(PROMPT *Prompt)
{
    HistEvent Event;
    if (Prompt->Edit != NULL) {
        el_end(Prompt->Edit);
    }
    if (Prompt->History != NULL) {
        if (Prompt->HistoryPath[0] != 0) {
            history(Prompt->History, &Event, H_SAVE, Prompt->HistoryPath);
        }
        history_end(Prompt->History);
    }
    if (Prompt->File != NULL) {
        fclose(Prompt->File);
    }
    Prompt->Edit = Prompt->History = NULL;
    Prompt->File = NULL;
}

/* From a file or a pipe; a line that is too long is an error, not two lines. */
static bool PromptReadFile(PROMPT *Prompt, FILE *File, char *Line, size_t Capacity)
{
    if (fgets(Line, (int)Capacity, File) == NULL) {
        return false;
    }
    size_t Length = strlen(Line);
    if (Length + 1 == Capacity && Line[Length - 1] != '\n') {
        for (int Char = 0; Char != '\n' && Char != EOF; Char = fgetc(File)) {
        }
        DebuggerError(Prompt->Debugger, "A line has more than %zu bytes; it is left out",
                      Capacity - 1);
        Prompt->Debugger->Failed = true;
        Length = 0;
    }
    while (Length != 0 && (Line[Length - 1] == '\n' || Line[Length - 1] == '\r')) {
        Length--;
    }
    Line[Length] = 0;
    return true;
}

/* False: the end of the input. */
static bool PromptEdit(PROMPT *Prompt, char *Line, size_t Capacity)
{
    HistEvent Event;
    int Count = 0;
    const char *Text;
    fflush(stdout);
    while ((Text = el_gets(Prompt->Edit, &Count)) == NULL || Count <= 0) {
        if (Count == 0) {
            fputs("\n", stdout);
            return false;
        }
        fputs("^C\n", stdout);
        el_reset(Prompt->Edit);
    }
    snprintf(Line, Capacity, "%.*s", (int)strcspn(Text, "\r\n"), Text);
    if (Line[strspn(Line, " \t")] == 0) {
        snprintf(Line, Capacity, "%s", Prompt->Last);
    } else {
        history(Prompt->History, &Event, H_ENTER, Line);
        snprintf(Prompt->Last, sizeof(Prompt->Last), "%s", Line);
    }
    return true;
}

bool PromptRead(PROMPT *Prompt, char *Line, size_t Capacity)
{
    bool Good = false;
    char Clean[8192];
    if (Prompt->NextCommand < Prompt->CommandCount) {
        snprintf(Line, Capacity, "%s", Prompt->Commands[Prompt->NextCommand++]);
        Good = true;
    }
    if (!Good && Prompt->File != NULL) {
        Good = PromptReadFile(Prompt, Prompt->File, Line, Capacity);
        if (!Good) {
            fclose(Prompt->File);
            Prompt->File = NULL;
        }
    }
    if (!Good && !Prompt->OnlyScript) {
        if (Prompt->Edit != NULL) {
            return PromptEdit(Prompt, Line, Capacity);
        }
        Good = PromptReadFile(Prompt, stdin, Line, Capacity);
    }
    if (Good) {
        TextCleanString(Clean, sizeof(Clean), Line);
        const TARGET *Target = Prompt->Debugger->Target;
        if (Target->Kind == TargetLive && Target->State.NumberProcessors > 1) {
            DebuggerPrint(Prompt->Debugger, "%u: ", Target->State.Processor);
        }
        DebuggerPrint(Prompt->Debugger, "kd> %s\n", Clean);
    }
    return Good;
}
