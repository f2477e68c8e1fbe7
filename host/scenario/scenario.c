/* SPDX-License-Identifier: MIT */
/*
 * The Lua state of a scenario.
 *
 * The script is not trusted with more than the guest: no files, no programs, no modules, no
 * bytecode; memory is bounded by the allocator, time by a hook that counts instructions and looks
 * at the session. What a hook cannot reach (a pattern match that takes for ever) is left to the
 * watchdog of run.c.
 *
 * The script runs twice: in advance, up to its first call of a function of the machine, for the
 * `files` table alone (scenario_file.c); then for real.
 *
 * When the session ends (bug check, time limit, Ctrl-C), the next call or hook raises an error.
 * A script may catch it with pcall; then the hook, now set for each instruction, raises again until
 * nothing is left to catch it.
 */
#include "host/scenario/scenario.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include "host/text/status_names.h"
#include "host/text/text.h"

#define SCENARIO_MEMORY (256u << 20)
#define SCENARIO_HOOK_COUNT 100000
#define SCENARIO_ADVANCE_COUNT 10000000 /* instructions before the first call */

typedef struct {
    RUN *Run;
    size_t Used;
} SCENARIO;

static void *ScenarioAllocate(void *Context, void *Old, size_t OldSize, size_t Size)
{
    SCENARIO *Scenario = Context;
    OldSize = Old != NULL ? OldSize : 0;
    if (Size == 0) {
        free(Old);
        Scenario->Used -= OldSize;
        return NULL;
    }
    if (Size > OldSize && Size - OldSize > SCENARIO_MEMORY - Scenario->Used) {
        return NULL;
    }
    void *New = realloc(Old, Size);
    if (New != NULL) {
        Scenario->Used += Size - OldSize;
    }
    return New;
}

RUN *ScenarioOf(lua_State *State)
{
    void *Context;
    lua_getallocf(State, &Context);
    return ((SCENARIO *)Context)->Run;
}

static void ScenarioHook(lua_State *State, lua_Debug *Activation)
{
    RUN *Run = ScenarioOf(State);
    SessionPoll(&Run->Session);
    if (Run->Session.State != SessionOpen) {
        ScenarioStop(State);
    }
}

void ScenarioStop(lua_State *State)
{
    lua_sethook(State, ScenarioHook, LUA_MASKCOUNT, 1);
    luaL_error(State, "the machine has ended");
    abort(); /* luaL_error does not return */
}

int ScenarioPushFailure(lua_State *State, int32_t Status)
{
    char Name[STATUS_NAME_SIZE];
    lua_pushnil(State);
    lua_pushstring(State, StatusName(Name, Status));
    return 2;
}

int ScenarioPushStatus(lua_State *State, int32_t Status)
{
    if (Status < 0) {
        return ScenarioPushFailure(State, Status);
    }
    lua_pushboolean(State, 1);
    return 1;
}

/* The text of the line that called, without blanks around it; "" when it cannot be told. */
static void ScenarioPushSourceLine(lua_State *State)
{
    lua_Debug Activation;
    const RUN *Run = ScenarioOf(State);
    const char *Line = Run->ScenarioText;
    if (!lua_getstack(State, 1, &Activation) || !lua_getinfo(State, "l", &Activation) ||
        Activation.currentline <= 0) {
        lua_pushliteral(State, "");
        return;
    }
    for (int i = 1; i < Activation.currentline && Line != NULL; i++) {
        Line = strchr(Line, '\n');
        Line += Line != NULL;
    }
    size_t Length = Line != NULL ? strcspn(Line, "\r\n") : 0;
    while (Length != 0 && (*Line == ' ' || *Line == '\t')) {
        Line++;
        Length--;
    }
    lua_pushlstring(State, Length != 0 ? Line : "", Length < 120 ? Length : 120);
}

/* assert(value, message): as Lua's, and the error says where, and for a status what was called. */
static int ScenarioAssert(lua_State *State)
{
    luaL_checkany(State, 1);
    if (lua_toboolean(State, 1)) {
        return lua_gettop(State);
    }
    if (ScenarioOf(State)->Session.State != SessionOpen) {
        ScenarioStop(State);
    }
    lua_settop(State, 2);
    bool Given = !lua_isnil(State, 2);
    luaL_where(State, 1);
    const char *Where = lua_tostring(State, -1);
    ScenarioPushSourceLine(State);
    const char *Line = lua_tostring(State, -1);
    const char *Message = Given ? luaL_tolstring(State, 2, NULL) : "assertion failed";
    if (!Given || strncmp(Message, "STATUS_", 7) == 0 || strncmp(Message, "0x", 2) == 0) {
        lua_pushfstring(State, "%s%s: %s", Where, Message, Line);
    } else {
        lua_pushfstring(State, "%s%s", Where, Message);
    }
    return lua_error(State);
}

/* Lua runs finalizers with hooks off, so an endless one could not be stopped. */
static int ScenarioSetMetatable(lua_State *State)
{
    if (lua_istable(State, 2)) {
        lua_pushliteral(State, "__gc");
        lua_rawget(State, 2);
        luaL_argcheck(State, lua_isnil(State, -1), 2, "a scenario has no finalizers (__gc)");
        lua_pop(State, 1);
    }
    lua_pushvalue(State, lua_upvalueindex(1));
    lua_insert(State, 1);
    lua_call(State, lua_gettop(State) - 1, 1);
    return 1;
}

static int ScenarioPrint(lua_State *State)
{
    static char Text[8192];
    RUN *Run = ScenarioOf(State);
    luaL_Buffer Buffer;
    int Count = lua_gettop(State);

    luaL_buffinit(State, &Buffer);
    for (int i = 1; i <= Count; i++) {
        if (i != 1) {
            luaL_addchar(&Buffer, '\t');
        }
        luaL_tolstring(State, i, NULL);
        luaL_addvalue(&Buffer);
    }
    luaL_pushresult(&Buffer);
    size_t Length;
    const char *Bytes = lua_tolstring(State, -1, &Length);
    TextClean(Text, sizeof(Text), Bytes, Length);
    ReportLine(&Run->Report, "print", "%s", Text);
    ReportEvent(&Run->Report, "print",
                json_pack("{s:s, s:s}", "source", "scenario", "text", Text));
    return 0;
}

/* Only libraries that stay inside the state, and of them only what does. */
static void ScenarioOpenLibraries(lua_State *State)
{
    static const luaL_Reg Libraries[] = {
        {LUA_GNAME, luaopen_base},          {LUA_STRLIBNAME, luaopen_string},
        {LUA_TABLIBNAME, luaopen_table},    {LUA_MATHLIBNAME, luaopen_math},
        {LUA_UTF8LIBNAME, luaopen_utf8},    {LUA_COLIBNAME, luaopen_coroutine},
    };
    static const char *const Removed[] = {"dofile", "loadfile", "load", "collectgarbage", "warn"};

    for (size_t i = 0; i < sizeof(Libraries) / sizeof(Libraries[0]); i++) {
        luaL_requiref(State, Libraries[i].name, Libraries[i].func, 1);
        lua_pop(State, 1);
    }
    for (size_t i = 0; i < sizeof(Removed) / sizeof(Removed[0]); i++) {
        lua_pushnil(State);
        lua_setglobal(State, Removed[i]);
    }
    lua_getglobal(State, LUA_STRLIBNAME);
    lua_pushnil(State);
    lua_setfield(State, -2, "dump");
    lua_pop(State, 1);
    lua_getglobal(State, "setmetatable");
    lua_pushcclosure(State, ScenarioSetMetatable, 1);
    lua_setglobal(State, "setmetatable");
    lua_register(State, "assert", ScenarioAssert);
    lua_register(State, "print", ScenarioPrint);
}

/* random() and math.random() follow from the run's seed; `seed` is that number. */
static void ScenarioSeed(lua_State *State)
{
    lua_Integer Seed = (lua_Integer)ScenarioOf(State)->Options.Seed;
    lua_getglobal(State, LUA_MATHLIBNAME);
    lua_getfield(State, -1, "randomseed");
    lua_pushinteger(State, Seed);
    lua_pushinteger(State, 0);
    lua_call(State, 2, 0);
    lua_getfield(State, -1, "random");
    lua_setglobal(State, "random");
    lua_pushnil(State);
    lua_setfield(State, -2, "randomseed");
    lua_pop(State, 1);
    lua_pushinteger(State, Seed);
    lua_setglobal(State, "seed");
}

/* Everything that may raise an error, under one lua_pcall: libraries, then the script. */
static int ScenarioMain(lua_State *State)
{
    ScenarioOpenLibraries(State);
    ScenarioSeed(State);
    ScenarioAddMachine(State);
    ScenarioAddDevice(State);
    ScenarioAddRequest(State);
    ScenarioAddRegistry(State);
    ScenarioAddPnp(State);
    ScenarioAddTrace(State);
    ScenarioAddFile(State);
    lua_pushvalue(State, 1);
    lua_call(State, 0, 0);
    return 0;
}

static int ScenarioLoad(lua_State *State, const char *Path, const char *Text, size_t Size)
{
    char Name[1024];
    char Clean[1000];
    TextCleanString(Clean, sizeof(Clean), Path);
    snprintf(Name, sizeof(Name), "@%s", Clean);
    return luaL_loadbufferx(State, Text, Size, Name, "t");
}

bool ScenarioCheck(const char *Path, const char *Text, size_t Size, char *Error, size_t ErrorSize)
{
    SCENARIO Scenario = {NULL, 0};
    lua_State *State = lua_newstate(ScenarioAllocate, &Scenario);
    bool Good = State != NULL && ScenarioLoad(State, Path, Text, Size) == LUA_OK;
    if (!Good) {
        const char *Why = State != NULL ? lua_tostring(State, -1) : NULL;
        TextCleanString(Error, ErrorSize, Why != NULL ? Why : "not enough memory for the scenario");
    }
    if (State != NULL) {
        lua_close(State);
    }
    return Good;
}

/* ---- the run in advance: what the script says before it does anything ---- */

static int ScenarioNothing(lua_State *State)
{
    return 0;
}

static int ScenarioEndAdvance(lua_State *State)
{
    return luaL_error(State, "the machine has not started");
}

static void ScenarioAdvanceHook(lua_State *State, lua_Debug *Activation)
{
    lua_sethook(State, ScenarioAdvanceHook, LUA_MASKCOUNT, 1); /* whatever catches it */
    luaL_error(State, "this takes too long");
}

/* Every function that needs the machine becomes Function; ctl_code needs none. */
static void ScenarioReplaceFunctions(lua_State *State, lua_CFunction Function)
{
    static const char Keep[] = "ctl_code";
    lua_newtable(State);
    int Known = lua_gettop(State);
    lua_pushglobaltable(State);
    for (lua_pushnil(State); lua_next(State, -2) != 0; lua_pop(State, 1)) {
        lua_pushvalue(State, -2);
        lua_pushboolean(State, 1);
        lua_rawset(State, Known);
    }
    ScenarioAddMachine(State);
    ScenarioAddDevice(State);
    ScenarioAddFile(State);
    for (lua_pushnil(State); lua_next(State, -2) != 0; lua_pop(State, 1)) {
        lua_pushvalue(State, -2);
        bool New = lua_rawget(State, Known) == LUA_TNIL;
        lua_pop(State, 1);
        if (New && lua_isfunction(State, -1) && strcmp(lua_tostring(State, -2), Keep) != 0) {
            lua_pushvalue(State, -2);
            lua_pushcfunction(State, Function);
            lua_rawset(State, -5);
        }
    }
    lua_settop(State, Known - 1);
}

static int ScenarioAdvanceMain(lua_State *State)
{
    ScenarioOpenLibraries(State);
    ScenarioSeed(State);
    ScenarioReplaceFunctions(State, ScenarioEndAdvance);
    lua_pushcfunction(State, ScenarioNothing);
    lua_setglobal(State, "print");
    lua_pushvalue(State, 1);
    lua_call(State, 0, 0);
    return 0;
}

bool ScenarioCollectFiles(RUN *Run, char *Error, size_t ErrorSize)
{
    SCENARIO Scenario = {Run, 0};
    lua_State *State = lua_newstate(ScenarioAllocate, &Scenario);
    bool Good = false;

    snprintf(Error, ErrorSize, "not enough memory for the scenario");
    if (State != NULL) {
        lua_sethook(State, ScenarioAdvanceHook, LUA_MASKCOUNT, SCENARIO_ADVANCE_COUNT);
        lua_pushcfunction(State, ScenarioAdvanceMain);
        if (ScenarioLoad(State, Run->Options.Scenario, Run->ScenarioText, Run->ScenarioSize) ==
            LUA_OK) {
            /* How it ends is of no interest: the real run tells mistakes. */
            lua_pcall(State, 1, 0, 0);
            lua_sethook(State, NULL, 0, 0);
            Good = ScenarioTakeFiles(Run, State, Error, ErrorSize);
        }
        lua_close(State);
    }
    return Good;
}

void ScenarioRun(RUN *Run)
{
    SCENARIO Scenario = {Run, 0};
    lua_State *State = lua_newstate(ScenarioAllocate, &Scenario);
    char Text[600], Where[sizeof(Run->StoppedAt)] = "";

    if (State == NULL) {
        snprintf(Run->ToolFault, sizeof(Run->ToolFault), "not enough memory for the scenario");
        return;
    }
    lua_sethook(State, ScenarioHook, LUA_MASKCOUNT, SCENARIO_HOOK_COUNT);
    lua_pushcfunction(State, ScenarioMain);
    int Result = ScenarioLoad(State, Run->Options.Scenario, Run->ScenarioText, Run->ScenarioSize);
    if (Result == LUA_OK) {
        Result = lua_pcall(State, 1, 0, 0);
    }
    if (Result != LUA_OK) {
        const char *Message = lua_tostring(State, -1);
        TextCleanString(Text, sizeof(Text),
                        Message != NULL ? Message : "the scenario raised an error without a text");
        /* FILE:LINE: text, as Lua writes it: the place apart from the text */
        char *Split = strstr(Text, ": ");
        if (Split != NULL && (size_t)(Split - Text) < sizeof(Where)) {
            snprintf(Where, sizeof(Where), "%.*s", (int)(Split - Text), Text);
        } else {
            Split = NULL;
        }
        if (Run->Session.State == SessionOpen) {
            RunFinding(Run, "scenario", Split != NULL ? Split + 2 : Text, Where);
        } else {
            memcpy(Run->StoppedAt, Where, sizeof(Where));
        }
    }
    lua_close(State);
}
