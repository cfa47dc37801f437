// Folds: the line w·x + b = 0 of each unit of the first hidden layer, where its activation bends.

import { isDark } from "./palette.js";
import { place } from "./plane.js";

// The ends of a unit's line, far beyond the map on both sides; null without weights.
export function foldOf([w1, w2], b, [left, right, low, high]) {
  const square = w1 * w1 + w2 * w2;
  if (!(square > 0)) return null;
  const x1 = (-b * w1) / square, x2 = (-b * w2) / square;
  const far = (2 * (right - left + high - low) + Math.hypot(x1, x2)) / Math.sqrt(square);
  return [[x1 - far * w2, x2 + far * w1], [x1 + far * w2, x2 - far * w1]];
}

export function drawFolds(context, { W, b }, extent, width) {
  context.strokeStyle = isDark() ? "rgb(255 255 255 / .75)" : "rgb(0 0 0 / .6)";
  context.lineWidth = 1;
  context.beginPath();
  b.forEach((bias, unit) => {
    const ends = foldOf([W[0][unit], W[1]?.[unit] ?? 0], bias, extent);
    if (!ends) return;
    context.moveTo(...place(extent, ends[0], width));
    context.lineTo(...place(extent, ends[1], width));
  });
  context.stroke();
}
