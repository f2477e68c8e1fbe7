/* SPDX-License-Identifier: MIT */
/* Functions of a scenario that concern the machine and the driver as a whole. */
#include <lauxlib.h>
#include <string.h>

#include "host/run/counters.h"
#include "host/scenario/scenario.h"

#define WAIT_MOST_MS 86400000.0

static void ScenarioNeed(lua_State *State, bool Good)
{
    if (!Good) {
        ScenarioStop(State);
    }
}

static int ScenarioLoadDriver(lua_State *State)
{
    RUN *Run = ScenarioOf(State);
    int32_t Status;
    if (Run->DriverLoaded) {
        return luaL_error(State, "load: the driver is loaded already");
    }
    ScenarioNeed(State, RunLoadDriver(Run, &Status));
    Run->LoadFailed = false; /* the scenario sees it and decides */
    return ScenarioPushStatus(State, Status);
}

static int ScenarioUnloadDriver(lua_State *State)
{
    RUN *Run = ScenarioOf(State);
    int32_t Status;
    if (!Run->DriverLoaded) {
        return luaL_error(State, "unload: the driver is not loaded");
    }
    ScenarioNeed(State, RunUnloadDriver(Run, &Status));
    return ScenarioPushStatus(State, Status);
}

/* page_out{evict=true} or page_out() */
static int ScenarioPageOut(lua_State *State)
{
    bool Evict = false;
    int32_t Status;
    if (lua_istable(State, 1)) {
        lua_getfield(State, 1, "evict");
        Evict = lua_toboolean(State, -1);
    }
    ScenarioNeed(State, RunPageOut(ScenarioOf(State), Evict, &Status));
    return ScenarioPushStatus(State, Status);
}

static int ScenarioWait(lua_State *State)
{
    lua_Number Milliseconds = luaL_checknumber(State, 1);
    luaL_argcheck(State, Milliseconds >= 0 && Milliseconds <= WAIT_MOST_MS, 1,
                  "milliseconds from 0 to a day");
    ScenarioNeed(State, RunWait(ScenarioOf(State), (uint64_t)(Milliseconds * 1000)));
    return 0;
}

static int ScenarioTime(lua_State *State)
{
    CONTROL_COUNTERS Counters;
    ScenarioNeed(State, RunQueryCounters(ScenarioOf(State), &Counters));
    lua_pushnumber(State, (lua_Number)Counters.InterruptTime / 10000);
    return 1;
}

static int ScenarioCounters(lua_State *State)
{
    CONTROL_COUNTERS Counters;
    ScenarioNeed(State, RunQueryCounters(ScenarioOf(State), &Counters));
    lua_createtable(State, 0, (int)CounterFieldCount);
    for (size_t i = 0; i < CounterFieldCount; i++) {
        lua_pushinteger(State, (lua_Integer)CounterValue(&Counters, &CounterFields[i]));
        lua_setfield(State, -2, CounterFields[i].Name);
    }
    return 1;
}

static void ScenarioSetNumber(lua_State *State, const char *Name, uint64_t Number)
{
    lua_pushinteger(State, (lua_Integer)Number);
    lua_setfield(State, -2, Name);
}

/* A list of tables; each is also there under its section's name. */
static int ScenarioSections(lua_State *State)
{
    static const char *const Kinds[] = {"none", "nonpaged", "pageable", "discarded", "headers"};
    CONTROL_SECTION Rows[PE_MAX_SECTIONS + 1];
    unsigned Count;
    ScenarioNeed(State, RunQuerySections(ScenarioOf(State), Rows, PE_MAX_SECTIONS + 1, &Count));
    lua_createtable(State, (int)Count, (int)Count);
    for (unsigned i = 0; i < Count; i++) {
        const CONTROL_SECTION *Row = &Rows[i];
        lua_createtable(State, 0, 10);
        lua_pushlstring(State, Row->Name, strnlen(Row->Name, sizeof(Row->Name)));
        lua_setfield(State, -2, "name");
        lua_pushstring(State, Row->Kind < 5 ? Kinds[Row->Kind] : "unknown");
        lua_setfield(State, -2, "kind");
        ScenarioSetNumber(State, "address", Row->Address);
        ScenarioSetNumber(State, "bytes", Row->Size);
        ScenarioSetNumber(State, "characteristics", Row->Characteristics);
        ScenarioSetNumber(State, "lock_count", Row->LockCount);
        ScenarioSetNumber(State, "pages", Row->Pages);
        ScenarioSetNumber(State, "resident_pages", Row->ResidentPages);
        ScenarioSetNumber(State, "standby_pages", Row->TransitionPages);
        ScenarioSetNumber(State, "paging_file_pages", Row->OutPages);
        lua_pushlstring(State, Row->Name, strnlen(Row->Name, sizeof(Row->Name)));
        lua_pushvalue(State, -2);
        lua_settable(State, -4);
        lua_seti(State, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static int ScenarioVerify(lua_State *State)
{
    uint64_t Violations;
    ScenarioNeed(State, RunVerify(ScenarioOf(State), &Violations));
    lua_pushinteger(State, (lua_Integer)Violations);
    return 1;
}

/* The paths of the devices the driver has created, links first. */
static int ScenarioDevices(lua_State *State)
{
    const RUN *Run = ScenarioOf(State);
    lua_createtable(State, (int)Run->DeviceCount, 0);
    for (unsigned i = 0; i < Run->DeviceCount; i++) {
        const RUN_DEVICE *Device = &Run->Devices[i];
        lua_pushstring(State, Device->Link[0] != 0 ? Device->Link : Device->Path);
        lua_seti(State, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* Inverts one bit in each page on the paging disk that holds data; returns how many pages. */
static int ScenarioFlipDisk(lua_State *State)
{
    const RUN *Run = ScenarioOf(State);
    lua_pushinteger(State, Run->PagingFile >= 0
                               ? (lua_Integer)MachineFlipPagingFile(Run->PagingFile)
                               : 0);
    return 1;
}

/* ctl_code(type, function, method, access), as the macro CTL_CODE */
static int ScenarioCtlCode(lua_State *State)
{
    static const uint32_t Most[] = {0xffff, 0xfff, 3, 3};
    lua_Integer Part[4];
    for (int i = 0; i < 4; i++) {
        Part[i] = i < 2 ? luaL_checkinteger(State, i + 1) : luaL_optinteger(State, i + 1, 0);
        luaL_argcheck(State, Part[i] >= 0 && Part[i] <= Most[i], i + 1, "out of range");
    }
    lua_pushinteger(State, Part[0] << 16 | Part[3] << 14 | Part[1] << 2 | Part[2]);
    return 1;
}

void ScenarioAddMachine(lua_State *State)
{
    static const luaL_Reg Functions[] = {
        {"load", ScenarioLoadDriver}, {"unload", ScenarioUnloadDriver},
        {"page_out", ScenarioPageOut}, {"wait", ScenarioWait},
        {"time", ScenarioTime}, {"counters", ScenarioCounters},
        {"sections", ScenarioSections}, {"verify", ScenarioVerify},
        {"devices", ScenarioDevices}, {"flip_disk", ScenarioFlipDisk},
        {"ctl_code", ScenarioCtlCode}, {NULL, NULL},
    };
    static const struct {
        const char *Name;
        lua_Integer Value;
    } Numbers[] = {
        {"METHOD_BUFFERED", 0}, {"METHOD_IN_DIRECT", 1}, {"METHOD_OUT_DIRECT", 2},
        {"METHOD_NEITHER", 3}, {"FILE_ANY_ACCESS", 0}, {"FILE_READ_ACCESS", 1},
        {"FILE_WRITE_ACCESS", 2}, {"FILE_DEVICE_UNKNOWN", 0x22},
    };
    lua_pushglobaltable(State);
    luaL_setfuncs(State, Functions, 0);
    for (size_t i = 0; i < sizeof(Numbers) / sizeof(Numbers[0]); i++) {
        ScenarioSetNumber(State, Numbers[i].Name, (uint64_t)Numbers[i].Value);
    }
    lua_pop(State, 1);
}
