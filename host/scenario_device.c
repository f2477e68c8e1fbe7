/* SPDX-License-Identifier: MIT */
/*
 * open(path) and what can be done with the device it returns. A call that the driver fails returns
 * nil and the status by its name, so that assert(call) is the usual form; a wrong argument raises.
 */
#include <lauxlib.h>
#include <string.h>

#include "host/scenario.h"
#include "host/status_names.h"

#define DEVICE_TYPE "pageable.device"
#define GENERIC_ACCESS 0xC0000000
#define TRANSFER_MOST (CONTROL_MAX_PAYLOAD - 64)

typedef struct {
    uint32_t Handle;
    bool Open;
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

static void ScenarioCall(lua_State *State, uint32_t Type, const void *Fixed, size_t FixedSize,
                         CONTROL_BYTES Bytes)
{
    if (!SessionRequest(&ScenarioOf(State)->Session, Type, Fixed, FixedSize, Bytes)) {
        ScenarioStop(State);
    }
}

/* The reply's data and the status by name; nil and the name when it is an error. */
static int ScenarioPushReplyData(lua_State *State)
{
    const SESSION *Session = &ScenarioOf(State)->Session;
    char Name[STATUS_NAME_SIZE];
    if ((uint32_t)Session->Reply.Status >> 30 == 3) {
        return ScenarioPushFailure(State, Session->Reply.Status);
    }
    lua_pushlstring(State, (const char *)Session->ReplyData, Session->Reply.DataLength);
    lua_pushstring(State, StatusName(Name, Session->Reply.Status));
    return 2;
}

static int ScenarioOpen(lua_State *State)
{
    RUN *Run = ScenarioOf(State);
    size_t Length;
    const char *Path = luaL_checklstring(State, 1, &Length);
    lua_Integer Access = luaL_optinteger(State, 2, GENERIC_ACCESS);
    int32_t Status;
    uint32_t Handle;

    luaL_argcheck(State, Length != 0 && Length < RUN_MAX_PATH, 1, "a path of 1 to 511 bytes");
    if (Run->HandleCount == RUN_MAX_HANDLES) {
        return luaL_error(State, "open: too many devices are open");
    }
    SCENARIO_DEVICE *Device = lua_newuserdatauv(State, sizeof(*Device), 0);
    Device->Open = false;
    luaL_setmetatable(State, DEVICE_TYPE);
    if (!RunOpen(Run, Path, Length, (uint32_t)Access, &Status, &Handle)) {
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
    ScenarioCall(State, ControlIoctl, &Ioctl, sizeof(Ioctl), Both);
    return ScenarioPushReplyData(State);
}

static int ScenarioRead(lua_State *State)
{
    SCENARIO_DEVICE *Device = ScenarioCheckDevice(State);
    CONTROL_TRANSFER Transfer = {Device->Handle, ScenarioCheckLength(State, 2),
                                 luaL_optinteger(State, 3, 0)};
    const CONTROL_BYTES None = {NULL, 0};
    ScenarioCall(State, ControlRead, &Transfer, sizeof(Transfer), None);
    return ScenarioPushReplyData(State);
}

static int ScenarioWrite(lua_State *State)
{
    SCENARIO_DEVICE *Device = ScenarioCheckDevice(State);
    luaL_checkstring(State, 2);
    CONTROL_BYTES Bytes = ScenarioCheckBytes(State, 2);
    CONTROL_TRANSFER Transfer = {Device->Handle, Bytes.Length, luaL_optinteger(State, 3, 0)};
    const SESSION *Session = &ScenarioOf(State)->Session;
    ScenarioCall(State, ControlWrite, &Transfer, sizeof(Transfer), Bytes);
    if (Session->Reply.Status < 0) {
        return ScenarioPushFailure(State, Session->Reply.Status);
    }
    lua_pushinteger(State, (lua_Integer)Session->Reply.Information);
    return 1;
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

void ScenarioAddDevice(lua_State *State)
{
    static const luaL_Reg Methods[] = {
        {"ioctl", ScenarioIoctl}, {"read", ScenarioRead}, {"write", ScenarioWrite},
        {"close", ScenarioClose}, {NULL, NULL},
    };
    luaL_newmetatable(State, DEVICE_TYPE);
    luaL_newlib(State, Methods);
    lua_setfield(State, -2, "__index");
    lua_pushliteral(State, DEVICE_TYPE);
    lua_setfield(State, -2, "__metatable");
    lua_pop(State, 1);
    lua_register(State, "open", ScenarioOpen);
}
