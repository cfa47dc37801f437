import { column, decoded, inked, largestOf, signedInk, theme } from "/page/image.js";
import { CLASSES, css, signed } from "/page/palette.js";
import { holds, near, same, test } from "./harness.js";

const rgb = (bytes, at) => [...bytes.subarray(4 * at, 4 * at + 4)];

test("paper is 0 and ink the most", () => {
  for (const dark of [false, true]) {
    const { paper, ink } = theme(dark), bytes = inked([0, 16, 8], 16, theme(dark));
    same(rgb(bytes, 0), [...paper, 255]);
    same(rgb(bytes, 1), [...ink, 255]);
    near(rgb(bytes, 2).slice(0, 3), paper.map((part, k) => (part + ink[k]) / 2), 1);
  }
});

test("a weight of 0 is paper, and the sign is told by the colour", () => {
  const light = theme(false), bytes = signedInk([0, 2, -2, 1, 9], 2, light);
  same(rgb(bytes, 0), [...light.paper, 255]);
  same(rgb(bytes, 1), [...light.above, 255]);
  same(rgb(bytes, 2), [...light.below, 255]);
  near(rgb(bytes, 3).slice(0, 3), light.paper.map((part, k) => (part + light.above[k]) / 2), 1);
  same(rgb(bytes, 4), rgb(bytes, 1));
});

test("weights that are all 0 are all paper", () => {
  same(rgb(signedInk([0, 0], 0, theme(true)), 1), [...theme(true).paper, 255]);
});

// Brettel's and Viénot's result for the red-blind and green-blind, in short: what is left of red
// and green is their luminance; blue stays. So two colours must differ in luminance or in blue.
const luminance = ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;

test("above and below differ for eyes without red or green", () => {
  for (const dark of [false, true]) {
    const { above, below } = theme(dark);
    holds(Math.abs(above[2] - below[2]) > 80, "blue tells them apart");
  }
});

test("any two classes differ in luminance or in blue", () => {
  CLASSES.forEach((a, i) => CLASSES.slice(i + 1).forEach((b) => {
    holds(Math.abs(a[2] - b[2]) > 30 || Math.abs(luminance(a) - luminance(b)) > 30, `${a} and ${b}`);
  }));
});

test("numbers are shaded by size and sign", () => {
  same(signed(0, 0), css([0, 114, 178], 0.06));
  same(signed(-3, 3), css([230, 120, 0], 0.56));
  same(signed(30, 3), signed(3, 3));
});

test("images come as base64, a byte a pixel", () => {
  same([...decoded("AAgQ/w==")], [0, 8, 16, 255]);
});

test("a column of an array of rows", () => {
  same(column(new Float32Array([1, 2, 3, 4, 5, 6]), 3, 1), [2, 5]);
  same(largestOf([1, -7, 3]), 7);
  same(largestOf([]), 0);
});
