// SPDX-License-Identifier: MIT
// Run in a report by browse.py, behind checks.js: uses the timeline of a run as a user does.
async function keys() {
  const last = Number(byId("slider").max), canvas = byId("timeline");
  press(canvas, "Home");
  same("Home goes to the first event", value(), 0);
  press(canvas, "ArrowRight");
  same("an arrow goes on", value(), Math.min(1, last));
  press(document.body, "ArrowLeft");
  same("an arrow on the page goes back", value(), 0);
  press(canvas, "End");
  same("End goes to the last event", value(), last);
  press(canvas, "ArrowRight");
  same("and not beyond", value(), last);
  byId("slider").value = String(Math.floor(last / 2));
  byId("slider").dispatchEvent(new Event("input", {bubbles: true}));
  await frame();
  check("the slider moves the cursor", byId("now").textContent.startsWith("#" +
    String(Math.floor(last / 2) + 1).replace(/\B(?=(\d{3})+(?!\d))/g, ",") + " of"),
    byId("now").textContent);
  check("the slider says its event", byId("slider").getAttribute("aria-valuetext").length > 8, "");
  const before = view.to - view.from;
  press(canvas, "+");
  check("+ zooms in", view.to - view.from < before || before <= 8, view.to - view.from);
  press(canvas, "0");
  same("0 shows all", view.to - view.from, view.length);
  press(canvas, "Home");
  press(document.body, "n");
  check("N finds a fault", run.isFault(value()) || run.nextFault(0, 1) === 0, run.text(value()));
  await frame();
}

// What the map says at some events, against the columns read from the start without key frames.
async function states() {
  for (const share of [0.1, 0.5, 0.77, 1]) {
    const at = Math.floor((run.count - 1) * share), whole = new Image(run);
    for (let i = 0; i <= at; i++) whole.apply(i);
    const image = run.imageAt(at);
    same("pages at " + share, image.state.join(), whole.state.join());
  }
  const words = [...document.querySelectorAll(".cells-count")].map((cell) => cell.textContent);
  check("each section is told in words", words.length > 0 && words.every((text) => /\d/.test(text)),
    words.join("; "));
  const labels = [...document.querySelectorAll("canvas")].map((c) => c.getAttribute("aria-label"));
  check("each canvas has words", labels.every((label) => label && label.length > 8), labels.join());
}

async function appearance() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const paper = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number);
  figure("dark", dark ? 1 : 0);
  check("the paper follows the system", dark === (paper[0] + paper[1] + paper[2] < 200), paper);
  figure("width", innerWidth);
  check("nothing is wider than the window", document.documentElement.scrollWidth <= innerWidth,
    document.documentElement.scrollWidth + " of " + innerWidth);
  check("the canvases were drawn", [...document.querySelectorAll("#timeline, #bytes")]
    .every((canvas) => canvas.width > 200 && drawn(canvas)), "a blank one");
}

function drawn(canvas) {
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let marked = 0;
  for (let i = 3; i < pixels.length; i += 4) marked += pixels[i] !== 0;
  return marked > 500;
}

// Moves to and fro as a hand on the slider does, and scrolls the list.
async function labor() {
  const last = Number(byId("slider").max);
  let worst = 0;
  for (let step = 0; step <= 40; step++) {
    const at = Math.floor(last * ((step * 17) % 41) / 40), begin = performance.now();
    byId("slider").value = String(at);
    byId("slider").dispatchEvent(new Event("input", {bubbles: true}));
    await frame();
    worst = Math.max(worst, performance.now() - begin);
  }
  for (let step = 0; step <= 20; step++) {
    byId("list").scrollTop = byId("list").scrollHeight * step / 20;
    await frame();
  }
  figure("events", run.count);
  figure("last_state", stateText(run));
  figure("slowest_seek_ms", worst.toFixed(1));
  check("the list has the rows in view only", document.querySelectorAll(".row").length < 80,
    document.querySelectorAll(".row").length);
  check("elements are few", document.querySelectorAll("*").length < 2000,
    document.querySelectorAll("*").length);
}

async function probe() {
  const text = byId("data").textContent, begin = performance.now();
  JSON.parse(text);
  figure("floor_parse_ms", (performance.now() - begin).toFixed(1));
  await keys();
  await states();
  await appearance();
  await frame();
  await new Promise((done) => setTimeout(done, 100)); // long tasks are told late
  long.length = 0;
  await labor();
  await new Promise((done) => setTimeout(done, 100));
  figure("longest_task_ms", Math.max(0, ...long));
  same("no injected script ran", window.injected, undefined);
  same("nothing was fetched", performance.getEntriesByType("resource").length, 0);
  return lines.join("\n");
}

return probe();
