// SPDX-License-Identifier: MIT
// What the probes of browse.py share. A probe is the body of a function; its value is lines: "ok
// NAME", "FAIL NAME: why", "figure NAME VALUE".
const lines = [];
const check = (name, good, why) => lines.push(good ? "ok " + name : "FAIL " + name + ": " + why);
const same = (name, is, want) => check(name, is === want, "is " + is + ", not " + want);
const figure = (name, value) => lines.push("figure " + name + " " + value);
const press = (target, key, options = {}) => target.dispatchEvent(new KeyboardEvent("keydown",
  {key, bubbles: true, cancelable: true, ...options}));
const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
const byId = (id) => document.getElementById(id);
const value = () => Number(byId("slider").value);

// The image as the last event leaves it, in few words.
const stateText = (run) => {
  const image = run.imageAt(run.count - 1);
  return [...image.state].join("") + " locks " + image.locks.join() + " of " +
    (run.first + run.count);
};

const long = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) long.push(Math.round(entry.duration));
}).observe({type: "longtask"});
