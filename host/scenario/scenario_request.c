/* SPDX-License-Identifier: MIT */
/*
 * Requests on a device: those that a scenario waits for at once, and the objects it gets for those
 * that it started and waits for later.
 */
#include <lauxlib.h>

#include "host/scenario/scenario.h"
#include "host/text/status_names.h"

#define REQUEST_TYPE "pageable.request"

typedef struct {
    RUN_REQUEST *Request; /* NULL: it has been waited for */
} SCENARIO_REQUEST;

/* What a write returns is how many bytes; what others do, the data and the status by its name. */
static int ScenarioPushAnswer(lua_State *State, uint32_t Type, int32_t Status,
                              uint64_t Information, const uint8_t *Data, uint32_t Length)
{
    char Name[STATUS_NAME_SIZE];
    bool Failed = Type == ControlWrite ? Status < 0 : (uint32_t)Status >> 30 == 3;

    if (Failed) {
        return ScenarioPushFailure(State, Status);
    }
    if (Type == ControlWrite) {
        lua_pushinteger(State, (lua_Integer)Information);
        return 1;
    }
    lua_pushlstring(State, Length != 0 ? (const char *)Data : "", Length);
    lua_pushstring(State, StatusName(Name, Status));
    return 2;
}

/* Waits for the end, and frees the request. */
static int ScenarioAwait(lua_State *State, SCENARIO_REQUEST *Object)
{
    RUN *Run = ScenarioOf(State);
    RUN_REQUEST *Request = Object->Request;

    if (!RunAwait(Run, Request)) {
        ScenarioStop(State);
    }
    int Count = ScenarioPushAnswer(State, Request->Type, Request->Status, Request->Information,
                                   Request->Data, Request->DataLength);
    Object->Request = NULL;
    RunFreeRequest(Run, Request);
    return Count;
}

int ScenarioPerform(lua_State *State, SCENARIO_MANNER Manner, uint32_t Type, const void *Fixed,
                    size_t FixedSize, CONTROL_BYTES Bytes)
{
    RUN *Run = ScenarioOf(State);
    SESSION *Session = &Run->Session;

    if (Manner == ScenarioSynchronous) {
        if (!SessionRequest(Session, Type, Fixed, FixedSize, Bytes)) {
            ScenarioStop(State);
        }
        return ScenarioPushAnswer(State, Type, Session->Reply.Status, Session->Reply.Information,
                                  Session->ReplyData, Session->Reply.DataLength);
    }
    SCENARIO_REQUEST *Object = lua_newuserdatauv(State, sizeof(*Object), 0);
    Object->Request = NULL;
    luaL_setmetatable(State, REQUEST_TYPE);
    Object->Request = RunStart(Run, Type, Fixed, FixedSize, Bytes);
    if (Object->Request == NULL) {
        ScenarioStop(State);
    }
    return Manner == ScenarioStarted ? 1 : ScenarioAwait(State, Object);
}

static SCENARIO_REQUEST *ScenarioCheckRequest(lua_State *State)
{
    SCENARIO_REQUEST *Object = luaL_checkudata(State, 1, REQUEST_TYPE);
    luaL_argcheck(State, Object->Request != NULL, 1, "the request has been waited for");
    return Object;
}

static int ScenarioWait(lua_State *State)
{
    return ScenarioAwait(State, ScenarioCheckRequest(State));
}

static int ScenarioCompleted(lua_State *State)
{
    const SCENARIO_REQUEST *Object = ScenarioCheckRequest(State);
    SessionPoll(&ScenarioOf(State)->Session);
    lua_pushboolean(State, Object->Request->Completed);
    return 1;
}

static int ScenarioCancel(lua_State *State)
{
    const SCENARIO_REQUEST *Object = ScenarioCheckRequest(State);
    int32_t Status;
    if (!RunCancel(ScenarioOf(State), Object->Request, &Status)) {
        ScenarioStop(State);
    }
    return ScenarioPushStatus(State, Status);
}

void ScenarioAddRequest(lua_State *State)
{
    static const luaL_Reg Methods[] = {
        {"wait", ScenarioWait}, {"completed", ScenarioCompleted}, {"cancel", ScenarioCancel},
        {NULL, NULL},
    };
    ScenarioAddType(State, REQUEST_TYPE, Methods);
}
