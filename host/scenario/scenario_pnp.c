/* SPDX-License-Identifier: MIT */
/* pnp(step) and power(state): what a scenario does to the device of a PnP driver. */
#include <lauxlib.h>

#include "host/scenario/scenario.h"

static int ScenarioSendPnp(lua_State *State, CONTROL_PNP Pnp)
{
    static const CONTROL_BYTES None = {NULL, 0};
    SESSION *Session = &ScenarioOf(State)->Session;
    if (!SessionRequest(Session, ControlPnp, &Pnp, sizeof(Pnp), None)) {
        ScenarioStop(State);
    }
    return ScenarioPushStatus(State, Session->Reply.Status);
}

static int ScenarioPnp(lua_State *State)
{
    static const char *const Steps[] = {"query_stop", "cancel_stop", "stop", "start",
                                        "query_remove", "cancel_remove", "remove",
                                        "surprise_removal", "add", NULL};
    int Step = luaL_checkoption(State, 1, NULL, Steps);
    return ScenarioSendPnp(State, (CONTROL_PNP){(uint32_t)Step + ControlPnpQueryStop, 0});
}

/* S0 is SYSTEM_POWER_STATE 1, D0 is DEVICE_POWER_STATE 1. */
static int ScenarioPower(lua_State *State)
{
    static const char *const States[] = {"S0", "S1", "S2", "S3", "S4", "S5",
                                         "D0", "D1", "D2", "D3", NULL};
    uint32_t Index = (uint32_t)luaL_checkoption(State, 1, NULL, States);
    return ScenarioSendPnp(State, Index < 6 ? (CONTROL_PNP){ControlPnpSystemPower, Index + 1}
                                            : (CONTROL_PNP){ControlPnpDevicePower, Index - 5});
}

void ScenarioAddPnp(lua_State *State)
{
    lua_register(State, "pnp", ScenarioPnp);
    lua_register(State, "power", ScenarioPower);
}
