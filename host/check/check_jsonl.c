/* SPDX-License-Identifier: MIT */
/* The first and the last line of a check's JSON Lines; between them is one result a line. */
#include "host/check/check.h"
#include "host/text/text.h"

json_t *JsonlHeader(const CHECK_PLAN *Plan)
{
    char Hash[TEXT_NUMBER];
    return json_pack("{s:s, s:i, s:s, s:s, s:I, s:I, s:I}", "type", "check", "schema_version",
                     CHECK_SCHEMA_VERSION, "pageable", PAGEABLE_VERSION, "plan",
                     TextHex(Hash, Plan->Hash), "steps", (json_int_t)Plan->Steps, "shard",
                     (json_int_t)Plan->Shard, "shards", (json_int_t)Plan->Shards);
}

json_t *JsonlEnd(const CHECK_SUMMARY *Summary)
{
    return json_pack("{s:s, s:I, s:b}", "type", "end", "runs", (json_int_t)Summary->Runs,
                     "complete", (int)(Summary->Signal == 0));
}
