# SPDX-License-Identifier: MIT
"""Prints the commands of an example in docs/ci.md as a shell script: ci_steps.py github|gitlab.

What the service would do with the rest is checked as far as a reader of YAML can: that files which
are uploaded are ones that the commands write.
"""
import re
import sys
from pathlib import Path

import yaml

text = (Path(__file__).parents[3] / "docs/ci.md").read_text()
github, gitlab = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.S))

if sys.argv[1] == "github":
    job = github["jobs"]["check"]
    assert github[True] == ["push", "pull_request"]  # YAML 1.1 reads "on" as true
    assert github["permissions"]["security-events"] == "write"
    commands = [step["run"] for step in job["steps"] if "run" in step]
    uploads = [step["with"] for step in job["steps"] if "with" in step]
    assert all(step["if"] == "always()" for step in job["steps"] if "with" in step)
    assert uploads[0]["sarif_file"] == "report/results.sarif" and uploads[1]["path"] == "report"
else:
    job = gitlab["pageable"]
    commands = job["script"]
    assert job["artifacts"]["when"] == "always" and job["artifacts"]["paths"] == ["report"]
    assert job["artifacts"]["reports"]["junit"] == "report/junit.xml"
assert "PAGEABLE_REPOSITORY" in (job.get("env") or job.get("variables"))
print("set -e", *commands, sep="\n")
