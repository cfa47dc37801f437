// Predicted over true, a dot for each point: what a confusion table is for classes.

import { byId, fitted, scale } from "./dom.js";
import { rangeOf } from "./numbers.js";
import { style } from "./palette.js";
import { ticks, tidy } from "./scale.js";

// Draw the pairs on a square; the nearer to the line from corner to corner, the better.
export function drawPairs({ pairs, error }, name) {
  const canvas = byId("pairs"), large = scale(), { context, width } = fitted(canvas), [least, most] = rangeOf(pairs);
  const left = 44 * large, end = width - 8 * large, low = width - 34 * large, top = 8 * large;
  const share = (value) => (value - least) / (most - least), x = (value) => left + share(value) * (end - left), y = (value) => low + share(value) * (top - low);
  canvas.setAttribute("aria-label", `Predicted ${name} over true ${name} of ${pairs.length} points`);
  byId("pairs-words").textContent = `typical error ${error == null ? "—" : tidy(error)}`;
  context.clearRect(0, 0, width, width);
  context.font = `${12 * large}px system-ui, sans-serif`;
  context.strokeStyle = style("--line");
  context.fillStyle = style("--soft");
  context.strokeRect(left, top, end - left, low - top);
  line(context, x(least), y(least), x(most), y(most));
  context.textAlign = "center";
  context.textBaseline = "top";
  const marks = ticks(least, most, 3);
  for (const value of marks) context.fillText(tidy(value), x(value), low + 3 * large);
  context.fillText("true", (left + end) / 2, low + 18 * large);
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const value of marks) context.fillText(tidy(value), left - 4 * large, y(value));
  context.fillStyle = style("--up");
  context.globalAlpha = 0.6;
  for (const [truth, told] of pairs) if (truth != null && told != null) dot(context, x(truth), y(told), 2.4 * large);
  context.globalAlpha = 1;
}

function dot(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
  context.fill();
}

function line(context, x0, y0, x1, y1) {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}
