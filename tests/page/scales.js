import { alike, brief, fixed, minus, percent } from "/page/dom.js";
import { nearest, place, pointAt } from "/page/plane.js";
import { sideTicks, ticks, tidy } from "/page/scale.js";
import { holds, near, same, test } from "./harness.js";

test("ticks are round and lie within", () => {
  near(ticks(0, 1, 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  near(ticks(0, 10, 6), [0, 2, 4, 6, 8, 10]);
  near(ticks(-3, 0.5, 5), [-3, -2, -1, 0]);
  near(ticks(0, 0.0013, 5), [0, 0.0005, 0.001]);
  near(ticks(0, 7300, 6), [0, 2000, 4000, 6000]);
});

test("about as many ticks as asked for, whatever the scale", () => {
  for (let power = -8; power < 8; power++) {
    for (const digit of [1, 1.7, 2.4, 3.3, 4.9, 6.5, 8.8, 9.99]) {
      const most = digit * 10 ** power, found = ticks(0, most, 5);
      holds(found.length >= 3 && found.length <= 6, `${found.length} ticks up to ${most}`);
      holds(found.every((value) => value >= 0 && value <= most * (1 + 1e-9)), `a tick lies beyond ${most}`);
    }
  }
});

test("a tick is written short", () => {
  same([0, 0.25, 1.5, 20, 0.0004, 0.02, -3].map(tidy), ["0", "0.25", "1.5", "20", "4e−4", "0.02", "−3"]);
});

test("a number is written brief, its minus a minus", () => {
  same([0, 1.234567, -0.5, 123.4, 12.34, 0.0001, 1e6, null].map(brief), ["0", "1.23", "−0.500", "123", "12.3", "1.0e−4", "1.0e+6", "—"]);
  same([brief(-2.8e-8), minus("-3e-4 - 1")], ["−2.8e−8", "−3e−4 − 1"]);
});

test("numbers that stand together have as many decimals as the largest", () => {
  same(alike([0.82, -0.005, 1, 0, null]), ["0.82", "−0.01", "1.00", "0", "—"]);
  same(alike([12.345, -0.5]), ["12.3", "−0.5"]);
  same(alike([1e-5, -2e-7]), ["1.0e−5", "−2.0e−7"]);
  same(alike([0.0009, -0.004], 2), ["9e−4", "−4e−3"]);
});

test("in a row of many a number has five signs", () => {
  for (const numbers of [[0.25, -0.25, 0.00123], [9.99, -0.5], [-12.34, 3], [123.4, -999, null]]) {
    for (const text of alike(numbers, 2)) holds(text.length <= 5, `${text} is too long`);
  }
  same(alike([0.25, -0.001], 2), ["0.25", "0.00"]);
  same(alike([-1.5, 0.0123], 3, 3), ["−1.500", "0.012"]);
});

test("an axis with its name in the middle has a tick on either side", () => {
  near(sideTicks(-1.2, 1.2, 0.3).map(([value]) => value), [-1, 1]);
  near(sideTicks(-1.2, 1.2, 0.3).map(([, share]) => share), [0.2 / 2.4, 2.2 / 2.4]);
  for (const [least, most] of [[31, 61], [-0.013, 0.4], [172, 6300]]) {
    const found = sideTicks(least, most, 0.5);
    same(found.length, 2);
    holds(found[0][0] < (least + most) / 2 && found[1][0] > (least + most) / 2, "one on either side");
  }
});

test("a figure has the digits asked for", () => {
  same([fixed(1.23456), fixed(2, 1), fixed(null)], ["1.2346", "2.0", "—"]);
  same([fixed(-0.00001), fixed(-1.5, 0), fixed(-0.5), fixed(-0.00005)], ["0.0000", "−2", "−0.5000", "−0.0001"]);
});

test("what rounds to nothing has no sign", () => {
  same(alike([-0.003, 0.004, -0.005, -12.34, -0], 2), ["0.0", "0.0", "0.0", "−12.3", "0"]);
  same(alike([1.5, -0.004, -0.006], 3), ["1.50", "0.00", "−0.01"]);
  same([-0.0004, -0].map(brief), ["−4.0e−4", "0"]);
});

test("a probability never claims to be all or nothing", () => {
  same([0, 0.0004, 0.004, 0.25, 0.987, 0.9949, 0.9997, 1, null].map(percent),
    ["<0.1 %", "<0.1 %", "0.4 %", "25 %", "99 %", "99.5 %", ">99.9 %", ">99.9 %", "—"]);
});

const EXTENT = [-2, 2, -1, 3];

test("the plane's upper left is the square's, and back", () => {
  same(place(EXTENT, [-2, 3], 100), [0, 0]);
  same(place(EXTENT, [2, -1], 100), [100, 100]);
  for (const point of [[0.3, 1.1], [-1.9, 2.5]]) {
    const [x, y] = place(EXTENT, point, 300);
    near(pointAt(EXTENT, x / 300, y / 300), point);
  }
});

test("the nearest point is found, the first of equals", () => {
  same(nearest([[0, 0], [1, 1], [1, 1], [5, 5]], 0.9, 1.2), 1);
  same(nearest([[3, 4]], -100, 100), 0);
});
