// What leads past the layers: the weights V of a skip, and the scale s of each input.

import { style } from "./palette.js";

// The least height at which a line of the skip passes below the hidden units, as a share.
const LOW = 1.12;

// Dashed lines from every input to every output, below the hidden units.
export function drawSkip(context, places, { V }, height) {
  if (!V) return;
  const inputs = places[0], outputs = places.at(-1), largest = Math.max(2, ...V.V.flat().map((w) => Math.abs(w ?? 0)));
  const [up, down] = [style("--up"), style("--down")];
  context.setLineDash([6, 4]);
  context.globalAlpha = 0.8;
  V.V.forEach((row, i) => row.forEach((w, j) => {
    const [x0, y0] = inputs[i], [x1, y1] = outputs[j], third = (x1 - x0) / 4;
    context.strokeStyle = w < 0 ? down : up;
    context.lineWidth = 0.4 + (5 * Math.abs(w)) / largest;
    context.beginPath();
    context.moveTo(x0, y0);
    context.bezierCurveTo(x0 + third, height * LOW, x1 - third, height * LOW, x1, y1);
    context.stroke();
  }));
  context.setLineDash([]);
  context.globalAlpha = 1;
}

// What the line above the network says of them; nothing without a skip.
export const skipWords = ({ V }, isBack) => (V && !isBack ? " Dashed: the skip, V." : "");

// The weights of the skip into an output: the place of each in the flat vector, and its value.
export function ofOutput({ V }, unit) {
  return V ? V.V.map((row, i) => ({ i, place: V.start + i * V.width + unit, value: row[unit] })) : [];
}

// The scale of an input; null without one.
export const ofInput = ({ s }, unit) => (s ? { place: s.start + unit, value: s.s[unit] } : null);
