// Images to learn from: the sample, others to choose from, and how sure the network is.

import { byId, fitted, make, percent } from "./dom.js";
import { column, decoded, inked, largestOf, paint, signedInk, theme } from "./image.js";
import { nextSample } from "./keys.js";
import { ask } from "./link.js";
import { isDark, style } from "./palette.js";

const MOST_TILES = 44, ACROSS = 11;
const canvas = byId("sample-image"), strip = byId("strip");
let layout = null, images = null, size = 0, tile = null, chosen = [], frame = null, drawn = "";

export function setLayout(given) {
  layout = given;
  frame = null;
  byId("images").hidden = !layout.picture;
  if (!layout.picture) return;
  size = layout.picture[0] * layout.picture[1];
  images = decoded(layout.images);
  tile = make("canvas", {});
  drawn = "";
  byId("bars").replaceChildren(...layout.classes.map((name) =>
    make("div", {}, make("span", {}, make("i", { class: "of-sample" }), make("i", { class: "of-pad" })), make("b", { text: name }))));
}

// The pixels of a point's image, 0 to layout.black.
export const pixelsOf = (row) => images.subarray(row * size, (row + 1) * size);

export function show(target, pixels) {
  paint(target, inked(pixels, layout.black, theme(isDark())), layout.picture);
}

export function draw(given) {
  if (!layout.picture) return;
  frame = given;
  show(canvas, pixelsOf(frame.sample));
  const said = best(frame.y), right = said === frame.y_t;
  byId("sample-words").textContent = `point ${frame.sample + 1} is ${layout.classes[frame.y_t]}: ${answer(frame.y)}`;
  byId("sample-words").classList.toggle("wrong", !right);
  bars();
  tiles();
}

export const best = (y) => y.indexOf(Math.max(...y.map((p) => p ?? -1)));
export const answer = (y) => `says ${layout.classes[best(y)]}, ${percent(y[best(y)])}`;

function bars() {
  const pad = frame.pad?.y;
  [...byId("bars").children].forEach((bar, k) => {
    const [ofSample, ofPad] = bar.firstChild.children;
    ofSample.style.height = `${100 * (frame.y[k] ?? 0)}%`;
    ofPad.style.height = `${100 * (pad?.[k] ?? 0)}%`;
    bar.classList.toggle("true", k === frame.y_t);
  });
  const told = (y) => layout.classes.map((name, k) => `${name} ${percent(y[k])}`).join(", ");
  byId("bars").setAttribute("aria-label", `Probabilities of the sample: ${told(frame.y)}${pad ? `. Of your drawing: ${told(pad)}` : ""}`);
}

// The weights into each unit of the first layer that is drawn, side by side, to take along.
export function ofWeights() {
  const count = layout.shown[1], across = Math.min(5, count), side = 160, sheet = make("canvas", { width: across * side, height: Math.ceil(count / across) * side });
  const context = sheet.getContext("2d");
  context.imageSmoothingEnabled = false;
  for (let unit = 0; unit < count; unit++) {
    const weights = column(frame.first, count, unit);
    paint(tile, signedInk(weights, largestOf(weights), theme(false)), layout.picture);
    context.drawImage(tile, (unit % across) * side + 4, Math.floor(unit / across) * side + 4, side - 8, side - 8);
  }
  return sheet;
}

// -- images to choose from ----------------------------------------------------------------------

function rowsOf(kind) {
  if (kind === "misread") return frame.misread;
  const test = new Set(layout.test);
  return Array.from({ length: layout.n }, (_, row) => row).filter((row) => test.has(row) === (kind === "test"));
}

function tiles() {
  const kind = byId("which-images").value, misread = new Set(frame.misread);
  const state = [kind, frame.sample, isDark(), strip.clientWidth, kind === "misread" || frame.misread].join();
  if (state === drawn && kind !== "misread") return;
  drawn = state;
  const all = rowsOf(kind), at = Math.max(0, all.indexOf(frame.sample)), first = at - (at % MOST_TILES);
  chosen = all.slice(first, first + MOST_TILES);
  byId("images-count").textContent = all.length ? `${first + 1} to ${first + chosen.length} of ${all.length}` : "none";
  const { context, width, height } = fitted(strip), side = width / ACROSS;
  context.clearRect(0, 0, width, height);
  context.imageSmoothingEnabled = false;
  chosen.forEach((row, place) => {
    const x = (place % ACROSS) * side, y = Math.floor(place / ACROSS) * side;
    show(tile, pixelsOf(row));
    context.drawImage(tile, x + 2, y + 2, side - 4, side - 4);
    if (row !== frame.sample && !misread.has(row)) return;
    context.strokeStyle = style(row === frame.sample ? "--up" : "--down");
    context.setLineDash(row === frame.sample ? [] : [3, 2]);
    context.lineWidth = 2;
    context.strokeRect(x + 1, y + 1, side - 2, side - 2);
  });
  context.setLineDash([]);
}

strip.addEventListener("pointerdown", (event) => {
  const box = strip.getBoundingClientRect(), side = box.width / ACROSS;
  const row = chosen[Math.floor((event.clientY - box.top) / side) * ACROSS + Math.floor((event.clientX - box.left) / side)];
  if (row != null) ask("sample", { row });
});

function turn(by) {
  if (!frame) return;
  const all = rowsOf(byId("which-images").value);
  if (!all.length) return;
  const at = Math.max(0, all.indexOf(frame.sample)), first = at - (at % MOST_TILES) + by * MOST_TILES;
  ask("sample", { row: all[first < 0 ? Math.floor((all.length - 1) / MOST_TILES) * MOST_TILES : first < all.length ? first : 0] });
}

byId("images-before").addEventListener("click", () => turn(-1));
byId("images-after").addEventListener("click", () => turn(1));
byId("which-images").addEventListener("change", () => { drawn = ""; if (!frame) return; const [row] = rowsOf(byId("which-images").value); if (row != null) ask("sample", { row }); else tiles(); });
canvas.addEventListener("keydown", (event) => {
  const row = layout?.picture && frame ? nextSample(event.key, frame.sample, layout.n) : null;
  if (row == null) return;
  event.preventDefault();
  ask("sample", { row });
});
