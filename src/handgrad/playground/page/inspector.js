// Fields to set the bias of a unit and the weights into it; for images, pixel by pixel.

import * as along from "./along.js";
import { ofInput, ofOutput } from "./beside.js";
import { brief, byId, make } from "./dom.js";
import { column, largestOf, paint, signedInk, theme } from "./image.js";
import { nextPixel } from "./keys.js";
import { ask } from "./link.js";
import { isDark } from "./palette.js";
import { unitName } from "./shapes.js";

let open = null;

const neat = (value) => Number(value.toPrecision(7));

// The weights into a unit that the page knows, and how many more there are.
function into({ layout, frame, layer, unit }) {
  const { W } = frame.weights[layer - 1], all = layout.units[layer - 1];
  if (layer === 1 && !layout.is_plane) return { weights: column(frame.first, layout.shown[1], unit).map(neat), more: 0 };
  return { weights: W.map((row) => row[unit]), more: all - W.length };
}

export function inspect(layout, frame, layer, unit, from) {
  const { start, width, b_start } = frame.weights[layer - 1], { weights, more } = into({ layout, frame, layer, unit });
  open = { layout, layer, unit, fields: [], pixel: weights.findIndex((w) => Math.abs(w) === largestOf(weights)) };
  const place = (i) => start + i * width + unit;
  open.place = place;
  const parts = [field("bias", () => b_start + unit, (now) => now.b)];
  if (layer === 1 && layout.picture) parts.push(...picture(place));
  else weights.forEach((_, i) => parts.push(field(`from ${unitName(layout, layer - 1, i).replace(/ of layer \d+/, "")}`, () => place(i), (now) => now.weights[i])));
  if (layer === layout.units.length - 1) parts.push(...ofOutput(frame.beside, unit).map(({ i, place: at }) => field(`V, from ${layout.names[i]}`, () => at, (_, newest) => ofOutput(newest.beside, unit)[i]?.value)));
  const words = more ? make("p", { class: "soft", text: `and ${more} more weights, from units that are not drawn` }) : "";
  byId("inspector").replaceChildren(
    make("div", { class: "row" }, make("h2", { text: `Weights into ${unitName(layout, layer, unit)}` }), make("button", { text: "Close", onclick: close })),
    make("div", { class: layer === 1 && layout.picture ? "pixels" : "grid" }, ...parts), words);
  byId("inspector").hidden = false;
  refresh(frame);
  open.fields[from == null || open.image ? 0 : from + 1].input.focus();
}

// The field of the scale of an input; no panel without one.
export function inspectScale(layout, frame, unit) {
  const scale = ofInput(frame.beside, unit);
  if (!scale) return;
  open = { layout, layer: 0, unit, fields: [] };
  const one = field("s", () => scale.place, (_, newest) => ofInput(newest.beside, unit)?.value);
  byId("inspector").replaceChildren(
    make("div", { class: "row" }, make("h2", { text: `Scale of ${layout.names[unit]}` }), make("button", { text: "Close", onclick: close })),
    make("div", { class: "grid" }, one));
  byId("inspector").hidden = false;
  refresh(frame);
  open.fields[0].input.focus();
}

function field(label, place, value) {
  const input = make("input", { type: "number", step: "any", onfocus: () => along.select(place()), onchange: () => { if (input.value !== "") ask("edit", { place: place(), value: Number(input.value) }); } });
  open.fields.push({ input, value });
  return make("label", { title: label || null }, label, input);
}

// An image of the weights: arrow keys or a click choose the pixel whose weight can be set.
function picture(place) {
  const [rows, columns] = open.layout.picture;
  const image = make("canvas", { tabindex: 0, role: "img", "data-keys": true,
    "aria-label": "Weights by pixel, blue above 0, orange below. Arrow keys choose the pixel to set.",
    onkeydown: (event) => {
      const next = nextPixel(event.key, open.pixel, open.layout.picture);
      if (next == null) return;
      event.preventDefault();
      choose(next);
    },
    onpointerdown: (event) => {
      const box = image.getBoundingClientRect();
      const row = Math.floor(((event.clientY - box.top) / box.height) * rows), across = Math.floor(((event.clientX - box.left) / box.width) * columns);
      choose(Math.min(rows - 1, row) * columns + Math.min(columns - 1, across));
    } });
  open.image = image;
  const mark = make("i");
  open.mark = mark;
  const weight = field("", () => place(open.pixel), (now) => now.weights[open.pixel]);
  open.name = make("span");
  weight.prepend(open.name);
  return [make("div", { class: "weights" }, image, mark), weight];
}

function choose(pixel) {
  open.pixel = pixel;
  along.select(open.place(pixel));
  if (open.frame) refresh(open.frame);
}

export function refresh(frame) {
  if (!open) return;
  open.frame = frame;
  const { layout, layer, unit } = open, { weights } = layer ? into({ layout, frame, layer, unit }) : {};
  const now = { weights, b: layer ? frame.weights[layer - 1].b[unit] : null };
  if (open.image) {
    const [, columns] = layout.picture, share = 100 / columns, largest = largestOf(weights);
    paint(open.image, signedInk(weights, largest, theme(isDark())), layout.picture);
    open.image.title = `the strongest colour stands for ${brief(largest)}`;
    open.name.textContent = `from ${layout.names[open.pixel]}`;
    Object.assign(open.mark.style, { left: `${(open.pixel % columns) * share}%`, top: `${Math.floor(open.pixel / columns) * share}%`, width: `${share}%`, height: `${share}%` });
  }
  for (const { input, value } of open.fields) if (document.activeElement !== input) input.value = value(now, frame) ?? "";
}

export function close() {
  open = null;
  along.close();
  byId("inspector").hidden = true;
}

byId("selected").addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
