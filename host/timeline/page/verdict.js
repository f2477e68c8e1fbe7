// SPDX-License-Identifier: MIT
// What a run found: cause, place, stack, the command that does it again. A report is the run's
// events by their kind, as reportOf of model.js makes it.

const byId = (id) => document.getElementById(id);

function fact(list, name, text) {
  if (!text) return;
  list.append(element("dt", "", name), element("dd", "", text));
}

// Frames of the kernel are there, but those of drivers stand out.
function stackItems(frames) {
  return frames.map((frame) => element("li", frame.routine.startsWith("nt!") ? "" : "own",
    frame.routine + (frame.location ? " (" + frame.location + ")" : "")));
}

function showVerdict(report) {
  const {verdict = {}, bug_check: bug, run: options = {}, findings} = report;
  const facts = byId("facts"), list = byId("findings"), stack = byId("stack");
  byId("verdict").classList.toggle("bad", verdict.exit_code !== 0);
  byId("word").textContent = verdict.verdict || "no verdict";
  byId("detail").textContent = verdict.detail || "";
  byId("cause").textContent = verdict.cause || "";
  facts.replaceChildren();
  fact(facts, "where", verdict.where);
  if (bug && bug.irql !== undefined) {
    fact(facts, "IRQL", irqlText(bug.irql) + (bug.irql_raised_by ? ", raised by " +
      bug.irql_raised_by : ""));
    if (bug.section) fact(facts, "section", bug.section + ", " + bug.section_kind);
    fact(facts, "parameters", (bug.parameters || []).join("  "));
  }
  fact(facts, "advice", verdict.advice);
  fact(facts, "page-out", options.page_out ? options.page_out + (options.evict ? ", evicted" : "") +
    ", seed " + options.seed : "");
  list.replaceChildren(...findings.filter((finding) => finding.text !== verdict.cause ||
    findings.length > 1).map((finding) => element("li", "", finding.text +
    (finding.where ? " — at " + finding.where : ""))));
  const frames = bug && bug.stack ? bug.stack : [];
  stack.hidden = frames.length === 0;
  stack.querySelector("ol").replaceChildren(...stackItems(frames));
  byId("replay-line").hidden = !verdict.replay;
  byId("replay").textContent = verdict.replay || "";
}
