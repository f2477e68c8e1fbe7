// SPDX-License-Identifier: MIT
// Puts the parts together: the run that is looked at, the cursor that its parts follow, the keys.

const ROW_HEIGHT = 22;
const data = JSON.parse(byId("data").textContent);
const map = new ImageMap(byId("map"), byId("legend"));
const timeline = new Timeline(byId("timeline"));
const bytes = new Bytes(byId("bytes"), byId("bytes-of"), byId("bytes-legend"));
const overview = data.check ? new Check(data, chooseRun) : null;
let run, view, current = 0, pending = false, shown = -1; // run: null when it has no timeline

// ---- the cursor ----

function draw() {
  pending = false;
  if (!run) return;
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
  if (!run || run.count === 0) return;
  current = Math.min(Math.max(0, i), run.count - 1);
  const slider = byId("slider"), words = run.text(current);
  slider.value = String(current);
  slider.setAttribute("aria-valuetext", "event " + run.number(current) + ": " + words);
  byId("now").replaceChildren(element("span", "when", run.number(current) + " of " +
    group(run.first + run.count) + " · " + timeText(run.time[current]) + " · IRQL " +
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
  return run.number(i).padEnd(9) + timeText(run.time[i]).padStart(11) + "  " +
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
  case "last": seek(Infinity); break;
  case "back": seek(current - 1); break;
  case "on": seek(current + 1); break;
  case "fault": if (run) seek(run.nextFault(current, 1)); break;
  case "fault-before": if (run) seek(run.nextFault(current, -1)); break;
  }
}

function zoom(how, center) {
  if (!run) return;
  center ??= view.at(current);
  if (how === "all") view.all();
  else view.zoom(how === "in" ? .5 : 2, Math.min(Math.max(center, view.from), view.to));
  redraw();
}

const KEYS = {n: () => go("fault"), p: () => go("fault-before"), "+": () => zoom("in"),
  "=": () => zoom("in"), "-": () => zoom("out"), "0": () => zoom("all"),
  "[": () => chooseRun(shown - 1), "]": () => chooseRun(shown + 1)};
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

// ---- which run ----

// The timeline of a row, which is read now; null: it has none, or what is there is none.
function readRun(row) {
  const holder = row.timeline === undefined ? null : byId("timeline-of-" + row.timeline);
  try {
    return holder && new Run(JSON.parse(holder.textContent));
  } catch (error) {
    return null;
  }
}

function openTimeline() {
  view = new View(run, byId("scale").value === "time");
  map.open(run);
  timeline.open(run, view);
  bytes.open(run, view);
  byId("slider").max = String(Math.max(0, run.count - 1));
  byId("rows").style.height = run.count * ROW_HEIGHT + "px";
  const missing = run.lost + run.first;
  byId("list-title").textContent = "Events (" + group(run.count) +
    (missing ? ", and " + group(missing) + " that are not here" : "") + ")";
  byId("now").textContent = run.count ? "" : "The run has no timeline.";
  byId("list").scrollTop = 0;
  current = 0;
  seek(run.firstStop());
}

function openRun(index) {
  const row = data.runs[index];
  if (!row || index === shown) return;
  shown = index;
  run = readRun(row);
  byId("run").value = String(index);
  byId("absent").hidden = run !== null;
  byId("with-timeline").hidden = run === null;
  const name = overview ? overview.nameOf(index) : row.driver;
  document.title = name + " — Pageable report";
  byId("run-name").textContent = overview ? name : "";
  if (overview) overview.show(index);
  showVerdict(run ? run.report : overview ? overview.reportOf(index) : {findings: []});
  if (!run) byId("again").textContent = overview ? overview.again(index) : "";
  else openTimeline();
  redraw();
}

// By the address, so that a link leads to a run and the browser's "back" to the one before.
const addressOf = (index) => "#run-" + data.runs[index].step;

function chooseRun(index, toRun = false) {
  if (!data.runs[index]) return;
  openRun(index);
  if (location.hash !== addressOf(index)) location.hash = addressOf(index);
  if (toRun) byId("run-bar").scrollIntoView();
}

function openAddress() {
  const index = data.runs.findIndex((row, i) => addressOf(i) === location.hash);
  openRun(index >= 0 ? index : overview ? overview.first() : 0);
}

function start() {
  byId("version").textContent = data.pageable;
  byId("title").textContent = overview ? overview.title() : data.runs[0].driver;
  byId("run").addEventListener("change", (event) => chooseRun(Number(event.target.value)));
  byId("run-before").addEventListener("click", () => chooseRun(shown - 1));
  byId("run-after").addEventListener("click", () => chooseRun(shown + 1));
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
  window.addEventListener("hashchange", openAddress);
  openAddress();
}

start();
