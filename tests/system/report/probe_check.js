// SPDX-License-Identifier: MIT
// Run in the report of a check by browse.py, behind checks.js: findings, the table of runs, and the
// choice of a run, by keyboard, pointer and address.

const buttons = () => [...document.querySelectorAll(".run-cell")];
const counts = (list) => list.reduce((sum, one) => sum + one, 0);

function overviewOfAll() {
  const top = document.querySelector("main").firstElementChild;
  same("the check comes first", top.id, "check");
  check("and in it the findings", byId("check-findings").compareDocumentPosition(
    byId("check-table")) === Node.DOCUMENT_POSITION_FOLLOWING, "the table");
  same("each finding is told", document.querySelectorAll("#check-findings li, #check-muted li")
    .length, data.check.findings.length);
  same("each run has a button", buttons().length, data.runs.length);
  same("and an option", byId("run").options.length, data.runs.length);
  same("the runs of the cases add up", counts(data.check.cases.map((one) => one.runs)),
    data.check.runs);
  check("each button says what it is", buttons().every((one) =>
    /seed \d+: \w+/.test(one.getAttribute("aria-label"))), buttons()[0].title);
  const clean = data.runs.filter((row) => row.exit_code === 0).length;
  same("clean runs are listed", document.querySelectorAll(".run-cell.clean").length, clean);
  same("one run is marked", document.querySelectorAll(".run-cell[aria-current]").length, 1);
  check("the first shown has a finding, where there is one", !data.check.findings.some((one) =>
    !one.muted) || data.runs[shown].findings.length > 0, byId("run-name").textContent);
  figure("runs", data.runs.length);
  figure("findings", data.check.findings.length);
  figure("timelines", data.runs.filter((row) => row.timeline !== undefined).length);
}

async function choice() {
  const from = shown;
  buttons()[0].click();
  await frame();
  same("a click opens a run", shown, 0);
  same("its name is there", byId("run-name").textContent, overview.nameOf(0));
  same("its address, too", location.hash, "#run-" + data.runs[0].step);
  press(document.body, "]");
  same("] opens the next", shown, Math.min(1, data.runs.length - 1));
  press(document.body, "[");
  press(document.body, "[");
  same("[ goes back, and not beyond", shown, 0);
  byId("run").value = String(data.runs.length - 1);
  byId("run").dispatchEvent(new Event("change", {bubbles: true}));
  same("the choice opens a run", shown, data.runs.length - 1);
  location.hash = "#run-" + data.runs[from].step;
  await new Promise((done) => window.addEventListener("hashchange", done, {once: true}));
  same("an address opens a run", shown, from);
  const tabs = buttons().filter((one) => one.tabIndex === 0);
  same("Tab leads to one button of the table", tabs.length, 1);
  tabs[0].focus();
  press(document.activeElement, "Home");
  same("Home goes to the first run", document.activeElement, buttons()[0]);
  press(document.activeElement, "ArrowRight");
  same("an arrow to the next", document.activeElement, buttons()[Math.min(1, buttons().length - 1)]);
  press(document.activeElement, "End");
  same("End to the last", document.activeElement, buttons()[buttons().length - 1]);
  const low = document.activeElement.getBoundingClientRect().top;
  press(document.activeElement, "ArrowUp");
  check("an arrow up to one above", document.activeElement.getBoundingClientRect().top < low ||
    new Set(buttons().map((one) => one.getBoundingClientRect().top)).size === 1, low);
  same("and opens nothing yet", shown, from);
  const look = document.querySelector("#check-findings button");
  if (look) look.click();
  check("a finding leads to a run that has it", !look || data.runs[shown].findings.includes(0),
    byId("run-name").textContent);
  byId("only-bad").click();
  const clean = [...byId("check-body").rows].filter((line) => !line.querySelector(".bad"));
  check("the filter hides drivers without findings", clean.every((line) => !line.offsetParent),
    clean.length);
  byId("only-bad").click();
}

// Every run: with a timeline it is drawn, without one the page says how to see it. In one go, since
// changes of the address are told later.
function everyRun() {
  let wrong = "", slowest = 0;
  for (let index = 0; index < data.runs.length; index++) {
    const row = data.runs[index], begin = performance.now();
    openRun(index);
    draw();
    slowest = Math.max(slowest, performance.now() - begin);
    const bad = row.timeline === undefined
      ? run !== null || byId("absent").hidden || !byId("with-timeline").hidden ||
        !byId("again").textContent.endsWith(" --html=run.html")
      : run === null || !byId("absent").hidden || byId("with-timeline").hidden ||
        byId("now").textContent === "";
    const word = byId("word").textContent, end = row.muted ? 0 : row.exit_code;
    if (bad) wrong = wrong || "run " + index + " is shown wrong";
    if (end !== 0 && byId("cause").textContent === "") wrong = wrong || "run " + index + ": no cause";
    if (row.exit_code === 0 && word !== "clean") wrong = wrong || "run " + index + ": " + word;
    if (document.documentElement.scrollWidth > innerWidth) {
      wrong = wrong || "run " + index + " is wider than the window";
    }
  }
  check("every run can be looked at", wrong === "", wrong);
  figure("slowest_run_ms", slowest.toFixed(1));
}

// The pages of the image at the end of the first timeline, which a report of that run has as well.
function lastState() {
  const index = data.runs.findIndex((row) => row.timeline !== undefined);
  if (index < 0) return;
  openRun(index);
  figure("left_out", run.first);
  figure("events", run.count);
  figure("last_state", stateText(run));
}

async function probe() {
  overviewOfAll();
  await choice();
  everyRun();
  lastState();
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  figure("dark", dark ? 1 : 0);
  figure("width", innerWidth);
  check("nothing is wider than the window", document.documentElement.scrollWidth <= innerWidth,
    document.documentElement.scrollWidth + " of " + innerWidth);
  same("no injected script ran", window.injected, undefined);
  same("nothing was fetched", performance.getEntriesByType("resource").length, 0);
  return lines.join("\n");
}

return probe();
