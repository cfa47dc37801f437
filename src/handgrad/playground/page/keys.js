// The keys: for the whole page, for choosing a sample, for the pixels of a square image.

const PAGE = { " ": "play", s: "step", r: "reset" };

// None while the user types or presses a button, or holds another key down.
export function pageKey({ key, ctrlKey, metaKey, altKey, target }) {
  if (ctrlKey || metaKey || altKey || target?.closest?.("input, select, button, textarea, dialog, [data-keys]")) return null;
  return PAGE[key] ?? null;
}

const ARROWS = { ArrowRight: [1, 0], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowUp: [0, -1] };

// The sample that an arrow key leads to, from one of n; null for any other key.
export function nextSample(key, sample, n) {
  const arrow = ARROWS[key];
  return arrow ? (sample + arrow[0] + arrow[1] + n) % n : null;
}

// The pixel that an arrow key leads to; it stays within rows and columns. Null for other keys.
export function nextPixel(key, pixel, [rows, columns]) {
  const arrow = ARROWS[key];
  if (!arrow) return null;
  const column = Math.min(columns - 1, Math.max(0, (pixel % columns) + arrow[0]));
  const row = Math.min(rows - 1, Math.max(0, Math.floor(pixel / columns) + arrow[1]));
  return row * columns + column;
}
