// Axes: the places and the labels of their ticks.

import { minus } from "./dom.js";

export const tidy = (value) => minus(Math.abs(value) >= 0.01 || value === 0 ? String(Number(value.toPrecision(3))) : value.toExponential(0));

// Round numbers from least to most, about as many as asked for.
export function ticks(least, most, about) {
  const rough = (most - least) / about, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const found = [];
  for (let value = Math.ceil(least / step - 1e-9) * step; value <= most + 1e-9 * step; value += step) found.push(value);
  return found;
}

// Two or three ticks that keep clear of the axis's name in the middle, each with its share of the way.
export function sideTicks(least, most, clear) {
  const share = (value) => (value - least) / (most - least);
  const isFree = (value) => Math.abs(share(value) - 0.5) > clear / 2 && Math.abs(share(value) - 0.5) < 0.46;
  for (const about of [4, 6, 10, 16]) {
    const found = ticks(least, most, about).filter(isFree);
    if (found.length > 1) return [...new Set([found[0], found.at(-1)])].map((value) => [value, share(value)]);
  }
  return [];
}
