// From the numbers of a row to the inputs of a network.

// Scale a number by its median and spread, and clip it smoothly.
function robust(x, median, spread) {
  const far = spread > 0 ? (x - median) / spread : 0;
  const z = Math.max(-FARTHEST, Math.min(FARTHEST, far)), part = z / LARGEST_INPUT;
  return z / Math.sqrt(part * part + 1);
}

// Find the place u of a number among edges: t at edge t, linear between two.
function placeAmong(x, edges) {
  const last = edges.length - 1, held = Math.max(edges[0], Math.min(edges[last], x));
  let t = 0;
  while (t < last - 1 && held >= edges[t + 1]) t++;
  const low = edges[t] / 2; // halves never overflow
  return t + (held / 2 - low) / (edges[t + 1] / 2 - low);
}

// Write a place among the edges of n bins as n steps.
function steps(u, n) {
  return new Array(n).fill(0).map((_, t) => Math.max(0, Math.min(1, u - t)));
}

// Write it as a hat, n + 1 numbers, and steps.
function hatAndSteps(u, n) {
  const hat = new Array(n + 1).fill(0).map((_, t) => Math.max(0, 1 - Math.abs(u - t)));
  return [...hat, ...steps(u, n)];
}

// Write the place of a level as n numbers, 1 at the place and 0 elsewhere.
function ones(place, n) {
  const inputs = new Array(n).fill(0);
  if (place >= 0) inputs[place] = 1;
  return inputs;
}

function areFinite(x) {
  for (let i = 0; i < x.length; i++) if (!Number.isFinite(x[i])) return false;
  return true;
}

// Give inputs in the precision of the network, all finite.
function fitting(inputs, Floats) {
  const x = new Floats(inputs);
  if (areFinite(x)) return x;
  throw new Error(`a number is missing, infinite, or too large for ${8 * Floats.BYTES_PER_ELEMENT} bits`);
}
