// A line under the network when learning has gone wrong: why, and what to do.

import { byId, fixed } from "./dom.js";

const FAR = 1.5; // times the loss of the initial weights
let units = [];

export function setLayout(layout) { ({ units } = layout); }

export function draw(frame) {
  const text = health(frame, units);
  if (byId("health").textContent !== text) byId("health").textContent = text;
}

export function health({ dead, updates, measures, chosen, curves }, sizes) {
  if (!updates) return "";
  const layer = dead.findIndex((those, k) => 2 * those.length >= sizes[k + 1]);
  if (layer >= 0) return `${dead[layer].length} of ${sizes[layer + 1]} units of layer ${layer + 1} are dead: 0 for every training point, so no gradient reaches their weights. Start over with a lower learning rate.`;
  const loss = measures[chosen][1], first = curves[1];
  if (loss != null && loss <= FAR * first) return "";
  return `The loss is ${fixed(loss)}, above the ${fixed(first)} of the initial weights. The steps may be too long: lower the learning rate, and start over.`;
}
