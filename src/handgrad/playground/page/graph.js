// The network: units with their own maps, weights as width and colour, and what one can set.

import { brief, byId, fitted, make, tip } from "./dom.js";
import { ask } from "./link.js";
import { CLASSES, css, style } from "./palette.js";

const SIDE = 25, MOST_LAYERS = 4, MOST_UNITS = 128;
const box = byId("graph"), canvas = byId("edges"), nodes = byId("nodes");
let layout = null, frame = null, places = [], buttons = [], open = null, change = null;

export function onChange(told) { change = told; }

export function setLayout(given) {
  const isSame = layout && String(layout.units) === String(given.units) && String(layout.classes) === String(given.classes) && String(layout.names) === String(given.names);
  layout = given;
  if (isSame) return;
  close();
  build();
}

function build() {
  const { shown, units } = layout, width = box.clientWidth, height = box.clientHeight, last = shown.length - 1;
  const left = 46, right = width - 74, top = 34;
  places = shown.map((count, layer) => {
    const x = left + ((right - left) * layer) / last, gap = Math.min(44, (height - top - 4) / count);
    const first = top + (height - top - gap * count) / 2 + gap / 2;
    return Array.from({ length: count }, (_, i) => [x, first + i * gap, gap]);
  });
  nodes.replaceChildren();
  buttons = places.map((column, layer) => column.map((at, unit) => node(layer, unit, at, last)));
  places.forEach((column, layer) => {
    const isHidden = layer > 0 && layer < last;
    const more = units[layer] - shown[layer];
    const words = layer === 0 ? "inputs" : isHidden ? `${units[layer]} units${more ? `, ${shown[layer]} shown` : ""}` : "classes";
    const head = make("div", { class: "column" });
    if (isHidden) head.append(amount("−", layer, -1), make("span", { text: words }), amount("+", layer, 1));
    else head.append(make("span", { text: words }));
    head.style.left = `${column[0][0]}px`;
    nodes.append(head);
  });
}

function amount(sign, layer, by) {
  const hidden = layout.units.slice(1, -1), units = hidden[layer - 1] + by;
  const off = units < 1 || units > MOST_UNITS;
  return make("button", { text: sign, disabled: off, title: by > 0 ? "one unit more" : "one unit less",
    "aria-label": `${by > 0 ? "one unit more" : "one unit less"} in hidden layer ${layer}`,
    onclick: () => change({ hidden: hidden.with(layer - 1, units) }) });
}

export function layersChanged(by) {
  const hidden = layout.units.slice(1, -1);
  if (by > 0 && hidden.length < MOST_LAYERS) change({ hidden: [...hidden, hidden.at(-1) ?? 8] });
  if (by < 0 && hidden.length) change({ hidden: hidden.slice(0, -1) });
}

function node(layer, unit, [x, y, gap], last) {
  const name = unitName(layer, unit), isHidden = layer > 0 && layer < last;
  const button = make("button", { "aria-label": name, class: gap < 32 ? "small" : "",
    onclick: () => layer > 0 && inspect(layer, unit),
    onpointermove: (event) => tip(words(layer, unit), event.clientX, event.clientY),
    onpointerleave: () => tip("") });
  button.style.left = `${x}px`;
  button.style.top = `${y}px`;
  if (isHidden) button.append(make("canvas", { width: SIDE, height: SIDE }));
  if (layer === last) button.style.background = css(CLASSES[unit % CLASSES.length]);
  if (layer === 0) button.append(make("i", { class: unit ? "upwards" : "across" }));
  nodes.append(button);
  if (!isHidden) {
    const label = make("span", { class: "name", text: name, title: name });
    label.style.top = layer === 0 ? `${y + 24}px` : `${y}px`;
    label.style.left = layer === 0 ? `${x - 22}px` : `${x + 20}px`;
    if (layer) label.style.maxWidth = "58px";
    nodes.append(label);
  }
  return button;
}

function unitName(layer, unit) {
  if (layer === 0) return layout.names[unit];
  if (layer === layout.units.length - 1) return layout.classes[unit];
  return `unit ${unit + 1} of layer ${layer}`;
}

function words(layer, unit) {
  if (!frame) return unitName(layer, unit);
  if (layer === 0) return `${unitName(0, unit)} = ${brief(frame.x.numbers[0][unit])} for the sample`;
  const bias = `bias ${brief(frame.weights[layer - 1].b[unit])}`;
  const dead = frame.dead[layer - 1]?.includes(unit) ? ". Dead: 0 for every training point, so no gradient reaches its weights" : "";
  return `${unitName(layer, unit)}: ${bias}${dead}. Click to set its weights`;
}

export function draw(given) {
  frame = given;
  edges();
  maps();
  if (open) refresh();
}

// Which part of the network an equation computes.
function lit() {
  if (frame.at == null) return {};
  const name = layout.equations[frame.at].name, last = layout.units.length - 1;
  const found = name.match(/^d?([Wb])(\d+)(_new)?$/);
  if (found) return found[1] === "W" ? { edges: Number(found[2]) } : { nodes: Number(found[2]) };
  if (["score", "y", "L", "dscore"].includes(name)) return { nodes: last };
  const layer = Number(name.match(/\d+$/)?.[0] ?? 1);
  return { nodes: layer, edges: name.startsWith("r") ? layer : undefined };
}

function edges() {
  const { context, width, height } = fitted(canvas), light = lit();
  context.clearRect(0, 0, width, height);
  const up = style("--up"), down = style("--down");
  context.lineCap = "round";
  const largest = Math.max(2, ...frame.weights.flatMap((layer) => layer.W.flat().map((w) => Math.abs(w ?? 0))));
  frame.weights.forEach((layer, number) => {
    const isLit = light.edges === number + 1;
    layer.W.forEach((row, i) => row.forEach((w, j) => {
      const [x, y] = places[number][i], [to, down_to] = places[number + 1][j];
      context.globalAlpha = isLit ? 1 : light.edges ? 0.25 : 0.75;
      context.strokeStyle = w < 0 ? down : up;
      context.lineWidth = 0.4 + (5 * Math.abs(w)) / largest + (isLit ? 0.8 : 0);
      context.beginPath();
      context.moveTo(x, y);
      context.bezierCurveTo((x + to) / 2, y, (x + to) / 2, down_to, to, down_to);
      context.stroke();
    }));
    context.globalAlpha = 1;
    layer.b.forEach((b, j) => { // the bias: a bar at the unit's left foot
      const [x, y, gap] = places[number + 1][j], half = gap < 32 ? 10 : 15, long = Math.min(16, 2 + 7 * Math.abs(b));
      context.fillStyle = b < 0 ? down : up;
      context.fillRect(x - half - 2 - long, y + half - 3, long, 4);
    });
  });
  buttons.forEach((column, layer) => column.forEach((button, unit) => {
    button.classList.toggle("lit", light.nodes === layer);
    button.classList.toggle("dead", Boolean(frame.dead[layer - 1]?.includes(unit)));
  }));
}

// A unit's least level is white, its largest blue: red, green, blue, opacity, least byte first.
const BLUES = Uint32Array.from({ length: 256 }, (_, level) =>
  (255 - level) | (Math.round(255 - 0.55 * level) << 8) | (Math.round(255 - 0.3 * level) << 16) | (255 << 24));
const picture = new ImageData(SIDE, SIDE), dots = new Uint32Array(picture.data.buffer);

function maps() {
  let start = 0;
  for (const column of buttons.slice(1, -1)) {
    for (const button of column) {
      for (let i = 0; i < dots.length; i++) dots[i] = BLUES[frame.units[start + i]];
      button.firstChild.getContext("2d").putImageData(picture, 0, 0);
      start += dots.length;
    }
  }
}

// -- weights under the pointer ----------------------------------------------------------------

function edgeUnder(event) {
  if (!frame) return null;
  const frameBox = box.getBoundingClientRect(), x = event.clientX - frameBox.left, y = event.clientY - frameBox.top;
  let best = null, least = 6;
  frame.weights.forEach((layer, number) => layer.W.forEach((row, i) => row.forEach((w, j) => {
    const [x0, y0] = places[number][i], [x1, y1] = places[number + 1][j];
    const t = (x - x0) / (x1 - x0);
    if (t < 0.02 || t > 0.98) return;
    const s = bend(t), distance = Math.abs(y - (y0 + (y1 - y0) * s));
    if (distance < least) { least = distance; best = [number, i, j, w]; }
  })));
  return best;
}

// How far down a curve from (0, 0) to (1, 1) with level ends is at a share t of its way across.
function bend(t) {
  let low = 0, high = 1;
  for (let step = 0; step < 16; step++) {
    const u = (low + high) / 2, across = 1.5 * u * (1 - u) * (1 - u) + 1.5 * u * u * (1 - u) + u ** 3;
    if (across < t) low = u; else high = u;
  }
  return low * low * (3 - 2 * low);
}

box.addEventListener("pointermove", (event) => {
  if (event.target.closest("button")) return;
  const found = edgeUnder(event);
  box.style.cursor = found ? "pointer" : "";
  tip(found ? `W${found[0] + 1}[${found[1]}, ${found[2]}] = ${found[3]}. Click to set it` : "", event.clientX, event.clientY);
});
box.addEventListener("pointerleave", () => tip(""));
box.addEventListener("click", (event) => {
  const found = event.target.closest("button") ? null : edgeUnder(event);
  if (found) inspect(found[0] + 1, found[2], found[1]);
});

// -- setting numbers ----------------------------------------------------------------------------

function inspect(layer, unit, from) {
  open = { layer, unit, inputs: [] };
  const { W, b, start, width, b_start } = frame.weights[layer - 1];
  const field = (label, place, value) => {
    const input = make("input", { type: "number", step: "any", value, onchange: () => ask("edit", { place, value: Number(input.value) }) });
    open.inputs.push(input);
    return make("label", {}, label, input);
  };
  const grid = make("div", { class: "grid" }, field("bias", b_start + unit, b[unit]),
    ...W.map((row, i) => field(`from ${unitName(layer - 1, i).replace(/ of layer \d+/, "")}`, start + i * width + unit, row[unit])));
  const shut = make("button", { text: "Close", onclick: close });
  byId("inspector").replaceChildren(make("div", { class: "row" }, make("h2", { text: `Into ${unitName(layer, unit)}` }), shut), grid);
  byId("inspector").hidden = false;
  open.inputs[from == null ? 0 : from + 1].focus();
}

function refresh() {
  const { W, b } = frame.weights[open.layer - 1];
  [b[open.unit], ...W.map((row) => row[open.unit])].forEach((value, place) => {
    if (document.activeElement !== open.inputs[place]) open.inputs[place].value = value;
  });
}

function close() {
  open = null;
  byId("inspector").hidden = true;
}

byId("inspector").addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
new ResizeObserver(() => { if (layout) { build(); if (frame) draw(frame); } }).observe(box);
