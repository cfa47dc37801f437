// The page: every message of the server goes to every part of it.

import * as along from "./along.js";
import * as controls from "./controls.js";
import * as curves from "./curves.js";
import { byId } from "./dom.js";
import * as equations from "./equations.js";
import * as evidence from "./evidence.js";
import { read } from "./frame.js";
import * as graph from "./graph.js";
import * as hand from "./hand.js";
import * as hidden from "./hidden.js";
import * as health from "./health.js";
import * as inputs from "./inputs.js";
import { ask, connect, enter } from "./link.js";
import * as made from "./made.js";
import * as map from "./map.js";
import * as pad from "./pad.js";
import * as pictures from "./pictures.js";
import * as rival from "./rival.js";
import { fromLink } from "./settings.js";
import * as take from "./take.js";
import * as tally from "./tally.js";
import * as tour from "./tour.js";

let last = null, layoutNow = null, hushed = 0, trouble = "", isLost = false;
let wanted = fromLink(await enter());
const shown = { frames: 0, bytes: 0, version: -1, ask };
globalThis.shown = shown; // for measurements, and to drive the page from a console

function say(text, stays = false) {
  byId("notice").textContent = text;
  byId("notice").hidden = !text;
  clearTimeout(hushed);
  if (text && !stays) hushed = setTimeout(() => say(trouble, true), 7000);
}

function told(message) {
  if (message.kind === "refused") {
    say(message.message);
    if (layoutNow) controls.setLayout(layoutNow);
    return;
  }
  if (message.kind === "spelled") return equations.showSpelled(message);
  if (message.kind === "along") return along.told(message);
  if (message.kind === "hidden") return hidden.told(message);
  if (message.kind === "check") return evidence.showCheck(message);
  layoutNow = message;
  Object.assign(shown, { data: message.recipe.data, points: message.n });
  for (const room of [controls, rival, map, hand, hidden, pictures, pad, inputs, graph, health, curves, equations, made, evidence, take, tour]) room.setLayout(message);
}

function drawn(buffer) {
  const frame = read(buffer);
  if (frame.layout !== layoutNow?.layout) return; // made before the network or the points changed
  last = frame;
  for (const room of [controls, map, hand, hidden, rival, pictures, pad, inputs, graph, health, curves, equations, tally, made, evidence]) room.draw(frame);
  if (frame.trouble !== trouble) say((trouble = frame.trouble), true);
  shown.frames += 1;
  shown.bytes += frame.bytes;
  shown.version = frame.version;
}

graph.onChange(controls.changeSettings);
take.onSay(say);
rival.onSay(say);
byId("hold").addEventListener("change", (event) => {
  const { optimizer, rate } = layoutNow.recipe;
  curves.hold(event.target.checked ? `held: ${optimizer}, rate ${rate}` : "");
});
byId("folds").addEventListener("change", () => again(map));
byId("by").addEventListener("change", () => again(made, tally));
for (const id of ["curve", "log", "hold"]) byId(id).addEventListener("change", () => last && curves.draw(last));

// Draw the last frame again, unless one with other points or another network is on its way.
function again(...rooms) {
  if (last && last.layout === layoutNow?.layout) for (const room of rooms) room.draw(last);
}
new ResizeObserver(() => again(curves)).observe(byId("curves"));
addEventListener("resize", () => again(map, rival, pictures, pad, curves, evidence));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => again(map, hidden, rival, pictures, pad, curves, graph, equations, evidence));

connect({
  told,
  drawn,
  opened() {
    if (isLost) say("");
    isLost = false;
    document.body.classList.remove("shut");
    const { rival: other = null, ...settings } = wanted ?? {};
    if (wanted) ask("restore", { settings, rival: other });
    wanted = null;
  },
  lost(text) {
    isLost = true;
    document.body.classList.toggle("shut", !layoutNow); // nothing was ever shown: only the notice
    say(text, true);
  },
});
