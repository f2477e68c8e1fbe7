/* SPDX-License-Identifier: MIT */
/*
 * The table `registry` of a scenario: set, get, create, delete. A path begins with HKLM or another
 * root of regedit's, or with \REGISTRY. A text is REG_SZ, a whole number REG_DWORD, a list of
 * texts REG_MULTI_SZ; a type given as third argument takes the data as it is, except for texts.
 */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "host/scenario/scenario.h"
#include "host/text/wide_text.h"

static const struct {
    const char *Name;
    uint32_t Type;
} ScenarioTypes[] = {
    {"REG_NONE", 0}, {"REG_SZ", 1}, {"REG_EXPAND_SZ", 2}, {"REG_BINARY", 3}, {"REG_DWORD", 4},
    {"REG_DWORD_BIG_ENDIAN", 5}, {"REG_LINK", 6}, {"REG_MULTI_SZ", 7}, {"REG_QWORD", 11},
};
#define TYPE_SZ 1u
#define TYPE_EXPAND_SZ 2u
#define TYPE_DWORD 4u
#define TYPE_LINK 6u
#define TYPE_MULTI_SZ 7u
#define TYPE_QWORD 11u

#define NAMES_MOST (CONTROL_REGISTRY_KEY_MOST + CONTROL_REGISTRY_NAME_MOST)

/* Memory of the state's, so that an error gives it back. */
static uint16_t *ScenarioWiden(lua_State *State, int Index, size_t *Count)
{
    size_t Length;
    const char *Text = luaL_checklstring(State, Index, &Length);
    luaL_argcheck(State, Length <= CONTROL_REGISTRY_DATA_MOST, Index, "too long");
    uint16_t *Wide = lua_newuserdatauv(State, (Length + 1) * sizeof(*Wide), 0);
    luaL_argcheck(State, WideFromUtf8(Text, Length, Wide, Count), Index, "a text is UTF-8");
    return Wide;
}

/* Arguments 1 and 2 (none: the default value) into Texts. */
static void ScenarioCheckNames(lua_State *State, CONTROL_REGISTRY *Request, uint8_t *Texts)
{
    size_t Count = 0;
    const uint16_t *Wide = ScenarioWiden(State, 1, &Count);
    uint16_t *Path = lua_newuserdatauv(State, CONTROL_REGISTRY_KEY_MOST, 0);

    Count = RegistryFullPath(Wide, Count, Path, CONTROL_REGISTRY_KEY_MOST / 2);
    luaL_argcheck(State, Count != 0, 1, "a path begins with HKLM, HKU, HKCU, HKCR or \\REGISTRY");
    Request->KeyLength = (uint32_t)(Count * 2);
    memcpy(Texts, Path, Request->KeyLength);
    Count = 0;
    if (!lua_isnoneornil(State, 2)) {
        Wide = ScenarioWiden(State, 2, &Count);
        luaL_argcheck(State, Count * 2 <= CONTROL_REGISTRY_NAME_MOST, 2, "too long");
        memcpy(Texts + Request->KeyLength, Wide, Count * 2);
    }
    Request->TextLength = Request->KeyLength + (uint32_t)(Count * 2);
}

static void ScenarioAppend(lua_State *State, CONTROL_REGISTRY *Request, uint8_t *Texts,
                           const void *Data, size_t Length)
{
    luaL_argcheck(State, Length <= CONTROL_REGISTRY_DATA_MOST - Request->DataLength, 3,
                  "at most 900,000 bytes");
    if (Length != 0) {
        memcpy(Texts + Request->TextLength + Request->DataLength, Data, Length);
    }
    Request->DataLength += (uint32_t)Length;
}

/* With its terminator. */
static void ScenarioAppendText(lua_State *State, CONTROL_REGISTRY *Request, uint8_t *Texts,
                               int Index)
{
    static const uint16_t Terminator;
    size_t Count = 0;
    const uint16_t *Wide = ScenarioWiden(State, Index, &Count);
    ScenarioAppend(State, Request, Texts, Wide, Count * 2);
    if (Request->Type != TYPE_LINK) { /* a link's target has none */
        ScenarioAppend(State, Request, Texts, &Terminator, sizeof(Terminator));
    }
}

static void ScenarioAppendList(lua_State *State, CONTROL_REGISTRY *Request, uint8_t *Texts)
{
    static const uint16_t Terminator;
    lua_Integer Count = luaL_len(State, 3);
    for (lua_Integer i = 1; i <= Count; i++) {
        int Top = lua_gettop(State);
        lua_geti(State, 3, i);
        ScenarioAppendText(State, Request, Texts, Top + 1);
        lua_settop(State, Top);
    }
    ScenarioAppend(State, Request, Texts, &Terminator, sizeof(Terminator));
}

/* The data of argument 3; argument 4 is the type, which else follows from it. */
static void ScenarioCheckData(lua_State *State, CONTROL_REGISTRY *Request, uint8_t *Texts)
{
    int Kind = lua_type(State, 3);
    bool Number = Kind == LUA_TNUMBER;
    lua_Integer Default = Kind == LUA_TTABLE ? TYPE_MULTI_SZ : Number ? TYPE_DWORD : TYPE_SZ;
    lua_Integer Type = luaL_optinteger(State, 4, Default);
    size_t Length;

    luaL_argcheck(State, Type >= 0 && Type <= UINT32_MAX, 4, "a type of 32 bits");
    Request->Type = (uint32_t)Type;
    if (Number) {
        lua_Integer Value = luaL_checkinteger(State, 3);
        luaL_argcheck(State, Type == TYPE_QWORD || (Value >= INT32_MIN && Value <= UINT32_MAX), 3,
                      "a number of 32 bits, or the type REG_QWORD");
        ScenarioAppend(State, Request, Texts, &Value, Type == TYPE_QWORD ? 8 : 4);
    } else if (Kind == LUA_TTABLE) {
        ScenarioAppendList(State, Request, Texts);
    } else if (Type == TYPE_SZ || Type == TYPE_EXPAND_SZ || Type == TYPE_LINK) {
        ScenarioAppendText(State, Request, Texts, 3);
    } else {
        const char *Bytes = luaL_checklstring(State, 3, &Length);
        ScenarioAppend(State, Request, Texts, Bytes, Length);
    }
}

static int32_t ScenarioRequest(lua_State *State, CONTROL_REGISTRY_OPERATION Operation)
{
    CONTROL_REGISTRY Request = {.Operation = Operation};
    lua_settop(State, 4); /* what was not given is nil */
    uint8_t *Texts = lua_newuserdatauv(
        State, NAMES_MOST + (Operation == ControlRegistrySetValue ? CONTROL_REGISTRY_DATA_MOST : 0),
        0);
    int32_t Status;

    ScenarioCheckNames(State, &Request, Texts);
    if (Operation == ControlRegistrySetValue) {
        ScenarioCheckData(State, &Request, Texts);
    }
    if (!RunRegistry(ScenarioOf(State), &Request, Texts, &Status)) {
        ScenarioStop(State);
    }
    return Status;
}

/* registry.set(key, name, data [, type]) */
static int ScenarioSet(lua_State *State)
{
    return ScenarioPushStatus(State, ScenarioRequest(State, ControlRegistrySetValue));
}

/* registry.create(key) */
static int ScenarioCreate(lua_State *State)
{
    lua_settop(State, 1);
    return ScenarioPushStatus(State, ScenarioRequest(State, ControlRegistryCreateKey));
}

/* registry.delete(key): with all below; registry.delete(key, name): a value, "" the default one */
static int ScenarioDelete(lua_State *State)
{
    lua_settop(State, 2);
    return ScenarioPushStatus(State, ScenarioRequest(State, lua_isnil(State, 2)
                                                                ? ControlRegistryDeleteKey
                                                                : ControlRegistryDeleteValue));
}

/* The texts of a list, each terminated; the list ends with an empty one. */
static void ScenarioPushList(lua_State *State, const uint16_t *Text, size_t Count)
{
    lua_Integer Index = 0;
    lua_newtable(State);
    for (size_t i = 0, Length; i < Count; i += Length + 1) {
        for (Length = 0; i + Length < Count && Text[i + Length] != 0; Length++) {
        }
        if (Length == 0) {
            break;
        }
        char *Narrow = lua_newuserdatauv(State, Length * 3, 0);
        lua_pushlstring(State, Narrow, WideToUtf8(Text + i, Length, Narrow));
        lua_seti(State, -3, ++Index);
        lua_pop(State, 1);
    }
}

/* Data of the guest's, of any length for any type: what does not fit its type comes as bytes. */
static void ScenarioPushData(lua_State *State, uint32_t Type, const uint8_t *Data, size_t Length)
{
    uint64_t Number = 0;
    bool Text = Type == TYPE_SZ || Type == TYPE_EXPAND_SZ || Type == TYPE_LINK;

    if ((Type == TYPE_DWORD && Length == 4) || (Type == TYPE_QWORD && Length == 8)) {
        memcpy(&Number, Data, Length);
        lua_pushinteger(State, (lua_Integer)Number);
    } else if ((Text || Type == TYPE_MULTI_SZ) && Length % 2 == 0) {
        size_t Count = Length / 2;
        uint16_t *Wide = lua_newuserdatauv(State, Length + 2, 0);
        memcpy(Wide, Data, Length);
        if (!Text) {
            ScenarioPushList(State, Wide, Count);
            return;
        }
        Count -= Count != 0 && Wide[Count - 1] == 0;
        char *Narrow = lua_newuserdatauv(State, Count * 3 + 1, 0);
        lua_pushlstring(State, Narrow, WideToUtf8(Wide, Count, Narrow));
    } else {
        lua_pushlstring(State, (const char *)Data, Length);
    }
}

/* registry.get(key, name): the data and the type; nil and the status */
static int ScenarioGet(lua_State *State)
{
    lua_settop(State, 2);
    int32_t Status = ScenarioRequest(State, ControlRegistryQueryValue);
    const SESSION *Session = &ScenarioOf(State)->Session;
    if (Status < 0) {
        return ScenarioPushFailure(State, Status);
    }
    uint32_t Type = (uint32_t)Session->Reply.Information;
    if (Session->Reply.DataLength == 0 && Type != TYPE_SZ && Type != TYPE_MULTI_SZ) {
        lua_pushliteral(State, "");
    } else {
        ScenarioPushData(State, Type, Session->ReplyData, Session->Reply.DataLength);
    }
    lua_pushinteger(State, Type);
    return 2;
}

void ScenarioAddRegistry(lua_State *State)
{
    static const luaL_Reg Functions[] = {
        {"set", ScenarioSet}, {"get", ScenarioGet}, {"create", ScenarioCreate},
        {"delete", ScenarioDelete}, {NULL, NULL},
    };
    luaL_newlib(State, Functions);
    lua_setglobal(State, "registry");
    for (size_t i = 0; i < sizeof(ScenarioTypes) / sizeof(ScenarioTypes[0]); i++) {
        lua_pushinteger(State, ScenarioTypes[i].Type);
        lua_setglobal(State, ScenarioTypes[i].Name);
    }
}
