/* SPDX-License-Identifier: MIT */
/*
 * The configuration file: TOML whose keys are the names of the options, and a table [[driver]] for
 * each driver that needs settings of its own. Paths are relative to the file's directory.
 */
#include <stdlib.h>
#include <string.h>

#include "host/check/check.h"
#include "host/check/toml.h"
#include "host/input/driver_file.h"
#include "host/text/text.h"

#define CONFIG_MOST_TABLES 100000u

typedef struct {
    CHECK_SETTINGS *Settings;
    char Base[4096];
} CONFIG;

static bool ConfigFail(char *Error, size_t ErrorSize, const char *Name, const char *Rule)
{
    snprintf(Error, ErrorSize, "%s%s%s", Name, *Name != 0 ? ": " : "", Rule);
    return false;
}

/* A scalar or an array as an array of strings; NULL for what is neither string nor number. */
static json_t *ConfigStrings(json_t *Value)
{
    json_t *Strings = json_array(), *Item;
    size_t Count = json_is_array(Value) ? json_array_size(Value) : 1;
    for (size_t i = 0; i < Count; i++) {
        Item = json_is_array(Value) ? json_array_get(Value, i) : Value;
        if (json_is_integer(Item)) {
            json_array_append_new(Strings, json_sprintf("%lld",
                                                        (long long)json_integer_value(Item)));
        } else if (json_is_string(Item) &&
                   strlen(json_string_value(Item)) == json_string_length(Item)) {
            json_array_append(Strings, Item);
        } else {
            json_decref(Strings);
            return NULL;
        }
    }
    return Strings;
}

static bool ConfigNewTable(CHECK_SETTINGS *Settings)
{
    CHECK_AXES *Larger = Settings->TableCount < CONFIG_MOST_TABLES
                             ? realloc(Settings->Tables, (Settings->TableCount + 1) *
                                                             sizeof(*Settings->Tables))
                             : NULL;
    if (Larger == NULL) {
        return false;
    }
    Settings->Tables = Larger;
    memset(&Larger[Settings->TableCount++], 0, sizeof(*Larger));
    if (Settings->TablePaths == NULL) {
        Settings->TablePaths = json_array();
    }
    return json_array_append_new(Settings->TablePaths, json_string("")) == 0;
}

/* path = "..." of a [[driver]] */
static bool ConfigTablePath(CONFIG *Config, json_t *Strings, char *Error, size_t ErrorSize)
{
    CHECK_SETTINGS *Settings = Config->Settings;
    const char *Path = json_string_value(json_array_get(Strings, 0));
    if (json_array_size(Strings) != 1 || Path == NULL || *Path == 0) {
        return ConfigFail(Error, ErrorSize, "path", "takes one path");
    }
    bool Absolute = *Path == '/' || Config->Base[0] == 0;
    json_t *Full = Absolute ? json_string(Path) : json_sprintf("%s/%s", Config->Base, Path);
    if (Settings->ConfigDrivers == NULL) {
        Settings->ConfigDrivers = json_array();
    }
    json_array_append(Settings->ConfigDrivers, Full);
    return json_array_set_new(Settings->TablePaths, Settings->TableCount - 1, Full) == 0;
}

static bool ConfigTake(void *Context, const TOML_KEY *Key, json_t *Value, char *Error,
                       size_t ErrorSize)
{
    CONFIG *Config = Context;
    CHECK_SETTINGS *Settings = Config->Settings;
    bool InTable = strcmp(Key->Table, "driver") == 0;
    char Why[CHECK_ERROR];

    if (Key->Table[0] != 0 && !InTable) {
        return ConfigFail(Error, ErrorSize, Key->Table, "no such table; there is [[driver]]");
    }
    if (Value == NULL) {
        return ConfigNewTable(Settings) || ConfigFail(Error, ErrorSize, "", "too many tables");
    }
    if (InTable && Settings->TableCount == 0) {
        return ConfigFail(Error, ErrorSize, "[driver]", "is written [[driver]]");
    }
    json_t *Strings = ConfigStrings(Value);
    if (Strings == NULL) {
        return ConfigFail(Error, ErrorSize, Key->Name, "takes strings or whole numbers");
    }
    bool Good;
    if (InTable && strcmp(Key->Name, "path") == 0) {
        Good = ConfigTablePath(Config, Strings, Error, ErrorSize);
    } else {
        CHECK_AXES *Axes = InTable ? &Settings->Tables[Settings->TableCount - 1] : &Settings->Top;
        Good = SettingsTake(Settings, Axes, Key->Name, Strings, Config->Base, Why);
        if (!Good) {
            TextFormat(Error, ErrorSize, "%.1900s", Why);
        }
    }
    json_decref(Strings);
    return Good;
}

bool ConfigRead(CHECK_SETTINGS *Settings, const char *Path, char Error[CHECK_ERROR])
{
    CONFIG Config = {.Settings = Settings};
    char Clean[1024], Why[2200];
    const char *Slash = strrchr(Path, '/');
    size_t Size;

    if (Settings->HasConfig) {
        snprintf(Error, CHECK_ERROR, "--config: only one can be given");
        return false;
    }
    Settings->HasConfig = true;
    char *Text = FileReadWhole(Path, TOML_MOST_BYTES, &Size, Error, CHECK_ERROR);
    if (Text == NULL) {
        return false;
    }
    snprintf(Config.Base, sizeof(Config.Base), "%.*s",
             Slash == Path ? 1 : Slash != NULL ? (int)(Slash - Path) : 0, Path);
    bool Good = TomlParse(Text, Size, ConfigTake, &Config, Why, sizeof(Why));
    free(Text);
    for (unsigned i = 0; Good && i < Settings->TableCount; i++) {
        if (*json_string_value(json_array_get(Settings->TablePaths, i)) == 0) {
            Good = false;
            snprintf(Why, sizeof(Why), "a [[driver]] (number %u) has no path", i + 1);
        }
    }
    if (!Good) {
        TextCleanString(Clean, sizeof(Clean), Path);
        snprintf(Error, CHECK_ERROR, "%s:%s", Clean, Why);
    }
    return Good;
}
