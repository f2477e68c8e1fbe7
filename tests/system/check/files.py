# SPDX-License-Identifier: MIT
"""Checks a file of `pageable check`: files.py jsonl|junit|sarif REPORT-DIRECTORY."""
import json
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import unquote

import jsonschema

HERE = Path(__file__).parent
ROOT = HERE.parent.parent.parent


def jsonl(directory):
    schema = json.loads((ROOT / "docs/check-events.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    lines = [json.loads(line) for line in (directory / "results.jsonl").read_text().splitlines()]
    for number, line in enumerate(lines, 1):
        error = next(validator.iter_errors(line), None)
        assert error is None, f"line {number}: {error}"
    assert [line["type"] for line in lines] == ["check"] + ["run"] * (len(lines) - 2) + ["end"]
    assert [line["step"] for line in lines[1:-1]] == list(range(lines[0]["steps"]))
    bad = [line for line in lines[1:-1] if line["exit_code"]]
    assert bad, "no bad run"
    for line in bad:
        finding = line["findings"][0]
        assert finding["rule"] == "0xD1" and finding["line"] > 0, finding
        assert finding["stack"][0]["file"].endswith(".c"), finding["stack"][0]
    assert len({line["findings"][0]["fingerprint"] for line in bad}) == 1


def junit(directory):
    tree = ET.parse(directory / "junit.xml").getroot()
    suites = tree.findall("testsuite")
    assert tree.tag == "testsuites" and len(suites) == 6, len(suites)
    for suite in suites + [tree]:
        cases = list(suite.iter("testcase"))
        assert int(suite.get("tests")) == len(cases)
        assert int(suite.get("failures")) == sum(c.find("failure") is not None for c in cases)
        assert int(suite.get("errors")) == sum(c.find("error") is not None for c in cases)
        total = sum(float(c.get("time")) for c in cases)
        assert abs(float(suite.get("time")) - total) < 0.01 and total > 0
        assert len({(c.get("classname"), c.get("name")) for c in cases}) == len(cases)
    named = [case.get("file") for case in tree.iter("testcase") if case.get("file")]
    assert named and all((ROOT / name).is_file() for name in named) and len(named) == 2, named
    failures = list(tree.iter("failure"))
    assert len(failures) == 2, "one for each mode"
    for failure in failures:
        assert failure.get("type") == "0xD1" and "at DISPATCH_LEVEL" in failure.get("message")
        for word in ("where  ", "stack  ", "replay  ", "runs        2 of 2"):
            assert word in failure.text, word


def locations(node):
    """Every location of a result, those of its code flows too."""
    if isinstance(node, dict):
        if "physicalLocation" in node:
            yield node
        for value in node.values():
            yield from locations(value)
    elif isinstance(node, list):
        for value in node:
            yield from locations(value)


def sarif(directory):
    log = json.loads((directory / "results.sarif").read_text())
    schema = json.loads((HERE / "sarif.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(log)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules), "a rule is there twice"
    documents = (ROOT / "docs/bug-checks.md").read_text().splitlines()
    anchors = {re.sub(r"[^a-z0-9_ -]", "", line[3:].lower()).replace(" ", "-")
               for line in documents if line.startswith("## ")}
    for rule in rules:
        link = re.search(r"\]\(docs/bug-checks\.md#([^)]*)\)", rule["help"]["markdown"])
        assert link and link[1] in anchors, rule["help"]["markdown"]
    (result,) = run["results"]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == "0xD1"
    for location in locations(result):
        uri = location["physicalLocation"]["artifactLocation"]["uri"]
        assert (ROOT / unquote(uri)).is_file(), uri
    flow = result["codeFlows"][0]["threadFlows"][0]["locations"]
    first = flow[-1]["location"]
    assert first["message"]["text"].endswith("!CountOpen"), "the newest call is not the last"
    assert result["occurrenceCount"] == 4


if __name__ == "__main__":
    {"jsonl": jsonl, "junit": junit, "sarif": sarif}[sys.argv[1]](Path(sys.argv[2]))
    print("sound")
