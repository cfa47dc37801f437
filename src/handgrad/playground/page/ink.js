// Ink on a sheet of 32 x 32 dots, and the 8 x 8 pixels made from it. The digits that the network
// learns were made in the same way: each pixel counts the black dots of 4 x 4.

export const DOTS = 32;
const RADIUS = 2.1;

export const sheet = () => new Uint8Array(DOTS * DOTS);

// Draw a line of round dots, from and to in dots.
export function stroke(dots, [x0, y0], [x1, y1]) {
  const steps = Math.max(1, Math.ceil(Math.hypot(x1 - x0, y1 - y0)));
  for (let step = 0; step <= steps; step++) blot(dots, x0 + ((x1 - x0) * step) / steps, y0 + ((y1 - y0) * step) / steps);
}

function blot(dots, x, y) {
  for (let row = Math.max(0, Math.floor(y - RADIUS)); row < Math.min(DOTS, y + RADIUS); row++) {
    for (let column = Math.max(0, Math.floor(x - RADIUS)); column < Math.min(DOTS, x + RADIUS); column++) {
      if (Math.hypot(column + 0.5 - x, row + 0.5 - y) <= RADIUS) dots[row * DOTS + column] = 1;
    }
  }
}

// Fill one pixel of side x side, or empty it if all of it is black.
export function toggle(dots, pixel, side) {
  const size = DOTS / side, top = Math.floor(pixel / side) * size, left = (pixel % side) * size, places = [];
  for (let row = top; row < top + size; row++) for (let column = left; column < left + size; column++) places.push(row * DOTS + column);
  const ink = places.every((at) => dots[at]) ? 0 : 1;
  for (const at of places) dots[at] = ink;
}

// Left, right, top and bottom of the drawing; null for an empty sheet.
export function bounds(dots) {
  let found = null;
  dots.forEach((ink, at) => {
    if (!ink) return;
    const x = at % DOTS, y = Math.floor(at / DOTS), [l, r, t, b] = found ?? [x, x + 1, y, y + 1];
    found = [Math.min(l, x), Math.max(r, x + 1), Math.min(t, y), Math.max(b, y + 1)];
  });
  return found;
}

// Enlarge the drawing until it fills the sheet, in the middle, as the digits were.
export function enlarged(dots) {
  const box = bounds(dots), fit = sheet();
  if (!box) return fit;
  const [left, right, top, bottom] = box, scale = Math.min(3, DOTS / Math.max(right - left, bottom - top));
  const middle = [(left + right) / 2, (top + bottom) / 2];
  fit.forEach((_, at) => {
    const x = Math.floor(middle[0] + ((at % DOTS) + 0.5 - DOTS / 2) / scale), y = Math.floor(middle[1] + (Math.floor(at / DOTS) + 0.5 - DOTS / 2) / scale);
    if (x >= left && x < right && y >= top && y < bottom) fit[at] = dots[y * DOTS + x];
  });
  return fit;
}

// Count the black dots of each pixel.
export function pixels(dots, side) {
  const size = DOTS / side, found = new Array(side * side).fill(0);
  dots.forEach((ink, at) => { found[Math.floor(at / DOTS / size) * side + Math.floor((at % DOTS) / size)] += ink; });
  return found;
}
