/* SPDX-License-Identifier: MIT */
/* trace(guid, {level=, any=, all=}) and trace(guid, false): events of a provider that are shown. */
#include <ctype.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "host/scenario/scenario.h"

/* xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, in braces or not, to the bytes of a GUID in memory. */
static bool ScenarioParseGuid(const char *Text, size_t Length, uint8_t Guid[16])
{
    static const char Form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    static const uint8_t Place[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    unsigned Digits = 0;

    if (Length == sizeof(Form) + 1 && Text[0] == '{' && Text[Length - 1] == '}') {
        Text++;
        Length -= 2;
    }
    if (Length != sizeof(Form) - 1) {
        return false;
    }
    for (size_t i = 0; i < Length; i++) {
        if (Form[i] == '-' ? Text[i] != '-' : !isxdigit((unsigned char)Text[i])) {
            return false;
        }
        if (Form[i] == 'x') {
            const char Digit[2] = {Text[i], 0};
            uint8_t *Byte = &Guid[Place[Digits / 2]];
            *Byte = (uint8_t)((Digits % 2 == 0 ? 0 : *Byte << 4) | strtoul(Digit, NULL, 16));
            Digits++;
        }
    }
    return true;
}

/* A field of the table that is argument 2. */
static uint64_t ScenarioTraceField(lua_State *State, const char *Name)
{
    lua_getfield(State, 2, Name);
    lua_Integer Value = luaL_optinteger(State, -1, 0);
    lua_pop(State, 1);
    return (uint64_t)Value;
}

static int ScenarioTrace(lua_State *State)
{
    static const CONTROL_BYTES None = {NULL, 0};
    SESSION *Session = &ScenarioOf(State)->Session;
    CONTROL_TRACE Trace = {.Enable = 1};
    size_t Length;
    const char *Text = luaL_checklstring(State, 1, &Length);

    luaL_argcheck(State, ScenarioParseGuid(Text, Length, Trace.Guid), 1,
                  "a GUID is {xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}");
    if (lua_isboolean(State, 2)) {
        Trace.Enable = (uint32_t)lua_toboolean(State, 2);
    } else if (!lua_isnoneornil(State, 2)) {
        luaL_checktype(State, 2, LUA_TTABLE);
        uint64_t Level = ScenarioTraceField(State, "level");
        luaL_argcheck(State, Level <= 255, 2, "a level is from 0 to 255");
        Trace.Level = (uint32_t)Level;
        Trace.AnyKeyword = ScenarioTraceField(State, "any");
        Trace.AllKeyword = ScenarioTraceField(State, "all");
    }
    if (!SessionRequest(Session, ControlTrace, &Trace, sizeof(Trace), None)) {
        ScenarioStop(State);
    }
    return ScenarioPushStatus(State, Session->Reply.Status);
}

void ScenarioAddTrace(lua_State *State)
{
    lua_register(State, "trace", ScenarioTrace);
}
