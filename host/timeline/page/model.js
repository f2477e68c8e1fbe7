"use strict";
// SPDX-License-Identifier: MIT
// The data of one run: columns as typed arrays, the state of every page at any event, and words.

const PAGE_BYTES = 4096;
// As TIMELINE_KIND of include/wire/timeline.h.
const KIND = {load: 1, unload: 2, call: 3, ret: 4, routine: 5, routineEnd: 6, irqlWrite: 7,
  fault: 8, left: 9, written: 10, freed: 11, arrived: 12, lock: 13, unlock: 14, whole: 15, discard: 16,
  pageOut: 17, bugCheck: 18};
// As PAGE_STATE of host/timeline/timeline_image.h.
const GONE = 0, RESIDENT = 1, MODIFIED = 2, STANDBY = 3, OUT = 4;
const ROUTINES = ["routine", "DriverEntry", "DriverUnload", "dispatch routine", "completion routine",
  "cancel routine", "DPC", "interrupt routine", "work item"];
const MAJOR = ["CREATE", "CREATE_NAMED_PIPE", "CLOSE", "READ", "WRITE", "QUERY_INFORMATION",
  "SET_INFORMATION", "QUERY_EA", "SET_EA", "FLUSH_BUFFERS", "QUERY_VOLUME_INFORMATION",
  "SET_VOLUME_INFORMATION", "DIRECTORY_CONTROL", "FILE_SYSTEM_CONTROL", "DEVICE_CONTROL",
  "INTERNAL_DEVICE_CONTROL", "SHUTDOWN", "LOCK_CONTROL", "CLEANUP", "CREATE_MAILSLOT",
  "QUERY_SECURITY", "SET_SECURITY", "POWER", "SYSTEM_CONTROL", "DEVICE_CHANGE", "QUERY_QUOTA",
  "SET_QUOTA", "PNP"];
const IRQL_NAMES = {0: "PASSIVE_LEVEL", 1: "APC_LEVEL", 2: "DISPATCH_LEVEL", 15: "HIGH_LEVEL"};
// Kinds whose IRQL is the driver's: the others happen inside the kernel, under its own locks. As
// TimelineDriverIrql of timeline.c.
const DRIVER_IRQL = new Set([KIND.call, KIND.ret, KIND.routine, KIND.routineEnd, KIND.irqlWrite,
  KIND.fault]);
const KEYFRAME_BYTES = 32 << 20; // of page states kept; the rest is replayed

const group = (number) => String(number).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
const irqlText = (irql) => irql + (IRQL_NAMES[irql] ? " (" + IRQL_NAMES[irql] + ")" : "");
const plural = (count, word) => group(count) + " " + word + (count === 1 ? "" : "s");

function timeText(ns) {
  if (ns < 1e3) return ns + " ns";
  if (ns < 1e6) return (ns / 1e3).toFixed(2) + " µs";
  if (ns < 1e9) return (ns / 1e6).toFixed(3) + " ms";
  return (ns / 1e9).toFixed(3) + " s";
}

// The image as it is after some events: the same steps as timeline_image.c.
class Image {
  constructor(run) {
    this.run = run;
    this.state = new Uint8Array(run.pages);
    this.locks = new Uint32Array(run.sections.length);
    this.gone = new Uint8Array(run.sections.length);
    this.loaded = this.whole = 0;
    const before = run.before; // of a timeline whose first events are left out
    if (!before) return;
    this.state.set(Array.from(before.state, Number));
    this.locks.set(before.locks);
    this.gone.set(before.gone);
    this.loaded = before.loaded;
    this.whole = before.whole;
  }
  copy() {
    const twin = Object.create(Image.prototype);
    Object.assign(twin, this, {state: this.state.slice(), locks: this.locks.slice(),
      gone: this.gone.slice()});
    return twin;
  }
  fill(section, state) {
    this.state.fill(state, section.first, section.first + section.pages);
  }
  all(state) {
    this.state.fill(GONE);
    for (const section of this.run.sections) this.fill(section, state);
    this.locks.fill(0);
    this.gone.fill(0);
    this.whole = 0;
  }
  // Returns the section changed, -1: none, -2: all.
  apply(i) {
    const run = this.run, page = run.g[i];
    switch (run.k[i]) {
    case KIND.load: this.all(RESIDENT); this.loaded = 1; return -2;
    case KIND.unload: this.all(GONE); this.loaded = 0; return -2;
    case KIND.whole: this.whole = run.values[run.v[i]] !== "0x0" ? 1 : 0; return -2;
    case KIND.left: return this.set(page, run.d[i] === 2 ? STANDBY : MODIFIED);
    case KIND.written: return this.set(page, STANDBY);
    case KIND.freed: return this.set(page, OUT);
    case KIND.arrived: return this.set(page, RESIDENT);
    case KIND.lock:
    case KIND.unlock: if (page >= 0) this.locks[page] = run.d[i]; return page;
    case KIND.discard:
      if (page >= 0) { this.gone[page] = 1; this.fill(run.sections[page], GONE); }
      return page;
    default: return -1;
    }
  }
  set(page, state) {
    if (page < 0 || this.run.sectionOf[page] === 255) return -1;
    this.state[page] = state;
    return this.run.sectionOf[page];
  }
  mayLeave(s) {
    return s !== 0 && (this.run.sections[s].pageable || this.whole !== 0);
  }
}

// The events of a run, by their kind; findings may be many.
function reportOf(events) {
  const report = {findings: []};
  for (const event of events) {
    if (event.event === "finding") report.findings.push(event);
    else report[event.event] = event;
  }
  return report;
}

class Run {
  constructor(data) {
    Object.assign(this, data);
    this.count = data.t.length;
    for (const column of "kqwpgvdnel") this[column] = Int32Array.from(data[column]);
    this.time = new Float64Array(this.count);
    for (let i = 0, now = 0; i < this.count; i++) this.time[i] = now += data.t[i];
    this.sectionOf = new Uint8Array(this.pages).fill(255);
    this.sections.forEach((section, s) =>
      this.sectionOf.fill(s, section.first, section.first + section.pages));
    this.report = reportOf(this.events);
    this.walk();
  }
  // One pass: key frames of the image, the level at each event, bytes of sections at each change.
  walk() {
    const image = new Image(this), sections = this.sections.length;
    this.every = Math.max(256, Math.ceil(this.count * Math.max(this.pages, 1) / KEYFRAME_BYTES));
    this.frames = [];
    this.level = new Uint8Array(this.count);
    this.series = Array.from({length: sections}, () => ({at: [], resident: [], locked: [],
      pageable: [], nonpaged: []}));
    const transient = new Set();
    for (let i = 0; i < this.count; i++) if (this.k[i] === KIND.discard) transient.add(this.g[i]);
    const resident = new Int32Array(sections);
    let level = this.before ? this.before.level : 0;
    for (let s = 0; this.before && s < sections; s++) {
      resident[s] = this.countResident(image, s);
      this.note(image, s, 0, resident[s], transient.has(s));
    }
    for (let i = 0; i < this.count; i++) {
      if (i % this.every === 0) this.frames.push(image.copy());
      if (DRIVER_IRQL.has(this.k[i])) level = this.q[i];
      if (this.k[i] === KIND.irqlWrite) level = parseInt(this.values[this.v[i]], 16) & 15;
      this.level[i] = level;
      const page = this.g[i], before = page >= 0 && page < this.pages ? image.state[page] : GONE;
      const changed = image.apply(i);
      if (changed === -2) {
        for (let s = 0; s < sections; s++) {
          resident[s] = this.countResident(image, s);
          this.note(image, s, i, resident[s], transient.has(s));
        }
      } else if (changed >= 0) {
        const k = this.k[i];
        if (k === KIND.discard) resident[changed] = 0;
        else if (k !== KIND.lock && k !== KIND.unlock)
          resident[changed] += (image.state[page] === RESIDENT) - (before === RESIDENT);
        this.note(image, changed, i, resident[changed], transient.has(changed));
      }
    }
  }
  countResident(image, s) {
    const {first, pages} = this.sections[s];
    let count = 0;
    for (let page = first; page < first + pages; page++) count += image.state[page] === RESIDENT;
    return count;
  }
  note(image, s, i, resident, transient) {
    const all = image.loaded && !image.gone[s] ? this.sections[s].pages * PAGE_BYTES : 0;
    const leaves = image.mayLeave(s), locked = image.locks[s] !== 0, series = this.series[s];
    series.at.push(i);
    series.resident.push(resident * PAGE_BYTES);
    series.locked.push(leaves && locked ? all : 0);
    series.pageable.push(leaves && !locked ? all : 0);
    series.nonpaged.push(leaves || transient ? 0 : all);
  }
  // The image after event i.
  imageAt(i) {
    const frame = Math.floor(i / this.every);
    const image = this.frames[frame].copy();
    for (let at = frame * this.every; at <= i; at++) image.apply(at);
    return image;
  }
  // What event i is called: those left out before it count.
  number(i) {
    return "#" + group(this.first + i + 1);
  }
  isFault(i) {
    return this.k[i] === KIND.fault || this.k[i] === KIND.bugCheck;
  }
  // Where to begin: at the bug check, else before the driver's unload.
  firstStop() {
    if (this.report.bug_check) return this.nextFault(this.count, -1);
    for (let i = this.count - 1; i > 0; i--) {
      if (this.k[i] === KIND.routine && this.d[i] === 2) return i - 1;
    }
    return this.count - 1;
  }
  nextFault(i, step) {
    for (let at = i + step; at >= 0 && at < this.count; at += step) {
      if (this.isFault(at)) return at;
    }
    return i;
  }
  place(i) {
    return this.p[i] >= 0 ? this.places[this.p[i]] : "";
  }
  pageText(page) {
    const s = page >= 0 && page < this.pages ? this.sectionOf[page] : 255;
    if (s === 255) return "a page outside of the image";
    return "page " + (page - this.sections[s].first) + " of " + this.sections[s].name;
  }
  // What event i is, in words.
  text(i) {
    const value = this.values[this.v[i]], place = this.place(i) || "code outside of drivers";
    const section = this.sections[this.g[i]] ? this.sections[this.g[i]].name : "?";
    const name = this.n[i] >= 0 ? this.names[this.n[i]] : "a routine";
    switch (this.k[i]) {
    case KIND.load: return "the image is loaded";
    case KIND.unload: return "the image is unloaded";
    case KIND.call: return place + " calls " + name + "(" + value + ", ...)";
    case KIND.ret: return name + " returns " + value + " to " + place;
    case KIND.routine: return (ROUTINES[this.d[i]] || ROUTINES[0]) + " " + place + " begins" +
      (this.d[i] === 3 ? ": IRP_MJ_" + (MAJOR[parseInt(value, 16)] || value) : "");
    case KIND.routineEnd: return (ROUTINES[this.d[i]] || ROUTINES[0]) + " " + place +
      " ends with " + value;
    case KIND.irqlWrite: return place + " sets IRQL to " + irqlText(parseInt(value, 16));
    case KIND.fault: return place + " faults on " +
      (this.g[i] >= 0 ? this.pageText(this.g[i]) + " (" + value + ")" : value);
    case KIND.left: return this.pageText(this.g[i]) + " leaves" +
      (this.d[i] === 2 ? ", to the standby list" : ", to the modified list");
    case KIND.written: return this.pageText(this.g[i]) + " is written to the paging file";
    case KIND.freed: return this.pageText(this.g[i]) + (this.d[i] === 4 ? " has no contents yet"
      : " is only in the paging file now");
    case KIND.arrived: return this.pageText(this.g[i]) + (this.d[i] === 3
      ? " comes from the paging file" : this.d[i] === 4 ? " is new" : " comes back (soft fault)");
    case KIND.lock: return place + " locks " + section + ", count " + this.d[i];
    case KIND.unlock: return place + " unlocks " + section + ", count " + this.d[i];
    case KIND.whole: return place + (value !== "0x0" ? " makes the whole driver pageable"
      : " resets the driver's paging");
    case KIND.discard: return section + " is freed: initialization is over";
    case KIND.pageOut: return plural(parseInt(value, 16), "page") + " of the system went out";
    case KIND.bugCheck: return "bug check " + value.toUpperCase().replace("0X", "0x") + " at " +
      place;
    default: return "an event of a kind this page does not know";
    }
  }
}
