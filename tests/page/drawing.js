import { bounds, DOTS, enlarged, pixels, sheet, stroke, toggle } from "/page/ink.js";
import { bend, isBlock, litBy, spread, unitName } from "/page/shapes.js";
import { holds, near, same, test } from "./harness.js";

const ink = (dots) => dots.reduce((sum, dot) => sum + dot, 0);

test("a pixel is as black as it has dots", () => {
  const dots = sheet();
  same(pixels(dots, 8), new Array(64).fill(0));
  dots.fill(1);
  same(pixels(dots, 8), new Array(64).fill(16));
  const one = sheet();
  one[5 * DOTS + 30] = 1; // row 5, column 30: pixel (1, 7)
  same(pixels(one, 8).indexOf(1), 15);
});

test("a stroke leaves no gap and stays on the sheet", () => {
  const dots = sheet();
  stroke(dots, [-5, 16], [40, 16]);
  for (let column = 0; column < DOTS; column++) holds(dots[16 * DOTS + column], `column ${column} is empty`);
  same(bounds(dots).slice(0, 2), [0, DOTS]);
  const [, , top, bottom] = bounds(dots);
  holds(bottom - top >= 3 && bottom - top <= 5, `it is ${bottom - top} dots thick`);
});

test("a pixel is filled by a key and emptied by the next", () => {
  const dots = sheet();
  toggle(dots, 10, 8);
  same(pixels(dots, 8).map((n, at) => (n ? [at, n] : null)).filter(Boolean), [[10, 16]]);
  toggle(dots, 10, 8);
  same(ink(dots), 0);
  stroke(dots, [10, 6], [10, 6]);
  toggle(dots, 10, 8);
  same(pixels(dots, 8)[10], 16);
});

test("a small digit in a corner becomes a large one in the middle", () => {
  const dots = sheet();
  for (let row = 2; row < 14; row++) for (let column = 3; column < 7; column++) dots[row * DOTS + column] = 1;
  const [left, right, top, bottom] = bounds(enlarged(dots));
  same([top, bottom], [0, DOTS]);
  near((left + right) / 2, DOTS / 2, 1);
  near((right - left) / (bottom - top), 4 / 12, 0.05);
});

test("a digit that fills the sheet stays as it is", () => {
  const dots = sheet();
  stroke(dots, [2, 0], [30, 32]);
  stroke(dots, [30, 0], [2, 32]);
  dots[0] = dots[31] = dots[31 * DOTS] = dots[DOTS * DOTS - 1] = 1;
  same([...enlarged(dots)], [...dots]);
});

test("nothing stays nothing, and a dot does not become a blot", () => {
  same(bounds(sheet()), null);
  same(ink(enlarged(sheet())), 0);
  const dots = sheet();
  dots[0] = 1;
  same(ink(enlarged(dots)), 9);
});

test("units of a layer are spread evenly and in the middle", () => {
  const places = spread([2, 10, 3], 500, 312);
  same(places.map((column) => column.length), [2, 10, 3]);
  same([places[0][0][0], places[2][0][0]], [46, 426]);
  for (const column of places) {
    near((column[0][1] + column.at(-1)[1]) / 2, (34 + 312) / 2);
    column.slice(1).forEach(([, y], i) => near(y - column[i][1], column[0][2]));
    holds(column.at(-1)[1] + column[0][2] / 2 <= 312, "none hangs out below");
  }
  const roomy = spread([2, 3], 500, 700, { left: 110, right: 100, scale: 1.5 });
  same([roomy[0][0][0], roomy[1][0][0], roomy[0][0][2]], [110, 400, 100]);
});

test("an edge bends as it is drawn", () => {
  // A cubic curve from (0, 0) over (1/2, 0) and (1/2, 1) to (1, 1), point by point.
  for (let step = 0; step <= 20; step++) {
    const u = step / 20, x = 3 * 0.5 * u * (1 - u) ** 2 + 3 * 0.5 * u ** 2 * (1 - u) + u ** 3, y = 3 * u ** 2 * (1 - u) + u ** 3;
    near(bend(x), y, 1e-4);
  }
});

test("what an equation computes lights up", () => {
  same(litBy("r1", 3), { nodes: 1, edges: 1 });
  same(litBy("r", 2), { nodes: 1, edges: 1 });
  same(litBy("h2", 3), { nodes: 2 });
  same(litBy("dr2", 3), { nodes: 2 });
  for (const name of ["score", "y", "L", "dscore"]) same(litBy(name, 3), { nodes: 3 });
  same(litBy("dW2", 3), { edges: 2 });
  same(litBy("W3_new", 3), { edges: 3 });
  same(litBy("db1", 3), { nodes: 1 });
});

test("many inputs, or an image, are one block", () => {
  same([[2, 8, 3], [10, 8, 3], [11, 8, 3]].map((units) => isBlock({ units, picture: null })), [false, false, true]);
  same(isBlock({ units: [4, 2], picture: [2, 2] }), true);
});

test("units have names", () => {
  const layout = { names: ["a", "b"], classes: ["no", "yes"], units: [2, 8, 2] };
  same([[0, 1], [1, 7], [2, 0]].map(([layer, unit]) => unitName(layout, layer, unit)), ["b", "unit 8 of layer 1", "no"]);
});
