// Two runs from the same start: which one is shown, the other's figures and decision map.

import { byId, fitted, fixed, make } from "./dom.js";
import { ask } from "./link.js";
import { layPoints, paintMap } from "./map.js";
import { goodness } from "./numbers.js";
import { differences } from "./settings.js";

export const NAMES = ["A", "B"];
const canvas = byId("map-rival"), cells = make("canvas");
let layout = null, say = null;

export function onSay(told) { say = told; }

export const isDuel = (given) => given.runs.length > 1;

export function setLayout(given) {
  const focus = document.activeElement?.id;
  layout = given;
  const { chosen } = layout, duel = isDuel(layout);
  document.body.classList.toggle("duel", duel);
  document.body.classList.toggle("second", chosen === 1);
  for (const name of layout.own) byId(`set-${name}`).closest("label").classList.toggle("own", duel);
  byId("runs").replaceChildren(...(duel ? differences(layout.runs, layout.own).map(tab) : [
    make("button", { id: "add-rival", text: "Add a rival", onclick: add, title: "A second run from the same weights on the same points, which learns in its own way" })]));
  byId("run-figure").textContent = duel ? NAMES[chosen] : "";
  byId("run-figure-rival").textContent = duel ? NAMES[1 - chosen] : "";
  byId("map-name").textContent = duel ? NAMES[chosen] : "";
  byId("map-rival-name").textContent = duel ? NAMES[1 - chosen] : "";
  key(duel);
  if (focus && !byId(focus)) byId(`choose-${NAMES[chosen]}`)?.focus();
  else if (focus) byId(focus).focus();
}

function tab(words, which) {
  const name = NAMES[which], isChosen = which === layout.chosen;
  return make("span", { class: `tab run-${name}` },
    make("button", { id: `choose-${name}`, "aria-pressed": String(isChosen), title: `Run ${name}: ${words}. The network, the equations and the downloads are the chosen run's`, onclick: () => ask("choose", { run: which }) },
      make("i"), make("b", { text: name }), ` ${words}`),
    make("button", { text: "×", class: "remove", "aria-label": `remove run ${name}`, title: `Remove run ${name}; the other continues`, onclick: () => ask("remove", { run: which }) }));
}

function add() {
  const { optimizer } = layout.recipe;
  ask("rival", { settings: { optimizer: optimizer === "sgd" ? "adam" : "sgd" } });
  say("Both runs begin with the same weights. Data and network settings apply to both; the coloured settings are the chosen run's own.");
}

function key(duel) {
  const line = (kind, words) => [make("i", { class: kind }), words];
  byId("curves-key").replaceChildren(...(duel ? [...line("train", "A "), ...line("train other", "B "), ...line("dashed", "test")]
    : [...line("train", "train "), ...line("test", "test")]));
}

export function draw(frame) {
  if (!isDuel(frame) || !isDuel(layout)) return;
  const other = frame.runs[1 - frame.chosen], measure = frame.measures[1 - frame.chosen];
  byId("epoch-rival").textContent = other.batches ? `${other.epoch} +${other.batch}/${other.batches}` : other.epoch;
  byId("updates-rival").textContent = other.updates;
  byId("loss-rival").textContent = fixed(measure[1]);
  byId("test-loss-rival").textContent = fixed(measure[2]);
  byId("accuracy-rival").textContent = goodness(layout, measure[4] ?? measure[3]);
  if (!layout.is_plane) return;
  const { context, width } = fitted(canvas);
  paintMap(context, cells, width, frame.rival_map, frame.side);
  layPoints(context, width, frame.rival_curve);
}

canvas.addEventListener("click", () => ask("choose", { run: 1 - layout.chosen }));
