// How the numbers of an equation are laid out: in their places, or the largest with their names.

import { minus } from "./dom.js";

// The columns of numbers in their places, and how many columns and rows are not shown.
export function grid({ shape, numbers }) {
  const columns = numbers[0].length, rows = shape.length === 2 ? shape[0] : 1, wide = shape.at(-1) ?? 1;
  return { columns, moreColumns: wide - columns, moreRows: rows - numbers.length };
}

export const shapeText = (shape) => (shape.length ? `(${shape.join(", ")})` : "scalar");

// The place of an entry as NumPy writes it, and its place in the flat array.
export function placeOf(shape, i, j) {
  if (!shape.length) return { index: "", at: 0 };
  return shape.length === 2 ? { index: `[${i}, ${j}]`, at: i * shape[1] + j } : { index: `[${j}]`, at: j };
}

// The loss of a point before and after a step, and the change that the gradient promised.
export function fallen(before, after, promised) {
  if (before == null || after == null) return "After (13), the loss of this point would not be finite.";
  const change = Math.abs(after - before), decimals = change >= 0.001 || !change ? 4 : Math.min(12, 3 - Math.floor(Math.log10(change)));
  const [first, last] = [before, after].map((loss) => loss.toFixed(decimals));
  return `After (13), with this point alone: loss ${first} → ${last}; the gradient promised ${small(promised)} (−rate · |gradient|²).`;
}

const small = (value) => minus(Math.abs(value) >= 0.001 ? value.toFixed(4) : value ? value.toPrecision(3) : "0");

const along = (layer, unit, { names, classes, units }) =>
  (layer === 0 ? names[unit] : layer === units.length - 1 ? classes[unit] : `unit ${unit + 1}`);

// The name of an entry: "pixel_3_4 → unit 2" in W1, the class in y.
export function label(name, at, shape, layout) {
  const bare = name.replace(/_new$/, "").replace(/^d/, ""), last = layout.units.length - 1;
  const [, letter, digits] = bare.match(/^([A-Za-z]+?)(\d*)$/);
  if (letter === "W") {
    const layer = Number(digits), wide = shape[1];
    return `${along(layer - 1, Math.floor(at / wide), layout)} → ${along(layer, at % wide, layout)}`;
  }
  if (letter === "V") return `${layout.names[Math.floor(at / shape[1])]} → ${layout.classes[at % shape[1]]}`;
  if (letter === "x" || letter === "s" || digits === "0") return layout.names[at];
  if (letter === "J") return `${layout.classes[Math.floor(at / shape[1])]} by ${layout.classes[at % shape[1]]}`;
  if (letter === "score" || letter === "y") return layout.classes[at];
  return along(digits ? Number(digits) : 1, at, layout) ?? `unit ${at + 1}`;
}
