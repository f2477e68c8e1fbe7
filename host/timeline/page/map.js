// SPDX-License-Identifier: MIT
// The image, one cell a page, a row of cells for each section; words beside it say the same.

const CELLS = [
  {key: "nonpaged", letter: "N", text: "resident, never leaves"},
  {key: "resident", letter: "R", text: "resident, may leave"},
  {key: "locked", letter: "L", text: "locked"},
  {key: "modified", letter: "M", text: "left, not written yet"},
  {key: "standby", letter: "S", text: "left, still in memory"},
  {key: "out", letter: "O", text: "out: only in the paging file"},
  {key: "gone", letter: "", text: "freed, or not loaded", word: "freed"},
];
const [NONPAGED_CELL, RESIDENT_CELL, LOCKED_CELL, MODIFIED_CELL, STANDBY_CELL, OUT_CELL,
  GONE_CELL] = CELLS.keys();

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name)
  .trim();
const element = (tag, className, text) => {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

function sizeCanvas(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const w = Math.round(width * ratio), h = Math.round(height * ratio);
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.width = width + "px";
    canvas.style.height = height + "px";
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

class ImageMap {
  constructor(holder, legend) {
    this.holder = holder;
    for (const cell of CELLS) {
      const item = element("li"), box = element("i", "", cell.letter);
      box.style.background = "var(--" + cell.key + ")";
      if (cell.key === "out" || cell.key === "gone") box.className = "edge";
      item.append(box, cell.text);
      legend.append(item);
    }
  }
  open(run) {
    this.run = run;
    this.holder.replaceChildren();
    const most = run.sections.reduce((sum, section) => sum + section.pages, 0);
    this.size = most <= 400 ? 20 : most <= 2000 ? 14 : most <= 8000 ? 8 : most <= 30000 ? 5 : 3;
    this.rows = run.sections.map((section, s) => this.openRow(section, s)).filter(Boolean);
  }
  openRow(section, s) {
    if (section.pages === 0) return null;
    const row = element("div", section.pages > 8 ? "cells wide" : "cells");
    const canvas = element("canvas");
    const count = element("div", "cells-count");
    canvas.setAttribute("role", "img");
    row.append(element("div", "cells-name", section.name), canvas, count);
    this.holder.append(row);
    canvas.addEventListener("pointermove", (event) => {
      const page = this.pageUnder(canvas, event, section);
      canvas.title = page < 0 ? ""
        : this.run.pageText(page) + ": " + CELLS[this.cell(page, s)].text;
    });
    return {canvas, count, section, s, text: ""};
  }
  pageUnder(canvas, event, section) {
    const box = canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left) / this.size);
    const line = Math.floor((event.clientY - box.top) / this.size);
    const page = line * Math.floor(box.width / this.size) + column;
    return page >= 0 && page < section.pages ? section.first + page : -1;
  }
  cell(page, s) {
    const image = this.image;
    switch (image.state[page]) {
    case RESIDENT:
      return !image.mayLeave(s) ? NONPAGED_CELL : image.locks[s] ? LOCKED_CELL : RESIDENT_CELL;
    case MODIFIED: return MODIFIED_CELL;
    case STANDBY: return STANDBY_CELL;
    case OUT: return OUT_CELL;
    default: return GONE_CELL;
    }
  }
  draw(image, touched) {
    this.image = image;
    const colors = CELLS.map((cell) => style(cell.key));
    const ink = {edge: style("out-edge"), on: style("on-cell"), soft: style("soft"),
      bad: style("bad")};
    for (const row of this.rows) this.drawRow(row, colors, ink, touched);
  }
  drawRow(row, colors, ink, touched) {
    const {section, s, canvas} = row, size = this.size;
    const room = this.rowWidth(row);
    const columns = Math.max(1, Math.min(section.pages, Math.floor(room / size)));
    const lines = Math.ceil(section.pages / columns);
    const context = sizeCanvas(canvas, columns * size, lines * size);
    const gap = size > 6 ? 2 : size > 3 ? 1 : 0, counts = new Array(CELLS.length).fill(0);
    context.font = "600 " + Math.round(size * .5) + "px ui-monospace, monospace";
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (let page = 0; page < section.pages; page++) {
      const cell = this.cell(section.first + page, s);
      const x = page % columns * size, y = Math.floor(page / columns) * size;
      counts[cell]++;
      context.fillStyle = colors[cell];
      context.fillRect(x, y, size - gap, size - gap);
      if (cell === OUT_CELL && size > 3) {
        context.strokeStyle = ink.edge;
        context.strokeRect(x + .5, y + .5, size - gap - 1, size - gap - 1);
      }
      if (size >= 14) {
        context.fillStyle = cell === OUT_CELL ? ink.soft : ink.on;
        context.fillText(CELLS[cell].letter, x + (size - gap) / 2, y + (size - gap) / 2 + .5);
      }
      if (section.first + page === touched) {
        context.strokeStyle = ink.bad;
        context.lineWidth = Math.min(3, size / 3);
        context.strokeRect(x + 1, y + 1, size - gap - 2, size - gap - 2);
        context.lineWidth = 1;
      }
    }
    this.tell(row, counts);
  }
  // Canvases must not widen the column they measure.
  rowWidth(row) {
    const cells = row.canvas.parentElement;
    const columns = getComputedStyle(cells).gridTemplateColumns.split(" ").map(parseFloat);
    return columns.length === 3 ? columns[1] : cells.clientWidth;
  }
  tell(row, counts) {
    const words = CELLS.map((cell, c) => counts[c] ? group(counts[c]) + " " +
      (cell.word || cell.key) : "")
      .filter(Boolean).join(", ");
    const locks = this.image.locks[row.s];
    const text = words + (locks ? ", lock count " + locks : "");
    if (text === row.text) return;
    row.text = text;
    row.count.textContent = text;
    row.canvas.setAttribute("aria-label", row.section.name + ", " +
      plural(row.section.pages, "page") + ": " + text);
  }
}
