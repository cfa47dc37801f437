// A frame from its bytes, whose order frame.py describes.

// Of one input, the map is the curve of the number predicted.
const floats = (part) => (part && part.byteLength % 4 === 0 ? new Float32Array(part) : new Float32Array(0));
const decoder = new TextDecoder();

export function read(buffer) {
  const size = new DataView(buffer).getUint32(0, true);
  const frame = JSON.parse(decoder.decode(new Uint8Array(buffer, 4, size)));
  let start = 4 + size;
  const [map, units, curves, first, input, rivalMap, rivalCurves] = frame.parts.map((length) => {
    const part = buffer.slice(start, start + length);
    start += length;
    return part;
  });
  return { ...frame, map: new Uint8Array(map), units: new Uint8Array(units), curves: new Float32Array(curves),
    first: new Float32Array(first), input: new Float32Array(input),
    curve: floats(map), rival_curve: floats(rivalMap), rival_map: new Uint8Array(rivalMap ?? 0), rival_curves: new Float32Array(rivalCurves ?? 0), bytes: buffer.byteLength };
}
