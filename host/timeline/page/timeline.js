// SPDX-License-Identifier: MIT
// The timeline and the chart of bytes: canvases that share one horizontal scale, in steps (one
// event, one step) or in time. Only what is in view is drawn, found by binary search; what falls on
// one pixel is drawn once.

const LANE_LEFT = 92, ROW = 16, MOST_THREADS = 6, MOST_ROWS = 6;

// The first index of a sorted array that is not below value.
function lowerBound(array, value, length = array.length) {
  let low = 0, high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (array[middle] < value) low = middle + 1; else high = middle;
  }
  return low;
}

// What both canvases show: from..to in steps or nanoseconds.
class View {
  constructor(run, byTime) {
    this.run = run;
    this.setScale(byTime);
  }
  setScale(byTime) {
    this.byTime = byTime;
    this.all();
  }
  get length() {
    const run = this.run;
    return Math.max(1, this.byTime ? (run.count ? run.time[run.count - 1] : 0) : run.count);
  }
  all() {
    this.from = 0;
    this.to = this.length;
  }
  at(i) {
    return this.byTime ? this.run.time[i] : i;
  }
  indexAt(value) {
    const index = this.byTime ? lowerBound(this.run.time, value) : Math.round(value);
    return Math.min(Math.max(0, index), Math.max(0, this.run.count - 1));
  }
  firstInView() {
    return this.byTime ? lowerBound(this.run.time, this.from) : Math.max(0, Math.floor(this.from));
  }
  lastInView() {
    return this.byTime ? Math.min(this.run.count, lowerBound(this.run.time, this.to) + 1)
      : Math.min(this.run.count, Math.ceil(this.to) + 1);
  }
  zoom(factor, center) {
    const least = this.byTime ? 1000 : 8;
    const width = Math.min(this.length, Math.max(least, (this.to - this.from) * factor));
    const share = (center - this.from) / (this.to - this.from);
    this.move(center - width * share, width);
  }
  move(from, width) {
    this.from = Math.min(Math.max(0, from), this.length - width);
    this.to = this.from + width;
  }
  // Brings event i into view, if it is not.
  show(i) {
    const at = this.at(i), width = this.to - this.from;
    if (at < this.from || at > this.to) this.move(at - width / 2, width);
  }
}

// Calls and routines of the threads that have most of them; the rest only counts.
function findLanes(run) {
  const rows = new Map();
  for (let i = 0; i < run.count; i++) {
    if (run.k[i] !== KIND.call && run.k[i] !== KIND.routine) continue;
    const lane = rows.get(run.w[i]) || {thread: run.w[i], spans: [], depth: 1};
    rows.set(run.w[i], lane);
    lane.spans.push(i);
    lane.depth = Math.min(MOST_ROWS, Math.max(lane.depth, run.l[i] + 1));
  }
  const lanes = [...rows.values()].sort((a, b) => b.spans.length - a.spans.length)
    .slice(0, MOST_THREADS).sort((a, b) => a.thread - b.thread);
  for (const lane of lanes) {
    lane.spans = Int32Array.from(lane.spans);
    lane.reach = new Int32Array(lane.spans.length); // the last end of all spans so far
    let reach = 0;
    lane.spans.forEach((i, at) => {
      reach = Math.max(reach, run.e[i] < 0 ? run.count : i + run.e[i]);
      lane.reach[at] = reach;
    });
  }
  return lanes;
}

const TICKS = [
  {name: "faults", kinds: [KIND.fault, KIND.bugCheck], color: "bad"},
  {name: "pages leave", kinds: [KIND.left, KIND.freed], color: "modified"},
  {name: "pages arrive", kinds: [KIND.arrived], color: "resident"},
  {name: "locks", kinds: [KIND.lock, KIND.unlock, KIND.whole], color: "locked"},
];

class Timeline {
  constructor(canvas) {
    this.canvas = canvas;
  }
  open(run, view) {
    this.run = run;
    this.view = view;
    this.lanes = findLanes(run);
    this.ticks = TICKS.map((tick) => {
      const kinds = new Set(tick.kinds), at = [];
      for (let i = 0; i < run.count; i++) if (kinds.has(run.k[i])) at.push(i);
      return {...tick, at: Int32Array.from(at)};
    });
    let y = 8;
    this.irqlTop = y;
    y += 58;
    for (const lane of this.lanes) {
      lane.top = y + 6;
      y += 6 + lane.depth * ROW;
    }
    this.tickTop = y + 10;
    this.height = this.tickTop + this.ticks.length * 20 + 22;
    const words = this.ticks.map((tick) => group(tick.at.length) + " " + tick.name).join(", ");
    this.canvas.setAttribute("aria-label", "Timeline of " + plural(run.count, "event") + ": " +
      words + ". The list of events below has each in words.");
  }
  x(value) {
    const {from, to} = this.view;
    return LANE_LEFT + (value - from) / (to - from) * (this.width - LANE_LEFT);
  }
  valueAt(x) {
    const {from, to} = this.view;
    return from + (x - LANE_LEFT) / (this.width - LANE_LEFT) * (to - from);
  }
  draw(current) {
    this.width = this.canvas.parentElement.clientWidth -
      parseFloat(getComputedStyle(this.canvas.parentElement).paddingLeft) * 2;
    const context = this.context = sizeCanvas(this.canvas, this.width, this.height);
    this.colors = {};
    for (const name of ["ink", "soft", "line", "bad", "raised", "call", "routine", "cursor",
      "resident", "locked", "modified", "accent", "card"]) this.colors[name] = style(name);
    context.font = "11px system-ui, 'DejaVu Sans', sans-serif";
    context.textBaseline = "middle";
    context.save();
    context.beginPath();
    context.rect(LANE_LEFT, 0, this.width - LANE_LEFT, this.height);
    context.clip();
    this.drawIrql();
    for (const lane of this.lanes) this.drawLane(lane);
    this.ticks.forEach((tick, t) => this.drawTicks(tick, this.tickTop + t * 20));
    this.drawCursor(current);
    context.restore();
    this.drawLabels();
  }
  irqlY(irql) {
    const share = irql <= 2 ? irql * .3 : .6 + (irql - 2) / 13 * .4;
    return this.irqlTop + 50 - share * 46;
  }
  drawIrql() {
    const {context, run, view} = this, first = Math.max(0, view.firstInView() - 1);
    const last = view.lastInView();
    context.strokeStyle = this.colors.accent;
    context.fillStyle = this.colors.raised;
    context.lineWidth = 1.5;
    context.beginPath();
    let lastX = -1, level = first < run.count ? run.level[first] : 0;
    const bottom = this.irqlY(0) + 2;
    for (let i = first; i < last; i++) {
      const x = this.x(view.at(i)), next = i + 1 < run.count ? this.x(view.at(i + 1)) : this.width;
      if (i === first) context.moveTo(x, this.irqlY(level));
      if (run.level[i] !== level) {
        context.lineTo(x, this.irqlY(level));
        level = run.level[i];
        context.lineTo(x, this.irqlY(level));
      }
      if (level >= 2 && (next > lastX + .5)) {
        context.fillRect(x, this.irqlTop, Math.max(.7, next - x), bottom - this.irqlTop);
        lastX = x;
      }
    }
    if (last > first) context.lineTo(this.x(view.at(last - 1)), this.irqlY(level));
    context.stroke();
    context.lineWidth = 1;
  }
  drawLane(lane) {
    const {context, run, view} = this, first = view.firstInView(), last = view.lastInView();
    const drawn = new Float64Array(MOST_ROWS).fill(-1);
    for (let at = lowerBound(lane.reach, first); at < lane.spans.length; at++) {
      const i = lane.spans[at];
      if (i > last) break;
      const row = Math.min(run.l[i], MOST_ROWS - 1);
      const end = run.e[i] < 0 ? run.count - 1 : i + run.e[i];
      const x = this.x(view.at(i)), right = Math.max(x + 1, this.x(view.at(end)));
      if (right < drawn[row] + 1) continue; // on a pixel that has one
      drawn[row] = right;
      this.drawSpan(i, x, right, lane.top + row * ROW);
    }
  }
  drawSpan(i, x, right, y) {
    const {context, run} = this, call = run.k[i] === KIND.call;
    const left = Math.max(x, LANE_LEFT - 2);
    context.fillStyle = call ? this.colors.call : this.colors.routine;
    context.fillRect(x, y, Math.max(1, right - x - (right - x > 4 ? 1 : 0)), ROW - 2);
    if (Math.min(right, this.width) - left < 40) return;
    const text = call ? (run.n[i] >= 0 ? run.names[run.n[i]] : "a routine")
      : run.place(i).split(" (")[0];
    context.save();
    context.beginPath();
    context.rect(left, y, right - left - 3, ROW);
    context.clip();
    context.fillStyle = this.colors.ink;
    context.fillText(text, left + 4, y + ROW / 2 - .5);
    context.restore();
  }
  drawTicks(tick, y) {
    const {context, view} = this, first = view.firstInView(), last = view.lastInView();
    context.fillStyle = this.colors[tick.color];
    let drawn = -1;
    for (let at = lowerBound(tick.at, first); at < tick.at.length && tick.at[at] <= last; at++) {
      const x = this.x(view.at(tick.at[at]));
      if (x < drawn + 1) continue;
      drawn = x;
      context.fillRect(x - 1, y, 2, 14);
    }
  }
  drawCursor(current) {
    if (this.run.count === 0) return;
    const x = this.x(this.view.at(current));
    this.context.fillStyle = this.colors.cursor;
    this.context.fillRect(x - .75, 0, 1.5, this.height - 18);
  }
  drawLabels() {
    const {context, run, view} = this;
    context.fillStyle = this.colors.soft;
    context.textAlign = "left";
    context.fillText("IRQL", 0, this.irqlTop + 5);
    context.textAlign = "right";
    const right = LANE_LEFT - 8;
    context.fillText("DISPATCH 2", right, this.irqlY(2));
    context.fillText("APC 1", right, this.irqlY(1));
    context.fillText("PASSIVE 0", right, this.irqlY(0));
    for (const lane of this.lanes) {
      const id = run.threads[lane.thread];
      context.fillText(id ? "thread " + id : "idle thread", right, lane.top + 7);
    }
    this.ticks.forEach((tick, t) =>
      context.fillText(tick.name, right, this.tickTop + t * 20 + 7));
    const y = this.height - 8, words = (value) => view.byTime ? timeText(Math.round(value))
      : run.number(Math.min(run.count - 1, Math.round(value)));
    context.textAlign = "left";
    context.fillText(words(view.from), LANE_LEFT, y);
    context.textAlign = "center";
    context.fillText(words((view.from + view.to) / 2), (LANE_LEFT + this.width) / 2, y);
    context.textAlign = "right";
    context.fillText(words(view.to - (view.byTime ? 0 : 1)), this.width, y);
    context.textAlign = "left";
  }
}
