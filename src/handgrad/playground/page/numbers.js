// Where numbers are predicted in place of classes: their colours, their words, their picture.

import { brief, minus, percent } from "./dom.js";
import { tidy } from "./scale.js";

// From dark blue for the least, over grey, to yellow for the largest: also for colour-blind eyes.
const ENDS = [[0, 50, 110], [125, 124, 120], [254, 220, 60]];

export function colourOf(number, [least, most]) {
  const share = Math.min(1, Math.max(0, (number - least) / (most - least))), low = share < 0.5 ? 0 : 1, part = 2 * share - low;
  return ENDS[low].map((from, k) => Math.round(from + part * (ENDS[low + 1][k] - from)));
}

// The colours of 256 levels, mixed with that of the paper: red, green, blue, opacity, least byte first.
export function levels(paper) {
  return (known[paper] ??= mixed(paper));
}

const known = {};

function mixed(paper) {
  return Uint32Array.from({ length: 256 }, (_, level) => {
    const [r, g, b] = colourOf(level, [0, 255]).map((part) => Math.round(0.3 * paper + 0.7 * part));
    return r | (g << 8) | (b << 16) | (255 << 24);
  });
}

// A number as it is learnt, as one of the table.
export const inUnits = ({ mean, scale }, y) => mean + scale * y;

// The truth of a sample in words.
export function truthOf({ numbers, classes }, yTrue) {
  return numbers ? `${classes[0]} ${tidy(inUnits(numbers, yTrue))}` : `class ${classes[yTrue]}`;
}

// How good predictions are: a share of classes that are right, or R².
export function goodness({ numbers }, value) {
  if (value == null) return "—";
  return numbers ? minus(value.toFixed(3)) : `${(100 * value).toFixed(1)} %`;
}

// What the network predicts, at an output.
export const predicted = ({ numbers }, y) => (y == null ? "—" : numbers ? brief(inUnits(numbers, y)) : `${Math.round(100 * y)} %`);

// The network's word on a sample: the class that it takes it for, or the number.
export function verdict({ numbers, classes }, y, yTrue) {
  if (y.some((one) => one == null)) return "";
  if (numbers) return `the network predicts ${predicted({ numbers }, y[0])}`;
  const said = y.indexOf(Math.max(...y));
  return `the network says ${classes[said]} (${percent(y[said])}), ${said === yTrue ? "right" : "wrong"}`;
}

// All outputs for the sample of a frame.
export const outputsOf = ({ y, values }) => y ?? values.y.numbers[0];

// The least and the largest of truth and prediction together, for the axes of their picture.
export function rangeOf(pairs) {
  const all = pairs.flat().filter(Number.isFinite), least = Math.min(...all), most = Math.max(...all);
  return all.length && most > least ? [least, most] : [(all[0] ?? 0) - 0.5, (all[0] ?? 0) + 0.5];
}
