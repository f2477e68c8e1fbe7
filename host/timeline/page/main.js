// SPDX-License-Identifier: MIT
// Puts the parts together: what the run found, the cursor that all of them follow, the keys.

const byId = (id) => document.getElementById(id);
const ROW_HEIGHT = 22;
const data = JSON.parse(byId("data").textContent);
const map = new ImageMap(byId("map"), byId("legend"));
const timeline = new Timeline(byId("timeline"));
const bytes = new Bytes(byId("bytes"), byId("bytes-of"), byId("bytes-legend"));
let run, view, current = 0, pending = false;

// ---- the verdict ----

function fact(list, name, text) {
  if (!text) return;
  list.append(element("dt", "", name), element("dd", "", text));
}

function showVerdict() {
  const {verdict = {}, bug_check: bug, run: options = {}, findings = []} = run.report;
  const facts = byId("facts"), list = byId("findings"), stack = byId("stack");
  byId("verdict").classList.toggle("bad", verdict.exit_code !== 0);
  byId("word").textContent = verdict.verdict || "no verdict";
  byId("detail").textContent = verdict.detail || "";
  byId("cause").textContent = verdict.cause || "";
  facts.replaceChildren();
  fact(facts, "where", verdict.where);
  if (bug) {
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
  stack.hidden = !(bug && bug.stack && bug.stack.length);
  if (!stack.hidden) {
    stack.querySelector("ol").replaceChildren(...bug.stack.map((frame) => element("li",
      frame.routine.startsWith("nt!") ? "" : "own",
      frame.routine + (frame.location ? " (" + frame.location + ")" : ""))));
  }
  byId("replay-line").hidden = !verdict.replay;
  byId("replay").textContent = verdict.replay || "";
}

// ---- the cursor ----

function draw() {
  pending = false;
  const image = run.count ? run.imageAt(current) : new Image(run);
  const page = run.count && run.k[current] !== KIND.lock && run.k[current] !== KIND.unlock &&
    run.k[current] !== KIND.discard ? run.g[current] : -1;
  map.draw(image, page);
  timeline.draw(current);
  bytes.draw(current, timeline);
  drawRows();
}

function redraw() {
  if (!pending) {
    pending = true;
    requestAnimationFrame(draw);
  }
}

function seek(i, scroll = true) {
  if (run.count === 0) return;
  current = Math.min(Math.max(0, i), run.count - 1);
  const slider = byId("slider"), words = run.text(current);
  slider.value = String(current);
  slider.setAttribute("aria-valuetext", "event " + (current + 1) + ": " + words);
  byId("now").replaceChildren(element("span", "when", "#" + group(current + 1) + " of " +
    group(run.count) + " · " + timeText(run.time[current]) + " · IRQL " +
    irqlText(run.level[current]) + " · "), words);
  view.show(current);
  if (scroll) scrollRows();
  redraw();
}

// ---- the list of events: only the rows in view are elements ----

function scrollRows() {
  const list = byId("list"), top = current * ROW_HEIGHT;
  if (top < list.scrollTop || top > list.scrollTop + list.clientHeight - ROW_HEIGHT) {
    list.scrollTop = Math.max(0, top - list.clientHeight / 2);
  }
}

function rowText(i) {
  return ("#" + (i + 1)).padEnd(8) + timeText(run.time[i]).padStart(11) + "  " +
    String(run.level[i]).padStart(2) + "  " + "  ".repeat(Math.min(run.l[i], 12)) + run.text(i);
}

function drawRows() {
  const list = byId("list"), rows = byId("rows");
  const first = Math.max(0, Math.floor(list.scrollTop / ROW_HEIGHT) - 4);
  const last = Math.min(run.count, first + Math.ceil(list.clientHeight / ROW_HEIGHT) + 8);
  const made = [];
  for (let i = first; i < last; i++) {
    const row = element("div", "row" + (run.isFault(i) ? " fault" : "") +
      (i === current ? " current" : ""), rowText(i));
    row.style.top = i * ROW_HEIGHT + "px";
    row.dataset.event = String(i);
    made.push(row);
  }
  rows.replaceChildren(...made);
}

// ---- what the user does ----

function go(where) {
  switch (where) {
  case "first": seek(0); break;
  case "last": seek(run.count - 1); break;
  case "back": seek(current - 1); break;
  case "on": seek(current + 1); break;
  case "fault": seek(run.nextFault(current, 1)); break;
  case "fault-before": seek(run.nextFault(current, -1)); break;
  }
}

function zoom(how, center = view.at(current)) {
  if (how === "all") view.all();
  else view.zoom(how === "in" ? .5 : 2, Math.min(Math.max(center, view.from), view.to));
  redraw();
}

const KEYS = {n: () => go("fault"), p: () => go("fault-before"), "+": () => zoom("in"),
  "=": () => zoom("in"), "-": () => zoom("out"), "0": () => zoom("all")};
const MOVES = {ArrowLeft: () => go("back"), ArrowRight: () => go("on"), Home: () => go("first"),
  End: () => go("last"), PageUp: () => seek(current - 20), PageDown: () => seek(current + 20)};

// Moves work on the timeline and on the page itself; the slider and lists have keys of their own.
function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.tagName === "SELECT") return;
  const own = event.target.tagName === "INPUT" || event.target.id === "list";
  const free = event.target === document.body || event.target.id === "timeline";
  const horizontal = event.key === "ArrowLeft" || event.key === "ArrowRight";
  const act = KEYS[event.key.toLowerCase()] ||
    (!own && (event.target.id === "timeline" || (free && horizontal)) && MOVES[event.key]);
  if (act) {
    event.preventDefault();
    act();
  }
}

function onPointer(canvas) {
  let panning = null;
  const at = (event) => timeline.valueAt(event.clientX - canvas.getBoundingClientRect().left);
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    panning = event.shiftKey ? {x: event.clientX, from: view.from} : null;
    if (!panning) seek(view.indexAt(at(event)));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    if (!panning) {
      seek(view.indexAt(Math.min(Math.max(at(event), view.from), view.to)));
      return;
    }
    const width = view.to - view.from;
    view.move(panning.from - (event.clientX - panning.x) / (timeline.width - LANE_LEFT) * width,
      width);
    redraw();
  });
  canvas.addEventListener("wheel", (event) => {
    const width = view.to - view.from;
    if (event.ctrlKey) {
      view.zoom(Math.exp(event.deltaY / 200), at(event));
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      view.move(view.from + (event.deltaX || event.deltaY) / timeline.width * width, width);
    } else {
      return; // the page scrolls
    }
    event.preventDefault();
    redraw();
  }, {passive: false});
}

function openRun(index) {
  if (!(data.runs[index] instanceof Run)) data.runs[index] = new Run(data.runs[index]);
  run = data.runs[index];
  document.title = run.driver + " — Pageable report";
  byId("driver").textContent = run.driver;
  showVerdict();
  view = new View(run, byId("scale").value === "time");
  map.open(run);
  timeline.open(run, view);
  bytes.open(run, view);
  byId("slider").max = String(Math.max(0, run.count - 1));
  byId("rows").style.height = run.count * ROW_HEIGHT + "px";
  const missing = run.lost + run.left_out;
  byId("list-title").textContent = "Events (" + group(run.count) +
    (missing ? ", and " + group(missing) + " that are not here" : "") + ")";
  byId("now").textContent = run.count ? "" : "The run has no timeline.";
  current = 0;
  seek(run.firstStop());
  redraw();
}

function start() {
  byId("version").textContent = data.pageable;
  data.runs.forEach((one, index) => {
    const verdict = one.events.find((event) => event.event === "verdict");
    byId("run").append(new Option((index + 1) + ". " + one.driver +
      (verdict ? ": " + verdict.verdict : ""), String(index)));
  });
  byId("run-choice").hidden = data.runs.length < 2;
  byId("run").addEventListener("change", (event) => openRun(Number(event.target.value)));
  byId("slider").addEventListener("input", (event) => seek(Number(event.target.value)));
  byId("scale").addEventListener("change", (event) => {
    view.setScale(event.target.value === "time");
    redraw();
  });
  byId("bytes-of").addEventListener("change", () => { bytes.choose(); redraw(); });
  byId("list").addEventListener("scroll", redraw);
  byId("rows").addEventListener("click", (event) => {
    if (event.target.dataset.event) seek(Number(event.target.dataset.event), false);
  });
  for (const button of document.querySelectorAll("[data-go]")) {
    button.addEventListener("click", () => go(button.dataset.go));
  }
  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => zoom(button.dataset.zoom));
  }
  document.addEventListener("keydown", onKey);
  onPointer(timeline.canvas);
  onPointer(bytes.canvas);
  window.addEventListener("resize", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  if (data.runs.length) openRun(0);
}

start();
