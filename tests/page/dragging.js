import { draggable, wasDrag } from "/page/drag.js";
import { drawFolds, foldOf } from "/page/folds.js";
import { near, same, test } from "./harness.js";

const box = document.createElement("div"), edits = [], held = [];
let under = { place: 3, value: 0.5 };
document.body.append(box);
draggable(box, () => under, { hold: (place) => held.push(place), edit: (edit) => edits.push(edit), putBack: () => edits.push("put back") });

const pointer = (target, type, clientY) => target.dispatchEvent(new PointerEvent(type, { clientY, button: 0, pointerType: "mouse", bubbles: true, cancelable: true }));

function dragged(...places) {
  edits.length = held.length = 0;
  pointer(box, "pointerdown", 100);
  for (const y of places) pointer(globalThis, "pointermove", y);
}

test("a value dragged up grows, and the release tells the last one", () => {
  dragged(90, 50);
  pointer(globalThis, "pointerup", 50);
  same([held, edits], [[3], [{ place: 3, value: 1.5 }]]);
  same(wasDrag(), true);
});

test("a press that hardly moves is a click", () => {
  dragged(99);
  pointer(globalThis, "pointerup", 99);
  same([held, edits, wasDrag()], [[], [], false]);
});

test("Escape puts the old value back and ends the drag", () => {
  dragged(140);
  dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
  pointer(globalThis, "pointermove", 0);
  pointer(globalThis, "pointerup", 0);
  same(edits, ["put back"]);
});

test("a finger drags, and does not scroll the page meanwhile", () => {
  const scrolls = () => box.dispatchEvent(new Event("touchmove", { bubbles: true, cancelable: true }));
  same(scrolls(), true);
  dragged(50);
  same(scrolls(), false);
  pointer(globalThis, "pointercancel", 50);
  same([edits, scrolls()], [["put back"], true]);
});

test("nothing under the pointer, or a value that is not finite, is not dragged", () => {
  for (under of [null, { place: 1, value: null }]) {
    dragged(0);
    pointer(globalThis, "pointerup", 0);
    same([edits, wasDrag()], [[], false]);
  }
});

const EXTENT = [-1, 1, -1, 1];

test("a fold's ends lie on its line, on both sides of the map", () => {
  for (const [w, b] of [[[1, 2], 0.5], [[-3, 0.1], -2], [[0, 1e-3], 1]]) {
    const ends = foldOf(w, b, EXTENT);
    for (const [x1, x2] of ends) near((w[0] * x1 + w[1] * x2 + b) / Math.hypot(...w), 0, 1e-6);
  }
  const [[, above], [, below]] = foldOf([1, 0], 0, EXTENT);
  same(Math.sign(above) * Math.sign(below) < 0 && Math.min(Math.abs(above), Math.abs(below)) > 1, true);
});

test("a unit without weights has no fold, and is not drawn", () => {
  same(foldOf([0, 0], 1, EXTENT), null);
  const drawn = [];
  const context = { beginPath() {}, moveTo: (...at) => drawn.push(at), lineTo: (...at) => drawn.push(at), stroke() {} };
  drawFolds(context, { W: [[0, 1], [0, 0]], b: [1, 0] }, EXTENT, 200);
  same(drawn.map(([across]) => across), [100, 100]);
});
