import { grid, label, placeOf, shapeText } from "/page/entries.js";
import { read } from "/page/frame.js";
import { differences, fromLink, toLink } from "/page/settings.js";
import { same, test } from "./harness.js";

// A frame as frame.py writes it: length, header, parts.
function bytesOf(header, parts) {
  const text = new TextEncoder().encode(JSON.stringify({ ...header, parts: parts.map((part) => part.byteLength) }));
  const all = new Uint8Array(4 + text.length + parts.reduce((sum, part) => sum + part.byteLength, 0));
  new DataView(all.buffer).setUint32(0, text.length, true);
  all.set(text, 4);
  let at = 4 + text.length;
  for (const part of parts) { all.set(new Uint8Array(part.buffer), at); at += part.byteLength; }
  return all.buffer;
}

test("a frame is read whatever the length of its header", () => {
  for (const words of ["", "a", "ab", "abc", "é∂ and so on"]) {
    const buffer = bytesOf({ version: 7, trouble: words }, [new Uint8Array([1, 255]), new Uint8Array([9]),
      new Float32Array([0, 1.5, -2]), new Float32Array([0.25, 4]), new Float32Array([1])]);
    const frame = read(buffer);
    same([frame.version, frame.trouble, frame.bytes], [7, words, buffer.byteLength]);
    same([[...frame.map], [...frame.units], [...frame.curves]], [[1, 255], [9], [0, 1.5, -2]]);
    same([[...frame.first], [...frame.input]], [[0.25, 4], [1]]);
  }
});

test("parts may be empty", () => {
  const none = new Uint8Array(0), frame = read(bytesOf({}, [none, none, none, none, none]));
  same([frame.map.length, frame.curves.length, frame.input.length], [0, 0, 0]);
});

test("a link gives back the settings that it was made of", () => {
  const recipe = { data: "table", x1: "a & b = \"c\" #1 é", hidden: [8, 4], rate: 0.03, l2: 0, x2: "" };
  same(fromLink(new URLSearchParams(toLink(recipe))), recipe);
});

test("an address without settings, or with others', gives none", () => {
  same(fromLink(new URLSearchParams("")), null);
  same(fromLink(new URLSearchParams("utm_source=news")), null);
});

test("numbers in their places, and how many are not there", () => {
  same(grid({ shape: [8, 3], numbers: [[1, 2, 3], [1, 2, 3], [1, 2, 3], [1, 2, 3]] }), { columns: 3, moreColumns: 0, moreRows: 4 });
  same(grid({ shape: [1, 10], numbers: [[1, 2, 3, 4, 5, 6, 7, 8]] }), { columns: 8, moreColumns: 2, moreRows: 0 });
  same(grid({ shape: [3], numbers: [[1, 2, 3]] }), { columns: 3, moreColumns: 0, moreRows: 0 });
  same(grid({ shape: [], numbers: [[1]] }), { columns: 1, moreColumns: 0, moreRows: 0 });
});

test("places as NumPy writes them", () => {
  same(placeOf([8, 3], 2, 1), { index: "[2, 1]", at: 7 });
  same(placeOf([3], 0, 2), { index: "[2]", at: 2 });
  same(placeOf([], 0, 0), { index: "", at: 0 });
  same([shapeText([8, 3]), shapeText([3]), shapeText([])], ["(8, 3)", "(3)", "scalar"]);
});

const LAYOUT = { names: ["p0", "p1", "p2"], classes: ["no", "yes"], units: [3, 4, 5, 2] };

test("an entry has the names of what it joins", () => {
  same(label("W1", 6, [3, 4], LAYOUT), "p1 → unit 3");
  same(label("dW1", 11, [3, 4], LAYOUT), "p2 → unit 4");
  same(label("W2_new", 5, [4, 5], LAYOUT), "unit 2 → unit 1");
  same(label("dW3", 1, [5, 2], LAYOUT), "unit 1 → yes");
  same(label("b3_new", 1, [2], LAYOUT), "yes");
  same(label("db2", 4, [5], LAYOUT), "unit 5");
  same(label("x", 2, [1, 3], LAYOUT), "p2");
  same(label("dscore", 0, [1, 2], LAYOUT), "no");
  same(label("y", 1, [1, 2], LAYOUT), "yes");
  same(label("h2", 4, [1, 5], LAYOUT), "unit 5");
  same(label("dr1", 3, [1, 4], LAYOUT), "unit 4");
});

test("with one hidden layer r and h have no number", () => {
  const layout = { ...LAYOUT, units: [3, 20, 2] };
  same([label("r", 19, [1, 20], layout), label("dh", 0, [1, 20], layout)], ["unit 20", "unit 1"]);
});

test("two runs are told apart by the settings in which they differ", () => {
  const own = ["optimizer", "rate", "batch"], first = { optimizer: "adam", rate: 0.03, batch: 30, n: 300 };
  same(differences([first, { ...first, optimizer: "sgd", batch: 0 }], own), ["adam, batch 30", "sgd, batch all"]);
  same(differences([first, { ...first, n: 10 }], own), ["as the other", "as the other"]);
});
