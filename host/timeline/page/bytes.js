// SPDX-License-Identifier: MIT
// Bytes resident, locked, pageable and nonpaged over the timeline, of the image or of one section,
// with the budgets that were given.

const LINES = [
  {key: "resident", text: "resident"},
  {key: "locked", text: "locked"},
  {key: "pageable", text: "pageable: may leave", color: "soft"},
  {key: "nonpaged", text: "nonpaged: may never leave"},
];
const CHART_HEIGHT = 190, CHART_BOTTOM = 24, CHART_TOP = 12;

const sizeText = (bytes) => bytes < 1024 || bytes % 1024 ? group(bytes)
  : bytes % 1048576 ? group(bytes / 1024) + "K" : group(bytes / 1048576) + "M";

// The series of all sections, added up at each event that changes one.
function addSeries(run) {
  const sum = {at: [], resident: [], locked: [], pageable: [], nonpaged: []};
  const now = run.series.map(() => -1), total = {resident: 0, locked: 0, pageable: 0, nonpaged: 0};
  const heads = run.series.map((series, s) => s).filter((s) => run.series[s].at.length);
  const next = new Map();
  for (const s of heads) {
    run.series[s].at.forEach((i, n) => {
      if (!next.has(i)) next.set(i, []);
      next.get(i).push([s, n]);
    });
  }
  for (const i of [...next.keys()].sort((a, b) => a - b)) {
    for (const [s, n] of next.get(i)) {
      for (const key in total) {
        total[key] += run.series[s][key][n] - (now[s] >= 0 ? run.series[s][key][now[s]] : 0);
      }
      now[s] = n;
    }
    sum.at.push(i);
    for (const key in total) sum[key].push(total[key]);
  }
  return sum;
}

class Bytes {
  constructor(canvas, choice, legend) {
    this.canvas = canvas;
    this.choice = choice;
    for (const line of LINES) {
      const item = element("li"), mark = element("i", "stroke");
      mark.style.borderTopColor = "var(--" + (line.color || line.key) + ")";
      item.append(mark, line.text);
      legend.append(item);
    }
    this.budgetItem = element("li");
    const mark = element("i", "stroke dashed");
    mark.style.borderTopColor = "var(--bad)";
    this.budgetItem.append(mark, "budget");
    legend.append(this.budgetItem);
  }
  open(run, view) {
    this.run = run;
    this.view = view;
    this.choice.replaceChildren(new Option("the image", "-1"));
    run.sections.forEach((section, s) => {
      if (section.pages) this.choice.append(new Option(section.name, String(s)));
    });
    this.all = addSeries(run);
    this.budgetItem.hidden = run.budgets.length === 0;
    this.choose();
  }
  choose() {
    const s = Number(this.choice.value), name = s < 0 ? "" : this.run.sections[s].name;
    this.series = s < 0 ? this.all : this.run.series[s];
    this.budgets = this.run.budgets.filter((budget) => budget.section === name);
    this.most = PAGE_BYTES;
    for (const {key} of LINES) {
      for (const bytes of this.series[key]) if (bytes > this.most) this.most = bytes;
    }
    const known = this.most;
    for (const budget of this.budgets) {
      if (budget.bytes < known * 3) this.most = Math.max(this.most, budget.bytes);
    }
    const words = LINES.map(({key}) => key + " at most " +
      sizeText(this.series[key].reduce((most, bytes) => Math.max(most, bytes), 0)));
    this.canvas.setAttribute("aria-label", "Bytes of " + (name || "the image") + ": " +
      words.join(", ") + this.budgets.map((budget) => "; budget " + budget.kind + " " +
      sizeText(budget.bytes)).join(""));
  }
  y(bytes) {
    return CHART_HEIGHT - CHART_BOTTOM -
      bytes / this.most * (CHART_HEIGHT - CHART_BOTTOM - CHART_TOP);
  }
  draw(current, timeline) {
    this.x = (value) => timeline.x(value);
    this.width = timeline.width;
    const context = this.context = sizeCanvas(this.canvas, this.width, CHART_HEIGHT);
    context.font = "11px system-ui, 'DejaVu Sans', sans-serif";
    context.textBaseline = "middle";
    this.drawScale();
    context.save();
    context.beginPath();
    context.rect(LANE_LEFT, 0, this.width - LANE_LEFT, CHART_HEIGHT);
    context.clip();
    for (const line of LINES) this.drawLine(line);
    for (const budget of this.budgets) this.drawBudget(budget);
    if (this.run.count) {
      context.fillStyle = style("cursor");
      context.fillRect(this.x(this.view.at(current)) - .75, 0, 1.5, CHART_HEIGHT - CHART_BOTTOM);
    }
    context.restore();
    this.drawNow(current);
  }
  drawScale() {
    const {context} = this;
    context.textAlign = "right";
    for (const share of [0, .5, 1]) {
      const y = this.y(this.most * share);
      context.fillStyle = style("line");
      context.fillRect(LANE_LEFT, Math.round(y), this.width - LANE_LEFT, 1);
      context.fillStyle = style("soft");
      context.fillText(sizeText(Math.round(this.most * share)), LANE_LEFT - 8, y);
    }
    context.textAlign = "left";
  }
  // Steps; of those on one pixel only the extremes.
  drawLine({key, color}) {
    const {context, series, view} = this, values = series[key], from = view.firstInView();
    let n = Math.max(0, lowerBound(series.at, from) - 1);
    const last = view.lastInView();
    context.strokeStyle = style(color || key);
    context.lineWidth = 2;
    context.beginPath();
    let started = false, pixel = -1, low = 0, high = 0, before = 0;
    for (; n < values.length && series.at[n] <= last; n++) {
      const x = this.x(view.at(series.at[n])), value = values[n];
      if (!started) {
        context.moveTo(x, this.y(value));
        started = true;
      } else if (Math.floor(x) === pixel) {
        low = Math.min(low, value);
        high = Math.max(high, value);
        before = value;
        continue;
      } else {
        if (low !== high) {
          context.lineTo(pixel, this.y(low));
          context.lineTo(pixel, this.y(high));
          context.lineTo(pixel, this.y(before));
        }
        context.lineTo(x, this.y(before));
        context.lineTo(x, this.y(value));
      }
      pixel = Math.floor(x);
      low = high = before = value;
    }
    if (started) {
      context.lineTo(pixel, this.y(low));
      context.lineTo(pixel, this.y(high));
      context.lineTo(pixel, this.y(before));
      context.lineTo(this.width, this.y(before));
    }
    context.stroke();
    context.lineWidth = 1;
  }
  drawBudget(budget) {
    const {context} = this, high = budget.bytes > this.most;
    const y = high ? CHART_TOP : this.y(budget.bytes);
    context.strokeStyle = context.fillStyle = style("bad");
    context.setLineDash([6, 4]);
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(LANE_LEFT, y);
    context.lineTo(this.width, y);
    if (!high) context.stroke();
    context.setLineDash([]);
    context.lineWidth = 1;
    context.textAlign = "right";
    context.fillText(budget.kind + " budget " + sizeText(budget.bytes) +
      (high ? ", above this chart" : ""), this.width - 6, y + (y < 24 ? 9 : -8));
    context.textAlign = "left";
  }
  // The figures at the cursor, below the chart.
  drawNow(current) {
    const {context, series} = this, n = lowerBound(series.at, current + 1) - 1;
    const words = LINES.map(({key}) => key + " " + sizeText(n < 0 ? 0 : series[key][n]))
      .join("   ");
    context.fillStyle = style("soft");
    context.textAlign = "left";
    context.fillText(words, LANE_LEFT, CHART_HEIGHT - 8);
  }
}
