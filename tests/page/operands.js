import { arrange, build, inNetwork, keyOf, lead, namesOf, partners, write } from "/page/operands.js";
import { fallen } from "/page/entries.js";
import { summed, told } from "/page/tally.js";
import { holds, same, test } from "./harness.js";

const array = (name, rows, columns, shape = [rows, columns]) => ({ name, shape, numbers: Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => i + j / 10)) });
const number = (name, value) => ({ name, shape: [], numbers: [[value]] });
const shown = ({ cells }, of) => cells.filter((cell) => cell.of === of).map(({ i, j, row, column }) => [i, j, row, column]);
const written = ({ cells }) => cells.filter(({ text }) => text != null).map(({ text }) => text);

test("signs and single numbers are read as in a formula", () => {
  same(lead(["-", number("lr", 0.1), "*"]), "− 0.1 ×");
  same(lead(["maximum", "(", "0", ","]), "maximum(0,");
  same(lead([")", "/", number("n", 1), "="]), ") / 1 =");
});

test("the inputs stand beside the rows of the weights, the result below their columns", () => {
  const parts = [array("x", 1, 2), "@", array("W1", 2, 3), "+", array("b1", 1, 3, [3])];
  const found = arrange(parts, array("r", 1, 3));
  same(written(found), ["x", "· W1", "+ b1", "= r"]);
  same(shown(found, 0), [[0, 0, 2, 1], [0, 1, 3, 1]]);
  same(shown(found, 2).slice(3), [[1, 0, 3, 2], [1, 1, 3, 3], [1, 2, 3, 4]]);
  same(shown(found, 4).map(([, , row, column]) => [row, column]), [[4, 2], [4, 3], [4, 4]]);
  same(shown(found, 5).map(([, , row, column]) => [row, column]), [[5, 2], [5, 3], [5, 4]]);
});

test("a second product adds its own rows", () => {
  const parts = [array("h", 1, 2), "@", array("W2", 2, 3), "+", array("b2", 1, 3, [3]), "+", array("w", 1, 4), "@", array("V", 4, 3)];
  const found = arrange(parts, array("score", 1, 3));
  same(written(found), ["h", "· W2", "+ b2", "+ w", "· V", "= score"]);
  const rows = shown(found, 8).map(([, , row]) => row);
  same([...new Set(rows)], [6, 7, 8, 9]);
});

test("the factors of an outer product stand beside and above it", () => {
  const found = arrange([array("h.T", 3, 1), "@", array("dscore", 1, 2)], array("dW2", 3, 2));
  same(written(found), ["dscore", "·", "h.T", "= dW2"]);
  same(shown(found, 2), [[0, 0, 2, 2], [0, 1, 2, 3]]);
  same(shown(found, 0), [[0, 0, 4, 1], [1, 0, 5, 1], [2, 0, 6, 1]]);
  same(shown(found, 3)[3], [1, 1, 5, 3]);
});

test("arrays of one row stand under each other, and brackets close where they end", () => {
  const truth = arrange(["(", array("y", 1, 3), "-", array("one-hot y_t", 1, 3), ")", "/", number("n", 1)], array("dscore", 1, 3));
  same(written(truth), ["(y", "− one-hot y_t)", "/ 1 = dscore"]);
  same(shown(truth, 3).map(([, , row, column]) => [row, column]), [[2, 2], [2, 3], [2, 4]]);
  const many = arrange(["maximum", "(", "0", ",", array("r", 1, 8), ")"], array("h", 1, 8));
  same(written(many), ["maximum(0, r)", "= h"]);
  same(many.columns, 8);
});

test("narrow matrices stand side by side, wide ones under each other", () => {
  const step = (rows, columns) => [[array("W2", rows, columns), "-", number("lr", 0.1), "*", array("dW2", rows, columns)], array("W2_new", rows, columns)];
  same(arrange(...step(8, 3)).groups.map(({ sign, name }) => `${sign} ${name}`), [" W2", "− 0.1 × dW2", "= W2 new"]);
  const found = arrange(...step(2, 8));
  same(found.groups, undefined);
  same(written(found), ["W2", "− 0.1 × dW2", "= W2 new"]);
});

test("rows that are not shown are counted", () => {
  const cut = { ...array("W2", 8, 3), shape: [11, 3] };
  holds(written(arrange([{ ...array("h", 1, 8), shape: [1, 11] }, "@", cut], array("score", 1, 3))).includes("and 3 more rows"));
});

test("an entry has one name wherever it is shown", () => {
  same(keyOf(array("W2", 8, 3), 4, 1), "W2[4, 1]");
  same(keyOf(array("W2.T", 3, 8), 1, 4), "W2[4, 1]");
  same(keyOf(array("h.T", 8, 1), 4, 0), "h[4]");
  same(keyOf(array("b1", 1, 8, [8]), 0, 3), "b1[3]");
  same(keyOf(array("W1_new", 2, 8), 1, 2), "W1_new[1, 2]");
});

test("a number lights the entries that it is made of", () => {
  const forward = [array("x", 1, 2), "@", array("W1", 2, 3), "+", array("b1", 1, 3, [3])];
  same(partners(forward, 0, 2), ["x[0]", "x[1]", "W1[0, 2]", "W1[1, 2]", "b1[2]"]);
  same(partners([array("h.T", 3, 1), "@", array("dscore", 1, 2)], 2, 1), ["h[2]", "dscore[1]"]);
  same(partners([array("dscore", 1, 2), "@", array("W2.T", 2, 3)], 0, 1), ["dscore[0]", "dscore[1]", "W2[1, 0]", "W2[1, 1]"]);
  same(partners([array("W1", 2, 3), "-", number("lr", 0.1), "*", array("dW1", 2, 3)], 1, 0), ["W1[1, 0]", "dW1[1, 0]"]);
  same(partners([array("exp(score)", 1, 3), "/", array("exp(score).sum()", 1, 1)], 0, 2), ["exp(score)[2]", "exp(score).sum()[0]"]);
  same(partners(["sum", "(", array("dr", 2, 2), ")"], 0, 1).length, 2);
});

test("entries have a place in the network, and names in the code", () => {
  const { edges, units } = inNetwork(["W2[4, 1]", "dW1[0, 2]", "x[1]", "h[3]", "dr2[5]", "b2[0]", "dscore[2]", "one-hot y_t[1]", "r > 0[1]"], 3);
  same([...edges], ["2 4 1", "1 0 2"]);
  same([...units], ["0 1", "1 3", "2 5", "2 0", "3 2"]);
  same([...namesOf(["W2[4, 1]", "r > 0[1]", "score[y_t][0]"])], ["W2", "r", "score", "y_t"]);
});

test("the elements hold the operands' numbers", () => {
  const parts = [array("y", 1, 3), "-", { name: "one-hot y_t", shape: [1, 3], numbers: [[0, 1, 0]] }], box = document.createElement("div");
  const cells = build(box, arrange(parts, array("dscore", 1, 3)), 3, () => document.createElement("span"));
  parts.forEach((part, of) => part.numbers && write(part, cells.filter((cell) => cell.of === of), 3));
  same([...box.querySelectorAll("i")].map((element) => element.textContent), ["0", "0.100", "0.200", "0", "1", "0"]);
  same(box.querySelectorAll("span").length, 3);
  same(box.querySelectorAll("i")[4].exact, "one-hot y_t[1] = 1");
});

test("a loss that hardly moves has digits enough to see it", () => {
  same(fallen(1.40761, 0.89254, -0.6467), "After (13), with this point alone: loss 1.4076 → 0.8925; the gradient promised −0.6467 (−rate · |gradient|²).");
  holds(fallen(3.147e-5, 3.146e-5, -1.01e-8).includes("loss 0.00003147000 → 0.00003146000; the gradient promised −1.01e−8"), fallen(3.147e-5, 3.146e-5, -1.01e-8));
  holds(fallen(0.5, null, -1e9).includes("not be finite"));
});

test("rows of a batch are counted, and their mean is the sum divided by their number", () => {
  const batch = { done: 7, of: 30, l2: 0, sums: { dW1: { shape: [1, 2], numbers: [[3, 6]] } }, means: null };
  same(told(batch), "Summed over 7 of the batch's 30 rows so far:");
  same(summed("dW1", batch).parts, []);
  const whole = { ...batch, done: 30, l2: 0.1, means: { dW1: { shape: [1, 2], numbers: [[0.1, 0.2]] } } };
  same(told({ ...whole, was_taken: true }), "Summed over the batch's 30 rows; divided by 30, the mean, which the last update took:");
  same(told({ ...whole, drops: true }).endsWith("the next update takes, but for dropout:"), true);
  const { parts, result } = summed("dW1", whole);
  same(parts.map((part) => part.name ?? part), ["sum", "/", "n", "+", "L2 W1"]);
  same(lead(parts.slice(1)), "/ 30 + L2 W1");
  same(result.numbers, [[0.1, 0.2]]);
  same(told({ ...batch, done: 1, of: 1, means: {} }).startsWith("Summed over the batch's one row;"), true);
});
