// The loss along one weight: its curve, the point where it stands, and the tangent there.

import { brief, byId, fitted, fixed, minus, scale } from "./dom.js";
import { ask } from "./link.js";
import { style } from "./palette.js";
import { ticks, tidy } from "./scale.js";

const PATIENCE = 2000; // milliseconds after which an answer is no longer expected
const canvas = byId("along-curve");
let place = null, answer = null, asked = -Infinity, now = { version: -1, playing: false };

// Show the loss along the weight at this place of the flat vector.
export function select(to) {
  if (to !== place) answer = null;
  place = to;
  byId("along").hidden = false;
  request();
}

export function close() {
  place = answer = null;
  asked = -Infinity;
  byId("along").hidden = true;
}

function request() {
  if (performance.now() - asked < PATIENCE) return;
  asked = performance.now();
  ask("along", { place });
}

export function told(message) {
  asked = -Infinity;
  if (place == null) return;
  if (message.place === place) answer = message;
  if (isOld()) request();
  show();
}

const isOld = () => answer?.place !== place || (!now.playing && answer.version < now.version);

// The curve is measured on request, and again when the weights have changed while nothing plays.
export function draw(frame) {
  const isOther = frame === now || frame.playing !== now.playing; // the same frame: the colours have changed
  now = frame;
  if (place == null) return;
  if (isOld()) request();
  if (isOther) show();
}

function show() {
  if (!answer) return;
  const text = words(answer, now.playing);
  byId("along-title").textContent = `Loss along ${answer.name}`;
  byId("along-words").textContent = text;
  canvas.setAttribute("aria-label", `Curve of the loss along ${answer.name}, with its tangent. ${text}`);
  paint();
}

export function words({ name, value, loss, slope, rows, of, point, l2 }, playing) {
  const where = point != null ? `of point ${point + 1} alone` : rows === of ? `of the ${of} training points` : `of ${rows} of the ${of} training points`;
  const penalty = l2 ? ", L2 penalty included" : "", pause = playing ? " Pause to renew the curve." : "";
  return `${name} = ${brief(value)}: loss ${fixed(loss)}, slope ${brief(slope)}, ${where}${penalty}.${pause}`;
}

// The ends of the tangent within the box of the curve.
export function tangent({ value, loss, slope }, [left, right], [low, high]) {
  const reach = (level) => value + (level - loss) / slope;
  const [a, b] = slope ? [reach(low), reach(high)].sort((x, y) => x - y) : [left, right];
  return [Math.max(left, a), Math.min(right, b)].map((x) => [x, loss + slope * (x - value)]);
}

// The levels from the least to the largest loss, with some room.
export function levels(losses) {
  const known = losses.filter((loss) => loss != null), least = Math.min(...known), most = Math.max(...known);
  const room = 0.12 * (most - least) || 0.01;
  return [least - room, most + room];
}

function paint() {
  const large = scale(), { context, width, height } = fitted(canvas), { values, losses, value, loss, slope } = answer;
  context.clearRect(0, 0, width, height);
  if (loss == null || slope == null) return;
  const [left, top, right, bottom] = [50 * large, 6, width - 10, height - 20 * large];
  const sides = [values[0], values.at(-1)], ends = levels(losses);
  const x = (at) => left + ((at - sides[0]) / (sides[1] - sides[0])) * (right - left);
  const y = (at) => bottom - ((at - ends[0]) / (ends[1] - ends[0])) * (bottom - top);
  const line = (colour, thick, points) => {
    context.strokeStyle = colour;
    context.lineWidth = thick;
    context.beginPath();
    for (const [a, b] of points) if (b != null) context.lineTo(x(a), y(b));
    context.stroke();
  };
  context.font = `${12 * large}px system-ui, sans-serif`;
  context.fillStyle = style("--soft");
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const at of ticks(...ends, 4)) {
    line(style("--line"), 1, [[sides[0], at], [sides[1], at]]);
    context.fillText(tidy(at), left - 5, y(at));
  }
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const at of ticks(...sides, 5)) context.fillText(minus(String(Number(at.toFixed(6)))), x(at), bottom + 4);
  line(style("--up"), 2 * large, values.map((at, i) => [at, losses[i]]));
  line(style("--down"), 2 * large, tangent(answer, sides, ends));
  context.beginPath();
  context.arc(x(value), y(loss), 4.5 * large, 0, 7);
  context.fillStyle = style("--ink");
  context.fill();
}

byId("along-close").addEventListener("click", close);
new ResizeObserver(() => { if (answer) paint(); }).observe(canvas);
