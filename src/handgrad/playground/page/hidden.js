// The last hidden layer as a plane: where it puts every point, renewed a few times a second.

import { byId, fitted, make, percent, scale } from "./dom.js";
import { ask } from "./link.js";
import { legend, sign } from "./map.js";
import { CLASSES, css, ring, style } from "./palette.js";
import { nextSample } from "./keys.js";
import { nearest, place, pointAt } from "./plane.js";
import { ticks, tidy } from "./scale.js";

const EVERY = 200, PATIENCE = 2000; // milliseconds between two questions, and for an answer
const canvas = byId("hidden-map");
let layout = null, frame = null, answer = null, square = null, asked = -Infinity, isOwed = false, timer = 0;

const isOpen = () => byId("view-hidden").getAttribute("aria-pressed") === "true";

export function setLayout(given) {
  const units = given.units.at(-2), hasHidden = given.units.length > 2;
  if (String(layout?.units) !== String(given.units) || layout.layout !== given.layout) answer = square = null;
  layout = given;
  byId("view-hidden").disabled = !hasHidden;
  byId("view-hidden").title = hasHidden ? "Shows where the last hidden layer puts every point" : "The network has no hidden layer";
  if (!hasHidden && isOpen()) open(false);
  byId("hidden-legend").replaceChildren(...legend(coloured()));
  byId("hidden-legend").hidden = isNamed();
  byId("hidden-axes").hidden = units > 3;
  for (const [axis, id] of ["hidden-across", "hidden-up"].entries()) {
    const before = byId(id).selectedIndex, now = before >= 0 && before < units ? before : Math.min(axis, units - 1);
    byId(id).replaceChildren(...Array.from({ length: Math.min(units, 3) }, (_, unit) => make("option", { value: unit, text: `unit ${unit + 1}` })));
    byId(id).selectedIndex = now;
  }
}

// Of more classes than there are colours, each point bears its name.
const isNamed = () => !layout.numbers && layout.classes.length > CLASSES.length;

// Here a number is told by its colour even where the map shows it as a height.
const coloured = () => ({ ...layout, is_curve: false });

function open(isWanted) {
  byId("view-hidden").setAttribute("aria-pressed", isWanted);
  byId("view-inputs").setAttribute("aria-pressed", !isWanted);
  byId("view").classList.toggle("away", isWanted); // it keeps its size, so that its canvases can be drawn
  byId("hidden-view").hidden = !isWanted;
  if (isWanted) request();
}

export function draw(given) {
  frame = given;
  if (isOpen() && answer?.version !== frame.version) request();
  else if (isOpen()) paint();
}

// One question at a time, and none while the view is closed.
function request() {
  const now = performance.now(), wait = answer || asked > -Infinity ? asked + (isOwed ? PATIENCE : EVERY) - now : 0;
  clearTimeout(timer);
  if (wait > 0) return void (timer = setTimeout(() => isOpen() && request(), wait));
  asked = now;
  isOwed = true;
  ask("hidden", { across: Number(byId("hidden-across").value || 0), up: Number(byId("hidden-up").value || 0) });
}

export function told(message) {
  isOwed = false;
  if (!isOpen() || message.layout !== layout.layout) return;
  answer = message;
  if (frame && answer.version < frame.version) request();
  square = squareOf(square, answer.places);
  paint();
}

// A square with room for all places: it grows with them, and shrinks once they fill under half of it.
export function squareOf(before, places) {
  const ends = [0, 1].map((axis) => places.reduce(([least, most], at) => [Math.min(least, at[axis]), Math.max(most, at[axis])], [Infinity, -Infinity]));
  const size = Math.max(...ends.map(([least, most]) => most - least), 1e-6);
  const fits = before && ends.every(([least, most], axis) => least >= before[2 * axis] && most <= before[2 * axis + 1]);
  if (fits && size > 0.5 * (before[1] - before[0]) / 1.3) return before;
  return ends.flatMap(([least, most]) => [(least + most) / 2 - 0.65 * size, (least + most) / 2 + 0.65 * size]);
}

export const axisWords = ([name, share]) => (share == null ? name : `${name}, ${percent(share)} of variance`);

function paint() {
  if (!answer || !frame) return;
  const { context, width } = fitted(canvas), large = scale(), test = new Set(layout.test);
  const [across, up] = answer.axes.map(axisWords);
  byId("hidden-x1").textContent = across;
  byId("hidden-x2").textContent = up;
  byId("hidden-x1").title = byId("hidden-x2").title = answer.units > 3 ? "Principal components of h over all points" : "";
  canvas.setAttribute("aria-label", `The last hidden layer: ${answer.places.length} points. Across ${across}; upwards ${up}. Arrow keys choose the sample.`);
  context.clearRect(0, 0, width, width);
  axes(context, width, large);
  context.font = `${12 * large}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const size = (answer.places.length > 700 ? 2.2 : 3.2) * large, shown = coloured(), named = isNamed();
  answer.places.forEach((at, row) => {
    const [x, y] = place(square, at, width), k = layout.y_t[row];
    if (!named) return sign(context, shown, k, x, y, size, test.has(row));
    context.fillStyle = css(CLASSES[k % CLASSES.length]);
    context.fillText(layout.classes[k], x, y);
  });
  ring(context, ...place(square, answer.places[frame.sample], width));
}

function axes(context, width, large) {
  context.strokeStyle = style("--line");
  context.lineWidth = 1;
  context.fillStyle = style("--soft");
  context.font = `${12 * large}px system-ui, sans-serif`;
  context.textBaseline = "bottom";
  const [left, right, low, high] = square;
  const line = (a, b) => { context.beginPath(); context.moveTo(...place(square, a, width)); context.lineTo(...place(square, b, width)); context.stroke(); };
  context.textAlign = "left";
  for (const value of ticks(left, right, 4)) {
    line([value, low], [value, high]);
    context.fillText(tidy(value), place(square, [value, low], width)[0] + 2, width);
  }
  for (const value of ticks(low, high, 4)) {
    line([left, value], [right, value]);
    context.fillText(tidy(value), 2, place(square, [left, value], width)[1]);
  }
}

canvas.addEventListener("pointerdown", (event) => {
  if (!answer) return;
  const box = canvas.getBoundingClientRect();
  ask("sample", { row: nearest(answer.places, ...pointAt(square, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height)) });
});
canvas.addEventListener("keydown", (event) => {
  const row = frame ? nextSample(event.key, frame.sample, layout.n) : null;
  if (row == null) return;
  event.preventDefault();
  ask("sample", { row });
});
byId("view-hidden").addEventListener("click", () => open(true));
byId("view-inputs").addEventListener("click", () => open(false));
for (const id of ["hidden-across", "hidden-up"]) byId(id).addEventListener("change", () => { square = null; request(); });
new ResizeObserver(() => { if (isOpen()) paint(); }).observe(canvas);
