/* SPDX-License-Identifier: MIT */
/* Between scenario.c (the Lua state and its limits) and the libraries of functions in it. */
#pragma once

#include <lauxlib.h>
#include <lua.h>

#include "host/run/run.h"

/* The run a state belongs to. */
RUN *ScenarioOf(lua_State *State);
/* Raises the error that ends a scenario whose session is over. */
_Noreturn void ScenarioStop(lua_State *State);
/* Pushes nil and the name of a status; returns 2. */
int ScenarioPushFailure(lua_State *State, int32_t Status);
/* true; or, when Status is an error, nil and its name. Returns how many. */
int ScenarioPushStatus(lua_State *State, int32_t Status);

/* scenario_machine.c: page_out, wait, counters and the like */
void ScenarioAddMachine(lua_State *State);
/* scenario_pnp.c: pnp, power */
void ScenarioAddPnp(lua_State *State);
/* scenario_trace.c: trace */
void ScenarioAddTrace(lua_State *State);
/* scenario_registry.c: the table `registry` */
void ScenarioAddRegistry(lua_State *State);
/* scenario_file.c: read_file; the table `files` of a state that has run */
void ScenarioAddFile(lua_State *State);
bool ScenarioTakeFiles(RUN *Run, lua_State *State, char *Error, size_t ErrorSize);
/* scenario_request.c: what is sent to a device, and the object for what is under way */
typedef enum {
    ScenarioSynchronous,
    ScenarioOverlapped, /* on an overlapped handle, and waited for */
    ScenarioStarted,    /* the same, and not waited for */
} SCENARIO_MANNER;
/* Pushes what the driver answered, or the request that was started; returns how many. */
int ScenarioPerform(lua_State *State, SCENARIO_MANNER Manner, uint32_t Type, const void *Fixed,
                    size_t FixedSize, CONTROL_BYTES Bytes);
void ScenarioAddRequest(lua_State *State);
/* A type of objects with methods, whose metatable scripts do not see. */
void ScenarioAddType(lua_State *State, const char *Name, const luaL_Reg *Methods);
/* scenario_device.c: open, and the object it returns */
void ScenarioAddDevice(lua_State *State);
