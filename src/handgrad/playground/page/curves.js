// Loss or accuracy by epoch, with axes, for one run or two; test rows are dashed.

import { byId, fitted, scale } from "./dom.js";
import { style } from "./palette.js";
import { NAMES } from "./rival.js";
import { ticks, tidy } from "./scale.js";

const canvas = byId("curves");
let LEFT = 44, BOTTOM = 30, TOP = 8, RIGHT = 10, large = 1; // all grow with the type
const COLUMNS = { loss: [1, 2], accuracy: [3, 4] };
let last = null, held = null;

// Keep the present curves, to compare the next run with them; without words, drop them.
export function hold(told) {
  byId("held").textContent = told;
  held = told ? last : null;
}

const rowsOf = (numbers) => Array.from({ length: numbers.length / 5 }, (_, i) => numbers.subarray(5 * i, 5 * i + 5));

// An accuracy begins at 0; an R² may be below, and then the axis goes down to -1 at most.
export const lowest = (values) => (values.some((value) => value < 0) ? Math.max(-1, Math.min(...values)) : 0);

export function setLayout({ measure }) { byId("curve").options[1].text = measure; }

export function draw(frame) {
  const runs = [frame.curves, frame.rival_curves].slice(0, frame.runs.length).map(rowsOf);
  if (frame.chosen === 1) runs.reverse();
  last = frame.curves;
  const kind = byId("curve").value, isLog = byId("log").checked && kind === "loss";
  const name = byId("curve").selectedOptions[0].text;
  byId("log").disabled = kind !== "loss";
  canvas.setAttribute("aria-label", `${name} by epoch`);
  large = scale();
  [LEFT, BOTTOM, TOP, RIGHT] = [44, 32, 8, 10].map((length) => length * large);
  const { context, width, height } = fitted(canvas), before = held ? rowsOf(held) : [];
  const level = isLog ? (value) => Math.log10(Math.max(value, 1e-12)) : (value) => value;
  const values = [...runs.flat(), ...before].flatMap((row) => COLUMNS[kind].map((column) => level(row[column]))).filter(Number.isFinite);
  let least = kind === "accuracy" ? lowest(values) : isLog ? Math.min(...values) : 0, most = kind === "accuracy" ? 1 : Math.max(...values, isLog ? -9 : 1e-3);
  if (isLog) { least = Math.floor(least * 2) / 2; most = Math.ceil(most * 2) / 2; if (least === most) most += 0.5; }
  const end = Math.max(...runs.map((rows) => rows.at(-1)[0]), before.at(-1)?.[0] ?? 0, 10);
  const x = (epoch) => LEFT + (epoch / end) * (width - LEFT - RIGHT);
  const y = (value) => TOP + (1 - (value - least) / (most - least)) * (height - TOP - BOTTOM);
  context.clearRect(0, 0, width, height);
  axes(context, { width, height, x, y, least, most, end, isLog, name });
  const colours = [style("--up"), style("--down")], grey = style("--soft"), duel = runs.length > 1;
  COLUMNS[kind].forEach((column, isTest) => {
    curve(before, column, isTest, grey, 1.1);
    runs.forEach((rows, which) => curve(rows, column, isTest, colours[duel ? which : isTest], duel && isTest ? 1.3 : 1.9));
  });
  if (duel) runs.forEach(named);
  context.setLineDash([]);

  // The letter of a run, at the end of its training curve.
  function named(rows, which) {
    const [epoch, value] = [rows.at(-1)[0], rows.at(-1)[COLUMNS[kind][0]]];
    if (!Number.isFinite(value)) return;
    context.textAlign = "right";
    context.textBaseline = "bottom";
    context.font = `bold ${13 * large}px system-ui, sans-serif`;
    context.fillStyle = colours[which];
    context.fillText(NAMES[which], Math.max(x(epoch) - 13 * (1 - which), LEFT + 13 + 13 * which), Math.max(y(level(value)) - 3, 14));
  }

  function curve(points, column, isTest, colour, thick) {
    context.beginPath();
    for (const row of points) if (Number.isFinite(row[column])) context.lineTo(x(row[0]), y(Math.max(least, level(row[column]))));
    context.setLineDash(isTest ? [5, 4] : []);
    context.strokeStyle = colour;
    context.lineWidth = thick;
    context.stroke();
  }
}

function axes(context, { width, height, x, y, least, most, end, isLog, name }) {
  context.font = `${12 * large}px system-ui, sans-serif`;
  context.fillStyle = style("--soft");
  context.strokeStyle = style("--line");
  context.lineWidth = 1;
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const value of ticks(least, most, 5)) {
    const at = Math.round(y(value)) + 0.5;
    line(context, LEFT, at, width - RIGHT, at);
    context.fillText(isLog ? tidy(10 ** value) : tidy(value), LEFT - 5, at);
  }
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const value of ticks(0, end, 6)) context.fillText(String(Math.round(value)), x(value), height - BOTTOM + 4 * large);
  context.fillText("epoch", (LEFT + width - RIGHT) / 2, height - 14 * large);
  context.save();
  context.translate(9 * large, (TOP + height - BOTTOM) / 2);
  context.rotate(-Math.PI / 2);
  context.textBaseline = "middle";
  context.fillText(name, 0, 0);
  context.restore();
}

function line(context, x0, y0, x1, y1) {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}
