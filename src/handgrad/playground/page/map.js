// The decision map: the probability of each class at each place, the points. What the hand does there: hand.js.

import { drawFolds } from "./folds.js";
import { byId, fitted, make, scale } from "./dom.js";
import { colourOf, inUnits, levels } from "./numbers.js";
import { CLASSES, css, isDark, ring, shape, style } from "./palette.js";
import { place, pointAt } from "./plane.js";
import { sideTicks, tidy } from "./scale.js";

const canvas = byId("map");
const cells = make("canvas");
const over = make("canvas");
let layout = null, sample = -1, wasDark = false, last = null, board = null;

export function setLayout(given) {
  layout = given;
  sample = -1;
  last = null;
  byId("plane").hidden = !layout.is_plane;
  byId("folds-choice").hidden = !layout.folds;
  if (!layout.is_plane) return;
  byId("x1").textContent = layout.axes[0];
  byId("x2").textContent = layout.axes[1];
  axes();
  canvas.setAttribute("aria-label", `${layout.is_curve ? "Curve of the prediction" : "Decision map"}. Arrow keys choose the sample whose numbers are shown${layout.numbers ? "" : "; with Shift they move it, and Escape puts it back"}.`);
  byId("point-tools").hidden = Boolean(layout.numbers);
  byId("note").textContent = layout.note;
  byId("legend").replaceChildren(...legend(layout));
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

// What the signs of points stand for.
export function legend(layout) {
  const { classes, numbers, test } = layout;
  return [...(numbers ? range(layout) : classes.map((name, k) => entry(k, name, false))),
    ...(test.length ? [entry(0, "open: test", true, numbers ? style("--soft") : undefined)] : [])];
}

function entry(k, name, isOpen, own) {
  const sign = make("canvas", { width: 28, height: 28 });
  const context = sign.getContext("2d");
  context.scale(2, 2);
  shape(context, k, 7, 7, 4, isOpen, own);
  return make("span", { title: name }, sign, make("b", { text: name }));
}

// The colours of the least and the largest number, or the line of the prediction.
function range(layout) {
  const { numbers, classes } = layout, [least, most] = numbers.span.map((y) => tidy(inUnits(numbers, y)));
  if (layout.is_curve) return [make("span", {}, make("i", { class: "prediction" }), make("b", { text: `${classes[0]} predicted` }))];
  return [make("span", {}, make("b", { text: least }), make("i", { class: "numbers-key" }), make("b", { text: `${most} ${classes[0]}` }))];
}

// Colour a map, over which the points are laid: of classes or of a number; a curve is on paper.
export function paintMap(context, cells, width, planes, side) {
  if (layout.is_curve) return blank(context, width);
  if (layout.numbers) colourNumbers(cells, planes, side);
  else colour(cells, planes, side);
  context.imageSmoothingEnabled = true;
  context.drawImage(cells, 0, 0, width, width);
}

function blank(context, width) {
  context.fillStyle = style("--card");
  context.fillRect(0, 0, width, width);
  context.strokeStyle = style("--line");
  context.lineWidth = 1;
  context.strokeRect(0, 0, width, width);
}

// Lay the points over a map, and over them the curve of one input.
export function layPoints(context, width, curve) {
  context.drawImage(over, 0, 0, width, width);
  if (!layout.is_curve) return;
  const [left, right] = layout.extent;
  context.beginPath();
  curve.forEach((y, at) => { if (Number.isFinite(y)) context.lineTo(...place(layout.extent, [left + ((right - left) * at) / (curve.length - 1), y], width)); });
  context.strokeStyle = style("--up");
  context.lineWidth = 2.5 * scale();
  context.stroke();
}

// Colour a map from a plane of 0 to 255 for the range of a number.
function colourNumbers(cells, plane, side) {
  if (cells.width !== side) cells.width = cells.height = side;
  const context = cells.getContext("2d"), image = context.createImageData(side, side), dots = new Uint32Array(image.data.buffer);
  const known = levels(isDark() ? 28 : 255);
  plane.forEach((level, at) => { dots[at] = known[level]; });
  context.putImageData(image, 0, 0);
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
  const { context: shown, width } = fitted(canvas);
  paintMap(shown, cells, width, frame.map, frame.side);
  if (layout.folds && byId("folds").checked) drawFolds(shown, frame.weights[0], layout.extent, width);
  if (sample !== frame.sample || over.width !== canvas.width || wasDark !== isDark()) points(frame.sample, width);
  layPoints(shown, width, frame.curve);
}

// A point that is moved is told frame by frame, without a new layout.
function follow(moved) {
  if (!moved) return;
  const [row, ...to] = moved, known = layout.points[row];
  if (known[0] === to[0] && known[1] === to[1]) return;
  layout.points[row] = to;
  sample = -1;
}

// The sign of a point: the shape of its class, or the colour of its number.
export function sign(context, layout, truth, x, y, size, isTest) {
  if (layout.is_curve) shape(context, 0, x, y, size, isTest, style("--soft"), style("--card"));
  else if (layout.numbers) shape(context, 0, x, y, size, isTest, css(colourOf(truth, layout.numbers.span)));
  else shape(context, truth, x, y, size, isTest);
}

// Points are drawn once and laid over every frame.
function points(chosen, width) {
  sample = chosen;
  wasDark = isDark();
  over.width = over.height = canvas.width;
  const context = over.getContext("2d"), test = new Set(layout.test);
  context.scale(canvas.width / width, canvas.width / width);
  const size = (layout.points.length > 700 ? 2.2 : layout.is_curve ? 2.6 : 3.2) * scale();
  const mark = (point, truth, isTest) => sign(context, layout, truth, ...place(layout.extent, point, width), size, isTest);
  context.globalAlpha = board ? 0.25 : 1;
  layout.points.forEach((point, row) => mark(point, layout.y_t[row], test.has(row)));
  context.globalAlpha = 1;
  for (const [x1, x2, k] of board ?? []) mark([x1, x2], k, false);
  if (board) return;
  ring(context, ...place(layout.extent, layout.points[chosen], width));
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
