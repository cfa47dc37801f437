// The geometry of the network: where units stand, how lines bend.

export const MOST_NODES = 10; // inputs that are drawn one by one; more become one block

// Images and many inputs are drawn as one block.
export const isBlock = ({ picture, units }) => Boolean(picture) || units[0] > MOST_NODES;

// Room beside the first and the last column is for names; all lengths grow with the type.
export function spread(counts, width, height, { left = 46, right: beside = 74, scale = 1 } = {}) {
  const right = width - beside, top = 34 * scale, last = counts.length - 1;
  return counts.map((count, layer) => {
    const x = left + ((right - left) * layer) / last, gap = Math.min(Math.max(44, height / 7), (height - top - 4) / count);
    const first = top + (height - top - gap * count) / 2 + gap / 2;
    return Array.from({ length: count }, (_, i) => [x, first + i * gap, gap]);
  });
}

// The height of a curve from (0, 0) to (1, 1) with level ends, at a share t of its width.
export function bend(t) {
  let low = 0, high = 1;
  for (let step = 0; step < 16; step++) {
    const u = (low + high) / 2, across = 1.5 * u * (1 - u) * (1 - u) + 1.5 * u * u * (1 - u) + u ** 3;
    if (across < t) low = u; else high = u;
  }
  return low * low * (3 - 2 * low);
}

// The part of the network that an equation computes, by its name; last is the layer of the scores.
export function litBy(name, last) {
  const found = name.match(/^d?([Wb])(\d+)(_new)?$/);
  if (found) return found[1] === "W" ? { edges: Number(found[2]) } : { nodes: Number(found[2]) };
  if (["score", "y", "L", "dscore", "dV", "V_new"].includes(name)) return { nodes: last };
  if (["ds", "s_new"].includes(name)) return { nodes: 0 };
  const layer = Number(name.match(/\d+$/)?.[0] ?? 1);
  return { nodes: layer, edges: name.startsWith("r") ? layer : undefined };
}

export function unitName({ names, classes, units }, layer, unit) {
  if (layer === 0) return names[unit];
  if (layer === units.length - 1) return classes[unit];
  return `unit ${unit + 1} of layer ${layer}`;
}
