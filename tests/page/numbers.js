import { drawSkip, ofInput, ofOutput, skipWords } from "/page/beside.js";
import { label } from "/page/entries.js";
import { foldOf } from "/page/folds.js";
import { read } from "/page/frame.js";
import { colourOf, goodness, inUnits, levels, outputsOf, predicted, rangeOf, truthOf, verdict } from "/page/numbers.js";
import { litBy } from "/page/shapes.js";
import { holds, near, same, test } from "./harness.js";

const NUMBERS = { numbers: { span: [-2, 2], mean: 4000, scale: 500 }, classes: ["weight"] };
const CLASSES = { numbers: null, classes: ["a", "b"] };
const BESIDE = { V: { V: [[1, -3, 0.5], [2, 4, 0]], start: 20, width: 3 }, s: { s: [1, 1.5], start: 26 } };

test("a number's colour goes from dark blue over grey to yellow, and stays within", () => {
  same(colourOf(-2, [-2, 2]), [0, 50, 110]);
  same(colourOf(0, [-2, 2]), [125, 124, 120]);
  same(colourOf(2, [-2, 2]), [254, 220, 60]);
  same([colourOf(-9, [-2, 2]), colourOf(9, [-2, 2])], [colourOf(-2, [-2, 2]), colourOf(2, [-2, 2])]);
});

test("the levels of a map are those colours, mixed with the paper", () => {
  same([...new Uint8Array(levels(255).buffer).slice(0, 4)], [77, 112, 154, 255]);
  same([...new Uint8Array(levels(0).buffer).slice(-4)], [178, 154, 42, 255]);
});

test("numbers are told in the units of the table, classes by name", () => {
  same(inUnits(NUMBERS.numbers, -1), 3500);
  same(truthOf(NUMBERS, 0.5), "weight 4250");
  same(truthOf(CLASSES, 1), "class b");
  same([predicted(NUMBERS, 1), predicted(CLASSES, 0.257), predicted(NUMBERS, null)], ["4500", "26 %", "—"]);
});

test("the network's word on a sample is the class it takes it for, or a number", () => {
  same(verdict(CLASSES, [0.257, 0.743], 0), "the network says b (74 %), wrong");
  same(verdict(CLASSES, [0.9999, 0.0001], 0), "the network says a (>99.9 %), right");
  same(verdict(NUMBERS, [-1], 0.2), "the network predicts 3500");
  same(verdict(CLASSES, [null, 0.5], 0), "");
  same([outputsOf({ y: [1], values: {} }), outputsOf({ values: { y: { numbers: [[2, 3]] } } })], [[1], [2, 3]]);
});

test("an accuracy is a share, an R² may be below 0", () => {
  same([goodness(CLASSES, 0.9667), goodness(NUMBERS, 0.9441), goodness(NUMBERS, -0.5), goodness(CLASSES, null)], ["96.7 %", "0.944", "−0.500", "—"]);
});

test("truth and prediction share one range, which is never empty", () => {
  same(rangeOf([[1, 2], [3, -4]]), [-4, 3]);
  same(rangeOf([[2, 2]]), [1.5, 2.5]);
  same(rangeOf([[null, null]]), [-0.5, 0.5]);
});

test("weights past the layers are found by their places", () => {
  same(ofOutput(BESIDE, 1), [{ i: 0, place: 21, value: -3 }, { i: 1, place: 24, value: 4 }]);
  same(ofInput(BESIDE, 1), { place: 27, value: 1.5 });
  same([ofOutput({ V: null, s: null }, 0), ofInput({ V: null, s: null }, 0)], [[], null]);
});

test("the skip is drawn as dashed lines and told, unless gradients are shown", () => {
  const context = document.createElement("canvas").getContext("2d");
  let lines = 0;
  context.stroke = () => { lines += context.getLineDash().length === 2 ? 1 : 0; };
  drawSkip(context, [[[0, 0], [0, 9]], [[5, 5]], [[9, 0], [9, 4], [9, 9]]], BESIDE, 10);
  same([lines, context.getLineDash(), context.globalAlpha], [6, [], 1]);
  drawSkip(context, [], { V: null }, 10);
  same([lines, skipWords(BESIDE, true), skipWords({ V: null }, false)], [6, "", ""]);
  holds(skipWords(BESIDE, false).includes("skip"));
});

test("what leads past the layers lights up at its end", () => {
  same([litBy("dV", 2), litBy("V_new", 2), litBy("ds", 2), litBy("h0", 2).nodes, litBy("score", 2)], [{ nodes: 2 }, { nodes: 2 }, { nodes: 0 }, 0, { nodes: 2 }]);
});

test("entries past the layers have names", () => {
  const layout = { names: ["x1", "x2"], classes: ["a", "b", "c"], units: [2, 4, 3] };
  same([label("dV", 4, [2, 3], layout), label("V_new", 0, [2, 3], layout), label("s", 1, [2], layout), label("dh0", 0, [1, 2], layout)], ["x2 → b", "x1 → a", "x2", "x1"]);
});

test("over one input a fold is an upright line", () => {
  const [[a], [b]] = foldOf([2, 0], -1, [-1, 1, -1, 1]);
  near([a, b], [0.5, 0.5]);
});

test("the map of one input is read as a curve", () => {
  const header = new TextEncoder().encode(JSON.stringify({ parts: [8] })), bytes = new Uint8Array(4 + header.length + 8);
  new DataView(bytes.buffer).setUint32(0, header.length, true);
  bytes.set(header, 4);
  bytes.set(new Uint8Array(Float32Array.of(1.5, -2).buffer), 4 + header.length);
  same([...read(bytes.buffer).curve], [1.5, -2]);
});
