// The decision map: the probability of each class at each place, the points. What the hand does there: hand.js.

import { drawFolds } from "./folds.js";
import { byId, fitted, make, scale } from "./dom.js";
import { CLASSES, isDark, shape } from "./palette.js";
import { place, pointAt } from "./plane.js";
import { sideTicks, tidy } from "./scale.js";

const canvas = byId("map");
const cells = make("canvas");
const over = make("canvas");
let layout = null, sample = -1, last = null, board = null;

export function setLayout(given) {
  layout = given;
  sample = -1;
  last = null;
  byId("plane").hidden = !layout.is_plane;
  byId("folds-choice").hidden = !layout.folds;
  if (!layout.is_plane) return;
  byId("x1").textContent = layout.names[0];
  byId("x2").textContent = layout.names[1];
  axes();
  byId("legend").replaceChildren(...layout.classes.map((name, k) => entry(k, name, false)),
    ...(layout.test.length ? [entry(0, "open: test", true)] : []));
  const brush = byId("brush"), chosen = brush.value;
  const count = Math.min(CLASSES.length, layout.classes.length + 1);
  brush.replaceChildren(...Array.from({ length: count }, (_, k) =>
    make("option", { value: k, text: layout.classes[k] ?? "a new class" })));
  if (chosen && chosen < count) brush.value = chosen;
}

// Numbers beside the map, in the units of the data; the names of the axes stand between them.
function axes() {
  const [left, right, low, high] = layout.extent;
  [[left, right], [low, high]].forEach((ends, axis) => {
    const name = byId(`x${axis + 1}`), [mean, spread] = layout.raw[axis], [least, most] = ends.map((end) => mean + spread * end);
    name.title = name.textContent;
    const clear = (axis ? name.offsetHeight / byId("map").clientHeight : name.offsetWidth / byId("map").clientWidth) + 0.12;
    byId(`x${axis + 1}-ticks`).replaceChildren(...sideTicks(least, most, clear).map(([value, share]) => {
      const tick = make("span", { text: tidy(value) });
      tick.style[axis ? "top" : "left"] = `${100 * (axis ? 1 - share : share)}%`;
      return tick;
    }));
  });
}

export function entry(k, name, isOpen) {
  const sign = make("canvas", { width: 28, height: 28 });
  const context = sign.getContext("2d");
  context.scale(2, 2);
  shape(context, k, 7, 7, 4, isOpen);
  return make("span", { title: name }, sign, make("b", { text: name }));
}

// Colour a map from a plane of 0 to 255 for each class. The canvas gets a dot for each place.
export function colour(cells, planes, side) {
  if (cells.width !== side) cells.width = cells.height = side;
  const context = cells.getContext("2d"), image = context.createImageData(side, side), { data } = image;
  const paper = isDark() ? 28 : 255, keep = 0.6 / 255, n = side * side, K = planes.length / n;
  for (let i = 0; i < n; i++) {
    let r = 0.4 * paper, g = r, b = r;
    for (let k = 0, at = i; k < K; k++, at += n) {
      const p = keep * planes[at], of = CLASSES[k];
      r += p * of[0]; g += p * of[1]; b += p * of[2];
    }
    data[4 * i] = r; data[4 * i + 1] = g; data[4 * i + 2] = b; data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

export function draw(frame) {
  if (!layout.is_plane) return;
  last = frame;
  follow(frame.moved);
  colour(cells, frame.map, frame.side);
  const { context: shown, width } = fitted(canvas);
  shown.imageSmoothingEnabled = true;
  shown.drawImage(cells, 0, 0, width, width);
  if (layout.folds && byId("folds").checked) drawFolds(shown, frame.weights[0], layout.extent, width);
  if (sample !== frame.sample || over.width !== canvas.width) points(frame.sample, width);
  shown.drawImage(over, 0, 0, width, width);
}

// A point that is moved is told frame by frame, without a new layout.
function follow(moved) {
  if (!moved) return;
  const [row, ...to] = moved, known = layout.points[row];
  if (known[0] === to[0] && known[1] === to[1]) return;
  layout.points[row] = to;
  sample = -1;
}

// The points, to lay over another map.
export const overlay = () => over;

// Points are drawn once and laid over every frame.
function points(chosen, width) {
  sample = chosen;
  over.width = over.height = canvas.width;
  const context = over.getContext("2d"), test = new Set(layout.test);
  context.scale(canvas.width / width, canvas.width / width);
  const size = (layout.points.length > 700 ? 2.2 : 3.2) * scale();
  const mark = (point, k, isOpen) => shape(context, k, ...place(layout.extent, point, width), size, isOpen);
  context.globalAlpha = board ? 0.25 : 1;
  layout.points.forEach((point, row) => mark(point, layout.y_t[row], test.has(row)));
  context.globalAlpha = 1;
  for (const [x1, x2, k] of board ?? []) mark([x1, x2], k, false);
  if (board) return;
  const [x, y] = place(layout.extent, layout.points[chosen], width);
  for (const [radius, colour, line] of [[9, "#fff", 4], [9, "#000", 2]]) {
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    context.strokeStyle = colour;
    context.lineWidth = line;
    context.stroke();
  }
}

export function under(event, extent = layout.extent) {
  const box = canvas.getBoundingClientRect();
  return pointAt(extent, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
}

// Points of a map that is still to come, over the present ones, which turn pale; null for none.
export function setBoard(points) {
  board = points;
  sample = -1;
  if (last) draw(last);
}

addEventListener("resize", () => layout?.is_plane && axes());
