// While a walk goes back: gradients in place of weights, and h and dh beside each hidden unit.

import { brief, byId, make } from "./dom.js";

// The layers as they are drawn: with their gradients once computed, else with their weights.
export function drawnLayers({ weights, walk }) {
  const layers = weights.map(({ W, b }, k) => ({ W: walk?.dW[k] ?? W, b: walk?.db[k] ?? b, isBack: Boolean(walk?.dW[k]), isBiasBack: Boolean(walk?.db[k]) }));
  for (const isBack of [false, true]) {
    const group = layers.filter((layer) => layer.isBack === isBack), sizes = group.flatMap((layer) => layer.W.flat().map((w) => Math.abs(w ?? 0)));
    const largest = Math.max(isBack ? 1e-300 : 2, ...sizes);
    for (const layer of group) layer.largest = largest;
  }
  return layers;
}

// The lines out of a block of inputs show lengths, so nothing is said of their layer.
export function sayWhich(layers, isBlock, more = "") {
  const names = (isBack, d) => layers.flatMap((layer, k) => (layer.isBack === isBack && !(isBlock && k === 0) ? [`${d}W${k + 1}`] : []));
  const back = names(true, "d"), rest = names(false, "");
  const still = rest.length > 2 ? `${rest[0]} to ${rest.at(-1)}` : rest.join(", ");
  const text = back.length ? `Lines show the gradients ${back.join(", ")} of this point${rest.length ? `, and still the weights ${still}` : ""}.`
    : rest.length ? `Lines show the weights: blue above 0, orange below.${more}` : "";
  if (byId("edges-show").textContent !== text) byId("edges-show").textContent = text;
}

const NAMED = 105, BARE = 78; // pixels to the next layer: room for numbers with their names, or without

// The numbers stand to the right of their units, in spans that are made once for a network. Between
// layers that stand close together h and dh have no names, and still closer ones no numbers.
export function writeUnits(nodes, places, walk, large) {
  const wide = (places[2]?.[0][0] - places[1]?.[0][0]) / large, names = wide < NAMED ? ["", ""] : ["h ", "dh "];
  places.slice(1, -1).forEach((column, k) => column.forEach(([x, y], unit) => {
    const h = wide < BARE ? null : walk?.h[k], dh = walk?.dh[k], name = `carried-${k}-${unit}`;
    let span = nodes.querySelector(`.${name}`);
    if (!h && !span) return;
    if (!span) nodes.append((span = make("span", { class: `carried ${name}` })));
    span.hidden = !h;
    if (!h) return;
    span.style.left = `${x + 18 * large}px`;
    span.style.top = `${y}px`;
    span.textContent = `${names[0]}${brief(h[unit])}${dh ? `\n${names[1]}${brief(dh[unit])}` : ""}`;
  }));
}
