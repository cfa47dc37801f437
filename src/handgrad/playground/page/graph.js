// The network: units with their own maps, weights as width and colour, and fields to set them.

import { drawnLayers, sayWhich, writeUnits } from "./carried.js";
import * as along from "./along.js";
import { drawSkip, ofInput, skipWords } from "./beside.js";
import { brief, byId, fitted, make, minus, scale, tip } from "./dom.js";
import { draggable, wasDrag } from "./drag.js";
import { column, largestOf, paint, signedInk, theme } from "./image.js";
import { choose } from "./inputs.js";
import * as inspector from "./inspector.js";
import { ask } from "./link.js";
import { colourOf, outputsOf, predicted } from "./numbers.js";
import { CLASSES, css, isDark, signed, style } from "./palette.js";
import { pixelsOf, show } from "./pictures.js";
import { bend, isBlock, litBy, spread, unitName } from "./shapes.js";

const SIDE = 25, BESIDE = 112, MOST_LAYERS = 4, MOST_UNITS = 128;
const box = byId("graph"), canvas = byId("edges"), nodes = byId("nodes");
let large = 1; // how much larger than usual the type is
let layout = null, frame = null, places = [], buttons = [], labels = [], change = null, term = null;

// Light the lines and units of a term of a sum, instead of those of an equation.
export function light(found) {
  if (term === found) return;
  term = found;
  if (frame) draw(frame);
}

export function onChange(told) { change = told; }

export function setLayout(given) {
  const isSame = layout && String(layout.picture) === String(given.picture) && String(layout.units) === String(given.units) && String(layout.classes) === String(given.classes) && String(layout.names) === String(given.names);
  layout = given;
  if (isSame) return;
  frame = null;
  inspector.close();
  build();
}

function build() {
  large = scale();
  const { shown, units } = layout, last = shown.length - 1, hasMore = units.slice(1, -1).some((count, k) => count > shown[k + 1]);
  const isNarrow = (box.clientWidth - 120 * large) / last < (hasMore ? 180 : 100) * large;
  places = spread(shown.map((count, layer) => (layer === 0 && isBlock(layout) ? 1 : count)), box.clientWidth, box.clientHeight,
    { left: (isBeside() ? BESIDE : 46) * large, right: room() * large, scale: large });
  labels = [];
  nodes.replaceChildren();
  buttons = places.map((column, layer) => column.map((at, unit) => node(layer, unit, at, last)));
  places.forEach((column, layer) => {
    const isHidden = layer > 0 && layer < last;
    const more = units[layer] - shown[layer];
    const words = layer === 0 ? (isBlock(layout) ? `${units[0]} inputs` : "inputs") : isHidden ? isNarrow ? String(units[layer]) : `${units[layer]} units${more ? `, ${shown[layer]} shown` : ""}` : layout.numbers ? "number" : "classes";
    const head = make("div", { class: isNarrow ? "column narrow" : "column", title: more && isHidden ? `${units[layer]} units, ${shown[layer]} shown` : null });
    if (isHidden) head.append(amount("−", layer, -1), make("span", { text: words }), amount("+", layer, 1));
    else head.append(make("span", { text: words }));
    head.style.left = `${column[0][0]}px`;
    nodes.append(head);
  });
}

// To the right of the classes there is room for long names, unless the drawing is narrow.
const room = () => (layout.classes.some((name) => name.length > 4) && box.clientWidth > 400 * large ? 100 : 74);
// Names of inputs stand to the left of them, clear of the edges, or below if they are short.
const isBeside = () => !isBlock(layout) && (!layout.is_plane || layout.names.some((name) => name.length > 4));

function amount(sign, layer, by) {
  const hidden = layout.units.slice(1, -1), units = hidden[layer - 1] + by;
  const off = units < 1 || units > MOST_UNITS;
  return make("button", { text: sign, disabled: off, title: by > 0 ? "add a unit" : "remove a unit",
    "aria-label": `${by > 0 ? "add a unit to" : "remove a unit from"} hidden layer ${layer}`,
    onclick: () => change({ hidden: hidden.with(layer - 1, units) }) });
}

export function layersChanged(by) {
  const hidden = layout.units.slice(1, -1);
  if (by > 0 && hidden.length < MOST_LAYERS) change({ hidden: [...hidden, hidden.at(-1) ?? 8] });
  if (by < 0 && hidden.length) change({ hidden: hidden.slice(0, -1) });
}

function node(layer, unit, [x, y, gap], last) {
  const isBlocked = layer === 0 && isBlock(layout), isHidden = layer > 0 && layer < last;
  const name = isBlocked ? `all ${layout.units[0]} inputs` : unitName(layout, layer, unit);
  const button = make("button", { "aria-label": name, class: isBlocked ? "block" : gap < 32 * large ? "small" : "",
    onclick: () => frame && (layer > 0 ? inspector.inspect(layout, frame, layer, unit) : inspector.inspectScale(layout, frame, unit)),
    onpointermove: (event) => tip(words(layer, unit), event.clientX, event.clientY),
    onpointerleave: () => tip("") });
  button.style.left = `${x}px`;
  button.style.top = `${y}px`;
  if (isHidden || hasImage(layer)) button.append(make("canvas", { width: SIDE, height: SIDE }));
  if (layer === last && layout.is_plane) button.style.background = layout.numbers ? "var(--card)" : css(CLASSES[unit % CLASSES.length]);
  if (isBlocked) button.append(layout.picture ? make("canvas") : make("span", { text: `${layout.units[0]} inputs` }));
  else if (layer === 0 && layout.is_plane) button.append(make("i", { class: unit ? "upwards" : "across" }));
  if (layer === 1) for (const how of ["pointerenter", "focus"]) button.addEventListener(how, () => choose(unit));
  nodes.append(button);
  if (!isHidden && !isBlocked) {
    const label = make("span", { class: "name", text: name, title: name });
    label.style.top = layer === 0 && !isBeside() ? `${y + 24 * large}px` : `${y}px`;
    label.style.left = `${layer ? x + 20 * large : x - (isBeside() ? 20 : 22) * large}px`;
    if (!layer && isBeside()) label.classList.add("beside");
    if (layer) label.style.maxWidth = `${(room() - 21) * large}px`;
    if (layer && gap >= 32 * large) label.classList.add("two");
    if (layer) labels.push(label);
    nodes.append(label);
  }
  return button;
}

function scaleWords(unit) {
  const scale = ofInput(frame.beside, unit);
  return scale ? `, times its scale s = ${brief(scale.value)}. Click to set the scale` : "";
}

function words(layer, unit) {
  if (!frame) return unitName(layout, layer, unit);
  if (layer === 0 && isBlock(layout)) return `All ${layout.units[0]} inputs feed every unit of the next layer; the width of a line shows the length of the unit's weight vector`;
  if (layer === 0) return `${unitName(layout, 0, unit)} = ${brief(layout.is_plane ? frame.x.numbers[0][unit] : frame.input[unit])} for the sample${scaleWords(unit)}`;
  const isLast = layer === layout.units.length - 1;
  const now = isLast ? `, ${layout.numbers ? "predicts" : "probability"} ${layout.numbers ? predicted(layout, outputsOf(frame)[unit]) : brief(outputsOf(frame)[unit])}` : layout.is_plane ? "" : `, ${brief(frame.h[layer - 1][unit])} for the sample`;
  const long = layer === 1 && isBlock(layout) ? `, ${layout.units[0]} weights of length ${brief(frame.lengths[unit])}` : "";
  const bias = `bias ${brief(frame.weights[layer - 1].b[unit])}`;
  const dead = frame.dead[layer - 1]?.includes(unit) ? ". Dead: 0 for every training point, so no gradient reaches its weights" : "";
  return `${unitName(layout, layer, unit)}: ${bias}${now}${long}${dead}. Click to set its weights`;
}

export function draw(given) {
  frame = given;
  edges();
  if (layout.is_plane) maps();
  else inside();
  writeOutputs();
  inspector.refresh(frame);
  along.draw(frame);
}

// Half of a unit's width, by the room it has.
const halfOf = (gap) => (gap < 32 * large ? 12 : 15) * large;

function edges() {
  const { context, width, height } = fitted(canvas), light = frame.at == null ? {} : litBy(layout.equations[frame.at].name, layout.units.length - 1);
  context.clearRect(0, 0, width, height);
  const up = style("--up"), down = style("--down");
  context.lineCap = "round";
  const layers = drawnLayers(frame);
  const isBack = layers.some((layer) => layer.isBack);
  sayWhich(layers, isBlock(layout), skipWords(frame.beside, isBack));
  if (!isBack) drawSkip(context, places, frame.beside, height);
  writeUnits(nodes, places, frame.walk, large);
  layers.forEach((layer, number) => {
    const isLit = light.edges === number + 1, lines = term?.edges.size ? term.edges : null;
    if (number === 0 && isBlock(layout)) block(context, isLit, light.edges);
    else layer.W.forEach((row, i) => row.forEach((w, j) => {
      const [x, y] = places[number][i], [to, down_to] = places[number + 1][j], isOne = lines ? lines.has(`${number + 1} ${i} ${j}`) : isLit;
      context.globalAlpha = isOne ? 1 : lines || light.edges ? 0.25 : 0.75;
      context.strokeStyle = w < 0 ? down : up;
      context.lineWidth = 0.4 + (5 * Math.abs(w)) / layer.largest + (isOne ? 0.8 : 0);
      context.beginPath();
      context.moveTo(x, y);
      context.bezierCurveTo((x + to) / 2, y, (x + to) / 2, down_to, to, down_to);
      context.stroke();
    }));
    context.globalAlpha = 1;
    layer.b.forEach((b, j) => { // the bias: a bar at the lower left of the unit
      const [x, y, gap] = places[number + 1][j], half = halfOf(gap), long = Math.min(16, 2 + (layer.isBiasBack ? 14 / (largestOf(layer.b) || 1) : 7) * Math.abs(b));
      context.fillStyle = b < 0 ? down : up;
      context.fillRect(x - half - 2 - long, y + half - 3, long, 4);
    });
  });
  buttons.forEach((column, layer) => column.forEach((button, unit) => {
    button.classList.toggle("lit", term ? term.units.has(`${layer} ${unit}`) : light.nodes === layer);
    button.classList.toggle("dead", Boolean(frame.dead[layer - 1]?.includes(unit)));
  }));
}

// From the block of all inputs: the length of the weight vector into each unit.
function block(context, isLit, isOther) {
  const [[x, y]] = places[0], most = largestOf(frame.lengths) || 1;
  context.strokeStyle = style("--soft");
  frame.lengths.forEach((length, j) => {
    const [to, down] = places[1][j];
    context.globalAlpha = isLit ? 1 : isOther ? 0.25 : 0.6;
    context.lineWidth = 0.5 + (4 * length) / most;
    context.beginPath();
    context.moveTo(x, y);
    context.bezierCurveTo((x + to) / 2, y, (x + to) / 2, down, to, down);
    context.stroke();
  });
}

// With more than two inputs: weights as images, or how active a unit is for the sample.
function inside() {
  const last = layout.units.length - 1, colours = theme(isDark());
  if (layout.picture) show(buttons[0][0].firstChild, pixelsOf(frame.sample));
  else if (!isBlock(layout)) buttons[0].forEach((button, i) => shade(button, signed(frame.input[i], largestOf(frame.input))));
  for (let layer = 1; layer <= last; layer++) {
    const active = layer < last ? frame.h[layer - 1].map((h) => h ?? 0) : [], most = largestOf(active);
    buttons[layer].forEach((button, unit) => {
      if (hasImage(layer)) {
        const weights = column(frame.first, layout.shown[1], unit);
        paint(button.firstChild, signedInk(weights, largestOf(weights), colours), layout.picture);
      } else if (layer < last) paint(button.firstChild, signedInk([active[unit]], most, colours), [1, 1]);
      else shade(button, layout.numbers ? css(colourOf(frame.y[unit] ?? 0, layout.numbers.span)) : css(CLASSES[0], frame.y[unit] ?? 0));
    });
  }
}

// At each output its name, with its probability or the number that it predicts.
function writeOutputs() {
  const y = outputsOf(frame);
  labels.forEach((label, k) => {
    const share = predicted(layout, y[k]), name = layout.classes[k];
    const text = label.classList.contains("two") ? `${name}\n${share}` : name.length < 3 ? `${name}: ${share}` : `${share} ${name}`;
    if (label.textContent !== text) label.textContent = text; // a layout for each frame would be slow
  });
}

// A colour that is partly clear, over the card and not over the lines behind it.
const shade = (button, colour) => { button.style.background = `linear-gradient(${colour}, ${colour}), var(--card)`; };

const hasImage = (layer) => layer === 1 && layout.picture;
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
  let best = null, least = event.pointerType === "touch" ? 10 : 6;
  frame.weights.forEach((layer, number) => (number || !isBlock(layout)) && layer.W.forEach((row, i) => row.forEach((w, j) => {
    const [x0, y0] = places[number][i], [x1, y1] = places[number + 1][j];
    const t = (x - x0) / (x1 - x0);
    if (t < 0.02 || t > 0.98) return;
    const s = bend(t), distance = Math.abs(y - (y0 + (y1 - y0) * s));
    if (distance < least) { least = distance; best = [number, i, j, w]; }
  })));
  return best;
}

box.addEventListener("pointermove", (event) => {
  if (event.target.closest("button")) return;
  const bias = biasUnder(event), found = bias ? null : edgeUnder(event);
  box.style.cursor = bias || found ? "pointer" : "";
  tip(bias ? `${bias.name} = ${minus(String(bias.value))}. Drag it up or down` : found ? `W${found[0] + 1}[${found[1]}, ${found[2]}] = ${minus(String(found[3]))}. Drag it up or down, or click to set it` : "", event.clientX, event.clientY);
});
box.addEventListener("pointerleave", () => tip(""));

// The bias whose bar is under the pointer, at the lower left of its unit.
function biasUnder(event) {
  const frameBox = box.getBoundingClientRect(), px = event.clientX - frameBox.left, py = event.clientY - frameBox.top;
  for (const [number, { b, b_start }] of (frame?.weights ?? []).entries()) {
    const unit = places[number + 1].findIndex(([x, y, gap]) => {
      const half = halfOf(gap);
      return px < x - half && px > x - half - 20 && Math.abs(py - (y + half - 1)) < 6;
    });
    if (unit >= 0) return { place: b_start + unit, value: b[unit], name: `b${number + 1}[${unit}]` };
  }
  return null;
}

draggable(box, (event) => {
  if (event.target.closest("button")) return null;
  const bias = biasUnder(event), edge = bias ? null : edgeUnder(event);
  if (!edge) return bias;
  const [number, i, j, value] = edge, { start, width } = frame.weights[number];
  return { place: start + i * width + j, value };
}, { hold: (place) => { along.select(place); ask("hold", { place }); }, edit: (edit) => ask("edit", edit), putBack: () => ask("put_back") });
box.addEventListener("click", (event) => {
  if (wasDrag()) return;
  const found = event.target.closest("button") ? null : edgeUnder(event);
  if (found) inspector.inspect(layout, frame, found[0] + 1, found[2], found[1]);
});

new ResizeObserver(() => { if (layout) { build(); if (frame) draw(frame); } }).observe(box);
