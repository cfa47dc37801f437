import { emptyWords, within } from "/page/hand.js";
import { near, same, test } from "./harness.js";

test("a point stays within the map, clear of its edges", () => {
  near(within([-1, 1, 0, 4], [0.5, 3]), [0.5, 3]);
  near(within([-1, 1, 0, 4], [7, -7]), [0.95, 0.1]);
  near(within([-1, 1, 0, 4], [-1, 4]), [-0.95, 3.9]);
});

test("an empty map says how many points are still to come", () => {
  const words = emptyWords([[0, 0, 0], [1, 0, 0], [0, 1, 2]], 10);
  same(words.includes("at least 10 points of two classes or more: 3 of 2 so far"), true);
});
