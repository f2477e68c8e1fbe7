/* SPDX-License-Identifier: MIT */
/*
 * open(path) and what can be done with the device it returns. A call that the driver fails returns
 * nil and the status by its name, so that assert(call) is the usual form; a wrong argument raises.
 */
#include <lauxlib.h>
#include <string.h>

#include "host/scenario/scenario.h"
#include "host/text/status_names.h"

#define DEVICE_TYPE "pageable.device"
#define GENERIC_ACCESS 0xC0000000
#define TRANSFER_MOST (CONTROL_MAX_PAYLOAD - 64)

typedef struct {
    uint32_t Handle;
    bool Open;
    bool Overlapped;
} SCENARIO_DEVICE;

static SCENARIO_DEVICE *ScenarioCheckDevice(lua_State *State)
{
    SCENARIO_DEVICE *Device = luaL_checkudata(State, 1, DEVICE_TYPE);
    luaL_argcheck(State, Device->Open, 1, "the device is closed");
    return Device;
}

static uint32_t ScenarioCheckLength(lua_State *State, int Argument)
{
    lua_Integer Length = luaL_optinteger(State, Argument, 0);
    luaL_argcheck(State, Length >= 0 && Length <= TRANSFER_MOST, Argument,
                  "a length from 0 to about a million bytes");
    return (uint32_t)Length;
}

/* Data and length of an optional string argument. */
static CONTROL_BYTES ScenarioCheckBytes(lua_State *State, int Argument)
{
    size_t Length;
    const char *Bytes = luaL_optlstring(State, Argument, "", &Length);
    luaL_argcheck(State, Length <= TRANSFER_MOST, Argument, "longer than about a million bytes");
    return (CONTROL_BYTES){(const uint8_t *)Bytes, (uint32_t)Length};
}

/* Whether to wait, from the handle and from which method this is. */
static SCENARIO_MANNER ScenarioMannerOf(lua_State *State, const SCENARIO_DEVICE *Device)
{
    bool Start = lua_toboolean(State, lua_upvalueindex(1));
    luaL_argcheck(State, !Start || Device->Overlapped, 1,
                  "the device was opened without {overlapped = true}");
    return Start ? ScenarioStarted : Device->Overlapped ? ScenarioOverlapped : ScenarioSynchronous;
}

/* The field of a table at Argument; false without a table. */
static bool ScenarioFlagField(lua_State *State, int Argument, const char *Name)
{
    if (lua_isnoneornil(State, Argument)) {
        return false;
    }
    luaL_checktype(State, Argument, LUA_TTABLE);
    lua_getfield(State, Argument, Name);
    bool Flag = lua_toboolean(State, -1);
    lua_pop(State, 1);
    return Flag;
}

static int ScenarioOpen(lua_State *State)
{
    RUN *Run = ScenarioOf(State);
    size_t Length;
    const char *Path = luaL_checklstring(State, 1, &Length);
    lua_Integer Access = luaL_optinteger(State, 2, GENERIC_ACCESS);
    bool Overlapped = ScenarioFlagField(State, 3, "overlapped");
    int32_t Status;
    uint32_t Handle;

    luaL_argcheck(State, Length != 0 && Length < RUN_MAX_PATH, 1, "a path of 1 to 511 bytes");
    if (Run->HandleCount == RUN_MAX_HANDLES) {
        return luaL_error(State, "open: too many devices are open");
    }
    SCENARIO_DEVICE *Device = lua_newuserdatauv(State, sizeof(*Device), 0);
    Device->Open = false;
    Device->Overlapped = Overlapped;
    luaL_setmetatable(State, DEVICE_TYPE);
    if (!RunOpen(Run, Path, Length, (uint32_t)Access, Overlapped, &Status, &Handle)) {
        ScenarioStop(State);
    }
    if (Status < 0) {
        return ScenarioPushFailure(State, Status);
    }
    Device->Handle = Handle;
    Device->Open = true;
    return 1;
}

static uint64_t ScenarioAddressField(lua_State *State, int Argument, const char *Name)
{
    if (!lua_istable(State, Argument)) {
        return 0;
    }
    lua_getfield(State, Argument, Name);
    uint64_t Address = (uint64_t)luaL_optinteger(State, -1, 0);
    lua_pop(State, 1);
    return Address;
}

/*
 * device:ioctl(code, input, output_length, addresses): the method is in the code, as CTL_CODE
 * makes it. addresses: {input=0x..., output=0x...}, raw user addresses for METHOD_NEITHER.
 */
static int ScenarioIoctl(lua_State *State)
{
    SCENARIO_DEVICE *Device = ScenarioCheckDevice(State);
    lua_Integer Code = luaL_checkinteger(State, 2);
    CONTROL_BYTES Input = ScenarioCheckBytes(State, 3);
    luaL_argcheck(State, Code >= 0 && Code <= UINT32_MAX, 2, "a code of 32 bits");
    /* A string in the place of the output's length is what the output buffer holds at first. */
    bool Filled = lua_type(State, 4) == LUA_TSTRING;
    CONTROL_BYTES Output = {NULL, 0};
    CONTROL_BYTES Both = Input;
    if (Filled) {
        Output = ScenarioCheckBytes(State, 4);
        lua_pushlstring(State, (const char *)Input.Data, Input.Length);
        lua_pushvalue(State, 4);
        lua_concat(State, 2);
        Both = ScenarioCheckBytes(State, -1);
    }
    CONTROL_IOCTL Ioctl = {
        .Handle = Device->Handle,
        .Code = (uint32_t)Code,
        .InputLength = Input.Length,
        .OutputLength = Filled ? Output.Length : ScenarioCheckLength(State, 4),
        .InputAddress = ScenarioAddressField(State, 5, "input"),
        .OutputAddress = ScenarioAddressField(State, 5, "output"),
        .OutputDataLength = Output.Length,
    };
    return ScenarioPerform(State, ScenarioMannerOf(State, Device), ControlIoctl, &Ioctl,
                           sizeof(Ioctl), Both);
}

static int ScenarioRead(lua_State *State)
{
    SCENARIO_DEVICE *Device = ScenarioCheckDevice(State);
    CONTROL_TRANSFER Transfer = {Device->Handle, ScenarioCheckLength(State, 2),
                                 luaL_optinteger(State, 3, 0)};
    const CONTROL_BYTES None = {NULL, 0};
    return ScenarioPerform(State, ScenarioMannerOf(State, Device), ControlRead, &Transfer,
                           sizeof(Transfer), None);
}

static int ScenarioWrite(lua_State *State)
{
    SCENARIO_DEVICE *Device = ScenarioCheckDevice(State);
    luaL_checkstring(State, 2);
    CONTROL_BYTES Bytes = ScenarioCheckBytes(State, 2);
    CONTROL_TRANSFER Transfer = {Device->Handle, Bytes.Length, luaL_optinteger(State, 3, 0)};
    return ScenarioPerform(State, ScenarioMannerOf(State, Device), ControlWrite, &Transfer,
                           sizeof(Transfer), Bytes);
}

static int ScenarioClose(lua_State *State)
{
    SCENARIO_DEVICE *Device = ScenarioCheckDevice(State);
    int32_t Status;
    Device->Open = false;
    if (!RunClose(ScenarioOf(State), Device->Handle, &Status)) {
        ScenarioStop(State);
    }
    if (Status < 0) {
        return ScenarioPushFailure(State, Status);
    }
    lua_pushboolean(State, 1);
    return 1;
}

/* end_process(): as the task manager ends a program; what it has open is closed, and is no more. */
static int ScenarioEndProcess(lua_State *State)
{
    static const CONTROL_BYTES None = {NULL, 0};
    RUN *Run = ScenarioOf(State);
    if (!SessionRequest(&Run->Session, ControlEndProcess, NULL, 0, None)) {
        ScenarioStop(State);
    }
    Run->HandleCount = 0;
    return ScenarioPushStatus(State, Run->Session.Reply.Status);
}

void ScenarioAddType(lua_State *State, const char *Name, const luaL_Reg *Methods)
{
    luaL_newmetatable(State, Name);
    lua_newtable(State);
    luaL_setfuncs(State, Methods, 0);
    lua_setfield(State, -2, "__index");
    lua_pushstring(State, Name);
    lua_setfield(State, -2, "__metatable");
    lua_pop(State, 1);
}

void ScenarioAddDevice(lua_State *State)
{
    static const luaL_Reg Methods[] = {{"close", ScenarioClose}, {NULL, NULL}};
    static const luaL_Reg Requests[] = {
        {"ioctl", ScenarioIoctl}, {"read", ScenarioRead}, {"write", ScenarioWrite}, {NULL, NULL},
    };
    static const luaL_Reg Started[] = {
        {"start_ioctl", ScenarioIoctl}, {"start_read", ScenarioRead},
        {"start_write", ScenarioWrite}, {NULL, NULL},
    };
    ScenarioAddType(State, DEVICE_TYPE, Methods);
    luaL_getmetatable(State, DEVICE_TYPE);
    lua_getfield(State, -1, "__index");
    lua_pushboolean(State, 0);
    luaL_setfuncs(State, Requests, 1);
    lua_pushboolean(State, 1);
    luaL_setfuncs(State, Started, 1);
    lua_pop(State, 2);
    lua_register(State, "open", ScenarioOpen);
    lua_register(State, "end_process", ScenarioEndProcess);
}
