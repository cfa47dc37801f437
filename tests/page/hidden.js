import { axisWords, squareOf } from "/page/hidden.js";
import { near, same, test } from "./harness.js";

test("the square has room for every point, at one scale", () => {
  near(squareOf(null, [[0, 0], [2, 1]]), [-0.3, 2.3, -0.8, 1.8], 1e-9);
});

test("the square stays while the points fit and fill it, grows with them, and shrinks after them", () => {
  const square = squareOf(null, [[0, 0], [2, 2]]);
  same(squareOf(square, [[0.1, 0], [1.5, 1.9]]), square);
  same(squareOf(square, [[0, 0], [3, 2]])[1] > 3, true);
  same(squareOf(square, [[0.9, 0.9], [1.1, 1.1]])[1] < 1.5, true);
});

test("an axis says what it is, and a component its share", () => {
  same(axisWords(["h of unit 2", null]), "h of unit 2");
  same(axisWords(["component 1", 0.62]), "component 1, 62 % of variance");
});
