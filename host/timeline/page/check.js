// SPDX-License-Identifier: MIT
// A check of many runs: each finding once, and all runs as a table, a row for each driver and
// scenario, a column for each page-out mode, a button for each run. host/check/page.c says which
// runs have a timeline, and what the data are.

const ENDS = {0: {word: "clean", letter: "✓", key: "clean"},
  1: {word: "finding", letter: "F", key: "bad"}, 3: {word: "not loadable", letter: "L", key: "bad"},
  4: {word: "time limit", letter: "T", key: "bad"},
  5: {word: "machine fault", letter: "E", key: "bad"}};
const MUTED = {word: "muted", letter: "m", key: "muted"};

const baseName = (path) => path.slice(path.lastIndexOf("/") + 1);
const endOf = (row) => row.muted ? MUTED : ENDS[row.exit_code] || ENDS[5];

class Check {
  constructor(data, choose) {
    Object.assign(this, data.check);
    this.rows = data.runs;
    this.choose = choose;
    this.sizes = new Set(this.rows.map((row) => row.memory)).size > 1;
    this.places = new Map(); // "driver and scenario": {cells of each mode}
    byId("check").hidden = byId("run-bar").hidden = false;
    this.openVerdict();
    this.openFindings();
    this.openTable();
    this.openChoice();
  }
  title() {
    const drivers = new Set(this.cases.map((one) => one.driver)).size;
    return "Check of " + plural(drivers, "driver") + ", " + plural(this.runs, "run");
  }
  caseOf(index) {
    return this.cases[this.rows[index].case];
  }
  // "notepad.sys, at-raise, seed 1": what differs from run to run.
  nameOf(index) {
    const {driver, scenario, page_out} = this.caseOf(index), row = this.rows[index];
    return baseName(driver) + (scenario === "default" ? "" : ", " + baseName(scenario)) + ", " +
      page_out + (this.sizes ? ", " + row.memory / 1048576 + "M" : "") + ", seed " + row.seed;
  }
  // What a run without a timeline tells of itself.
  reportOf(index) {
    const row = this.rows[index], one = this.caseOf(index);
    const found = row.findings.map((i) => this.findings[i]).filter(Boolean);
    const first = found[0] || {};
    return {findings: found.length > 1 ? found : [],
      verdict: {verdict: endOf(row).word, exit_code: row.muted ? 0 : row.exit_code,
        cause: first.text, where: first.where, advice: first.advice, replay: row.replay,
        detail: first.name},
      bug_check: {stack: (first.stack || []).map((frame) => ({routine: frame.routine,
        location: frame.file ? frame.file + ":" + frame.line : ""}))},
      run: {page_out: one.page_out, seed: row.seed}};
  }
  again(index) {
    return this.rows[index].replay + " --html=run.html";
  }
  // Of a finding the run to look at: one with a timeline, if there is one.
  runWith(finding) {
    const has = (row) => row.findings.includes(finding);
    const index = this.rows.findIndex((row) => has(row) && row.timeline !== undefined);
    return index >= 0 ? index : this.rows.findIndex(has);
  }
  // What is shown at the beginning.
  first() {
    const order = [this.findings.findIndex((one) => !one.muted), 0];
    for (const finding of order) {
      const index = finding >= 0 ? this.runWith(finding) : -1;
      if (index >= 0) return index;
    }
    return Math.max(0, this.rows.findIndex((row) => row.timeline !== undefined));
  }
  openVerdict() {
    const found = this.findings.filter((one) => !one.muted && !one.fault).length + this.left_out;
    const section = byId("check");
    section.classList.toggle("bad", this.exit_code !== 0 || this.signal !== 0);
    byId("check-word").textContent = this.signal ? "interrupted by signal " + this.signal
      : (ENDS[this.exit_code] || ENDS[5]).word;
    byId("check-detail").textContent = plural(found, "finding") + ", " + group(this.bad) +
      " bad of " + plural(this.runs, "run") + (this.muted ? ", " + group(this.muted) + " muted"
      : "") + (this.complete ? "" : "; not all runs of the check are here");
  }
  openFindings() {
    const list = byId("check-findings"), muted = byId("check-muted");
    const items = this.findings.map((finding, i) => [finding, this.findingItem(finding, i)]);
    list.append(...items.filter(([finding]) => !finding.muted).map(([, item]) => item));
    muted.querySelector("ol").append(...items.filter(([finding]) => finding.muted)
      .map(([, item]) => item));
    muted.hidden = !muted.querySelector("li");
    muted.querySelector("summary").textContent = "Muted by the baseline (" +
      muted.querySelectorAll("li").length + ")";
    if (this.left_out) {
      list.append(element("li", "", "and " + group(this.left_out) + " more findings"));
    }
  }
  findingItem(finding, i) {
    const item = element("li"), title = element("p", "finding-title"), index = this.runWith(i);
    title.append(element("b", "", finding.rule + (finding.rule.startsWith("0x") ? " " : ": ") +
      finding.name), " ",
      element("span", "soft", baseName(finding.driver) + ", " + plural(finding.runs, "run")));
    item.append(title, element("p", "finding-text", finding.text));
    if (finding.where) item.append(element("p", "soft mono", finding.where));
    if (index >= 0) {
      const button = element("button", "", "look at it: " + this.nameOf(index));
      button.type = "button";
      button.addEventListener("click", () => this.choose(index, true));
      item.append(button);
    }
    return item;
  }
  openTable() {
    const modes = [...new Set(this.cases.map((one) => one.page_out))];
    const head = byId("check-head"), body = byId("check-body");
    head.append(element("th", "", "driver"), ...modes.map((mode) => element("th", "", mode)));
    for (const cell of head.children) cell.scope = "col";
    const listed = new Array(this.cases.length).fill(0);
    this.buttons = [];
    this.cases.forEach((one, c) => {
      const key = one.driver + "\n" + one.scenario;
      if (!this.places.has(key)) this.places.set(key, this.tableRow(one, modes, body));
      one.cell = this.places.get(key).cells.get(one.page_out);
      if (one.exit_code !== 0) this.places.get(key).line.classList.add("bad-row");
    });
    this.rows.forEach((row, index) => {
      listed[row.case]++;
      this.caseOf(index).cell.append(this.runButton(row, index));
    });
    this.cases.forEach((one, c) => {
      if (one.runs > listed[c]) {
        one.cell.append(element("span", "soft", " +" + group(one.runs - listed[c])));
      }
    });
    byId("check-table").addEventListener("keydown", (event) => this.onKey(event));
    const only = byId("only-bad");
    only.parentElement.hidden = this.places.size < 2;
    only.addEventListener("change", () =>
      byId("check-table").classList.toggle("only-bad", only.checked));
  }
  tableRow(one, modes, body) {
    const line = element("tr"), name = element("th", "", baseName(one.driver));
    name.scope = "row";
    name.title = one.driver + (one.scenario === "default" ? "" : ", " + one.scenario);
    if (one.scenario !== "default") {
      name.append(element("span", "soft", " " + baseName(one.scenario)));
    }
    line.append(name);
    const cells = new Map();
    for (const mode of modes) {
      const cell = element("td");
      cell.dataset.mode = mode;
      line.append(cell);
      cells.set(mode, cell);
    }
    body.append(line);
    return {line, cells};
  }
  runButton(row, index) {
    const end = endOf(row), button = element("button", "run-cell " + end.key, end.letter);
    button.type = "button";
    button.tabIndex = -1;
    if (row.timeline !== undefined) button.classList.add("has-timeline");
    const rules = row.findings.map((i) => this.findings[i] ? this.findings[i].rule : "")
      .filter(Boolean).join(", ");
    button.title = this.nameOf(index) + ": " + end.word + (rules ? ", " + rules : "") + ", " +
      (row.ms / 1000).toFixed(2) + " s" + (row.timeline !== undefined ? ", with a timeline" : "");
    button.setAttribute("aria-label", button.title);
    button.addEventListener("click", () => this.choose(index, true));
    this.buttons.push(button);
    return button;
  }
  openChoice() {
    const choice = byId("run");
    let group = null, last = "";
    this.rows.forEach((row, index) => {
      const driver = baseName(this.caseOf(index).driver);
      if (driver !== last || !group) {
        group = element("optgroup");
        group.label = last = driver;
        choice.append(group);
      }
      group.append(new Option(this.nameOf(index) + ": " + endOf(row).word +
        (row.timeline !== undefined ? " (timeline)" : ""), String(index)));
    });
  }
  // The run that is looked at: marked, and the one that Tab leads to.
  show(index) {
    for (const button of this.buttons) {
      if (button.tabIndex === 0) {
        button.tabIndex = -1;
        button.removeAttribute("aria-current");
      }
    }
    this.buttons[index].tabIndex = 0;
    this.buttons[index].setAttribute("aria-current", "true");
    byId("run-before").disabled = index === 0;
    byId("run-after").disabled = index === this.rows.length - 1;
  }
  // Arrows go from run to run in the table, Enter and Space open it.
  onKey(event) {
    const button = event.target, index = this.buttons.indexOf(button);
    if (index < 0) return;
    const seen = this.buttons.filter((one) => one.offsetParent !== null);
    const at = seen.indexOf(button);
    const to = event.key === "ArrowLeft" ? seen[at - 1] : event.key === "ArrowRight" ? seen[at + 1]
      : event.key === "ArrowUp" ? this.below(seen, button, -1)
      : event.key === "ArrowDown" ? this.below(seen, button, 1)
      : event.key === "Home" ? seen[0] : event.key === "End" ? seen[seen.length - 1] : undefined;
    if (to === undefined && !event.key.startsWith("Arrow")) return;
    event.preventDefault();
    if (to) to.focus();
  }
  // The nearest button in the next line of buttons above or below.
  below(seen, button, step) {
    const box = button.getBoundingClientRect();
    let best, distance = Infinity;
    for (const one of seen) {
      const other = one.getBoundingClientRect(), down = (other.top - box.top) * step;
      if (down < box.height / 2) continue;
      const far = down * 1000 + Math.abs(other.left - box.left);
      if (far < distance) [best, distance] = [one, far];
    }
    return best;
  }
}
