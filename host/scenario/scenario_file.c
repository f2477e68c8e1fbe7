/* SPDX-License-Identifier: MIT */
/*
 * Files of the guest, seen by a scenario: the `files` table, which is there before the driver is
 * loaded, and read_file.
 *
 * The table is a global that the script sets. As it is needed before the machine starts, the
 * script runs once in advance, in a state whose functions all end it: what stands before the
 * first call of one is what counts. Nothing of that run reaches the report.
 */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "host/machine/guest_files.h"
#include "host/scenario/scenario.h"
#include "host/text/text.h"

#define GENERIC_READ_ACCESS 0x80000000u
#define STATUS_END_OF_FILE_VALUE ((int32_t)0xc0000011)
#define PIECE_BYTES (512u << 10)
#define FILE_MOST (64u << 20)

/* read_file(path): the whole content, as a program of the guest reads it. */
static int ScenarioReadFile(lua_State *State)
{
    RUN *Run = ScenarioOf(State);
    const CONTROL_BYTES None = {NULL, 0};
    int32_t Status, CloseStatus;
    uint32_t Handle;
    uint64_t At = 0;
    size_t Length;
    const char *Path = luaL_checklstring(State, 1, &Length);
    luaL_Buffer Content;

    if (Length > 2 && Path[1] == ':') { /* as a user writes it */
        Path = lua_pushfstring(State, "\\??\\%s", Path);
        Length = strlen(Path);
    }
    luaL_argcheck(State, Length != 0 && Length < RUN_MAX_PATH, 1, "a path of 1 to 511 bytes");
    if (!RunOpen(Run, Path, Length, GENERIC_READ_ACCESS, false, &Status, &Handle)) {
        ScenarioStop(State);
    }
    if (Status < 0) {
        return ScenarioPushFailure(State, Status);
    }
    luaL_buffinit(State, &Content);
    while (Status >= 0 && At < FILE_MOST) {
        CONTROL_TRANSFER Transfer = {Handle, PIECE_BYTES, (int64_t)At};
        if (!SessionRequest(&Run->Session, ControlRead, &Transfer, sizeof(Transfer), None)) {
            ScenarioStop(State);
        }
        Status = Run->Session.Reply.Status;
        if (Status >= 0 && Run->Session.Reply.DataLength == 0) {
            break;
        }
        if (Status >= 0) {
            luaL_addlstring(&Content, (const char *)Run->Session.ReplyData,
                            Run->Session.Reply.DataLength);
            At += Run->Session.Reply.DataLength;
        }
    }
    luaL_pushresult(&Content);
    if (!RunClose(Run, Handle, &CloseStatus)) {
        ScenarioStop(State);
    }
    return Status < 0 && Status != STATUS_END_OF_FILE_VALUE ? ScenarioPushFailure(State, Status)
                                                             : 1;
}

void ScenarioAddFile(lua_State *State)
{
    lua_register(State, "read_file", ScenarioReadFile);
}

/* Key and value are the two on top: a guest path, and a text or {host = "name"}. */
static bool ScenarioTakeFile(RUN *Run, lua_State *State, char *Error, size_t ErrorSize)
{
    if (lua_type(State, -2) != LUA_TSTRING) {
        snprintf(Error, ErrorSize, "files: the keys are the guest's paths");
        return false;
    }
    const char *Path = lua_tostring(State, -2);
    if (lua_type(State, -1) == LUA_TSTRING) {
        size_t Length;
        const char *Text = lua_tolstring(State, -1, &Length);
        return GuestFilesAdd(&Run->GuestFiles, Path, Text, Length, Error, ErrorSize);
    }
    if (!lua_istable(State, -1) || (lua_pushliteral(State, "host"), lua_rawget(State, -2)) !=
                                       LUA_TSTRING) {
        char Clean[512];
        TextCleanString(Clean, sizeof(Clean), Path);
        snprintf(Error, ErrorSize, "files[\"%s\"]: a text, or {host = \"file\"}", Clean);
        return false;
    }
    char Directory[4096];
    const char *Slash = strrchr(Run->Options.Scenario, '/');
    snprintf(Directory, sizeof(Directory), "%.*s",
             Slash != NULL ? (int)(Slash - Run->Options.Scenario + 1) : 1,
             Slash != NULL ? Run->Options.Scenario : ".");
    bool Good = GuestFilesAddBelow(&Run->GuestFiles, Path, Directory, lua_tostring(State, -1),
                                   Error, ErrorSize);
    lua_pop(State, 1);
    return Good;
}

/* The table's raw entries only: a metatable's code must not run here, where nothing limits it. */
bool ScenarioTakeFiles(RUN *Run, lua_State *State, char *Error, size_t ErrorSize)
{
    lua_pushglobaltable(State);
    lua_pushliteral(State, "files");
    int Type = lua_rawget(State, -2);
    if (Type == LUA_TNIL) {
        return true;
    }
    if (Type != LUA_TTABLE) {
        snprintf(Error, ErrorSize, "files is no table");
        return false;
    }
    for (lua_pushnil(State); lua_next(State, -2) != 0; lua_pop(State, 1)) {
        if (!ScenarioTakeFile(Run, State, Error, ErrorSize)) {
            return false;
        }
    }
    return true;
}
