# SPDX-License-Identifier: MIT
"""Looks at a trace-event file: trace.py FILE [MIN_EVENTS]. Prints "sound", or what is wrong."""
import json
import sys

# Every event has a category: there are readers that need one.
FIELDS = {"B": {"name", "cat"}, "E": {"cat"}, "i": {"name", "cat", "s"},
          "C": {"name", "cat", "args"}, "M": {"name", "cat", "args"}}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        trace = json.load(file)
    events = trace["traceEvents"]
    least = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    last, depth, kinds = 0.0, {}, set()
    for number, event in enumerate(events):
        where = f"event {number}: {event}"
        phase = event["ph"]
        kinds.add(phase)
        assert phase in FIELDS, f"unknown phase in {where}"
        assert event["pid"] == 1 and isinstance(event["tid"], int), f"no pid and tid in {where}"
        assert FIELDS[phase] <= event.keys(), f"a field lacks in {where}"
        if phase == "M":
            continue
        assert event["ts"] >= last, f"time goes back in {where}"
        last = event["ts"]
        if phase == "C":
            assert all(isinstance(v, int) and v >= 0 for v in event["args"].values()), where
        if phase == "i":
            assert event["s"] in ("t", "p", "g"), where
        if phase in "BE":
            depth[event["tid"]] = depth.get(event["tid"], 0) + (1 if phase == "B" else -1)
            assert depth[event["tid"]] >= 0, f"an end without a begin in {where}"
    assert len(events) >= least, f"{len(events)} events only"
    assert kinds >= {"B", "E", "i", "C", "M"}, f"only phases {sorted(kinds)}"
    print("sound")


main()
