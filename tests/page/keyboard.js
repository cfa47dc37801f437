import { nextPixel, nextPlace, nextSample, nextThere, pageKey } from "/page/keys.js";
import { same, test } from "./harness.js";

const press = (key, more = {}) => pageKey({ key, target: document.body, ...more });

test("space, S and R move the run", () => {
  same([press(" "), press("s"), press("r"), press("?"), press("x"), press("Enter")], ["play", "step", "reset", "keys", null, null]);
});

test("with another key held down they belong to the browser", () => {
  same([press("r", { ctrlKey: true }), press("s", { metaKey: true }), press(" ", { altKey: true })], [null, null, null]);
});

test("where one types, presses or draws they do nothing", () => {
  for (const id of ["set-data", "speed", "play", "rewind", "pad", "check-result"]) {
    const target = document.getElementById(id) ?? Object.assign(document.createElement("input"), { id });
    same([id, pageKey({ key: " ", target })], [id, null]);
  }
  same(pageKey({ key: " ", target: document.getElementById("map") }), "play");
});

test("arrows lead to the next sample, and round the end", () => {
  same([nextSample("ArrowRight", 3, 10), nextSample("ArrowDown", 9, 10), nextSample("ArrowLeft", 0, 10), nextSample("ArrowUp", 5, 10)], [4, 0, 9, 4]);
  same([nextSample("a", 3, 10), nextSample("ArrowLeft", 0, 1)], [null, 0]);
});

test("arrows lead to the next pixel, and stop at the edge", () => {
  same([nextPixel("ArrowRight", 0, [8, 8]), nextPixel("ArrowDown", 0, [8, 8]), nextPixel("ArrowLeft", 9, [8, 8]), nextPixel("ArrowUp", 9, [8, 8])], [1, 8, 8, 1]);
  same([nextPixel("ArrowRight", 7, [8, 8]), nextPixel("ArrowDown", 63, [8, 8]), nextPixel("ArrowLeft", 8, [8, 8]), nextPixel("ArrowUp", 3, [8, 8])], [7, 63, 8, 3]);
  same(nextPixel("Tab", 3, [8, 8]), null);
});

test("letters work where only space has a meaning, and in the lists beside Step", () => {
  for (const id of ["play", "rewind", "draw", "by", "speed"]) {
    const target = document.getElementById(id);
    same([id, pageKey({ key: "s", target }), pageKey({ key: "?", target })], [id, "step", "keys"]);
  }
  for (const id of ["curve", "inputs-sample", "brush", "pad"]) same([id, pageKey({ key: "s", target: document.getElementById(id) })], [id, null]);
});

test("arrows lead from number to number, and stay among them", () => {
  same([nextPlace("ArrowRight", 0, 6, 3), nextPlace("ArrowDown", 1, 6, 3), nextPlace("ArrowLeft", 0, 6, 3), nextPlace("ArrowDown", 4, 6, 3), nextPlace("Tab", 1, 6, 3)], [1, 4, 0, 4, null]);
});

test("among operands arrows lead to the nearest number that way, and stay where none is", () => {
  const all = [[10, 0], [10, 20], [50, 20], [90, 20], [50, 40], [90, 40]];
  same(["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"].map((key) => nextThere(key, 2, all)), [0, 4, 1, 3]);
  same([nextThere("ArrowRight", 3, all), nextThere("ArrowDown", 0, all), nextThere("Tab", 0, all)], [3, 1, null]);
});
