// From the inputs of a row to the scores of a network: equations (1) to (3), (14) and (15).

// Read numbers back from base64, the lowest byte first.
function unpacked(text, Floats) {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const view = new DataView(bytes.buffer), size = Floats.BYTES_PER_ELEMENT;
  const read = size === 4 ? view.getFloat32 : view.getFloat64;
  return Floats.from({ length: bytes.length / size }, (_, at) => read.call(view, at * size, true));
}

// Add h W to r in place; W is written row by row.
function addProduct(r, h, W) {
  const n = r.length;
  for (let i = 0, at = 0; i < h.length; i++, at += n) {
    const own = h[i];
    if (own !== 0) for (let j = 0; j < n; j++) r[j] += own * W[at + j];
  }
}

// Compute the scores of a row x; wide is what a skip takes. Sums are made in double precision, and
// what leaves a layer is rounded to the precision of the weights.
function scoresOf(x, wide, { layers, bends, V, s }) {
  const Floats = layers[0][0].constructor;
  let h = s ? x.map((one, i) => one * s[i]) : x;
  for (let layer = 0; layer < layers.length; layer++) {
    const [W, b] = layers[layer], r = new Float64Array(b), isLast = layer === layers.length - 1;
    addProduct(r, h, W);
    if (isLast && V) addProduct(r, wide, V);
    h = new Floats(r);
    if (!isLast) for (let j = 0; j < h.length; j++) h[j] = bends[layer](h[j]);
  }
  return h;
}
