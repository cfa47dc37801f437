// Axes: the places and the labels of their ticks.

export const tidy = (value) => (Math.abs(value) >= 0.01 || value === 0 ? String(Number(value.toPrecision(2))) : value.toExponential(0));

// Round numbers from least to most, about as many as asked for.
export function ticks(least, most, about) {
  const rough = (most - least) / about, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const found = [];
  for (let value = Math.ceil(least / step - 1e-9) * step; value <= most + 1e-9 * step; value += step) found.push(value);
  return found;
}
