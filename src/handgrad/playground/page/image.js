// Small images: ink on paper, and weights with their sign as colour.

export function decoded(text) {
  return Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
}

// The ends of the scales; colour-blind eyes can tell blue from orange.
export const theme = (isDark) => (isDark
  ? { paper: [28, 31, 37], ink: [232, 233, 236], above: [100, 190, 245], below: [245, 150, 90] }
  : { paper: [255, 255, 255], ink: [20, 20, 25], above: [0, 90, 150], below: [196, 80, 10] });

const mixed = (from, to, share) => [...from.map((part, k) => part + share * (to[k] - part)), 255];

// Four bytes a pixel: from the colour of the paper (0) to that of the ink (most).
export function inked(values, most, { paper, ink }) {
  const bytes = new Uint8ClampedArray(4 * values.length);
  values.forEach((value, at) => bytes.set(mixed(paper, ink, value / most), 4 * at));
  return bytes;
}

// Above 0 blue, below 0 orange, 0 the paper; the largest has the full colour.
export function signedInk(values, largest, { paper, above, below }) {
  const bytes = new Uint8ClampedArray(4 * values.length);
  values.forEach((value, at) => {
    const share = largest > 0 ? Math.min(1, Math.abs(value) / largest) : 0;
    bytes.set(mixed(paper, value < 0 ? below : above, share), 4 * at);
  });
  return bytes;
}

// Column j of an array of rows, one after the other.
export const column = (numbers, wide, j) => Array.from({ length: numbers.length / wide }, (_, i) => numbers[i * wide + j]);

export const largestOf = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

export function paint(canvas, bytes, [rows, columns]) {
  if (canvas.width !== columns || canvas.height !== rows) { canvas.width = columns; canvas.height = rows; }
  canvas.getContext("2d").putImageData(new ImageData(bytes, columns, rows), 0, 0);
}
