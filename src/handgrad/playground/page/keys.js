// The keys: for the whole page, for choosing a sample, for the pixels of a square image.

const PAGE = { " ": "play", s: "step", r: "reset", "?": "keys" };
const PRESSED = "button, input[type=checkbox], input[type=range], .transport select"; // by space, not by letters
const TYPED = "input, select, textarea, dialog, [data-keys]";

// None while the user types or holds another key down; space belongs to what can be pressed.
export function pageKey({ key, ctrlKey, metaKey, altKey, target }) {
  if (ctrlKey || metaKey || altKey || target?.closest?.("dialog")) return null;
  const isPressed = target?.closest?.(PRESSED);
  if (isPressed ? key === " " : target?.closest?.(TYPED)) return null;
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

// The number that an arrow key leads to, among n in rows of some columns; it stays among them.
export function nextPlace(key, place, n, columns) {
  const arrow = ARROWS[key];
  if (!arrow) return null;
  const next = place + arrow[0] + columns * arrow[1];
  return next >= 0 && next < n ? next : place;
}

// The same among places [x, y] on the screen: the nearest that way, rather straight on than aside.
export function nextThere(key, place, all) {
  const arrow = ARROWS[key];
  if (!arrow) return null;
  const [x, y] = all[place];
  let next = place, least = Infinity;
  all.forEach(([to, down], at) => {
    const ahead = (to - x) * arrow[0] + (down - y) * arrow[1], aside = Math.abs((to - x) * arrow[1] + (down - y) * arrow[0]);
    if (ahead > 4 && ahead + 3 * aside < least) [next, least] = [at, ahead + 3 * aside];
  });
  return next;
}
