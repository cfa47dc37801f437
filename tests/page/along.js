import { close, draw, levels, select, tangent, told, words } from "/page/along.js";
import { near, same, test } from "./harness.js";

const byId = (id) => document.getElementById(id);
const ANSWER = { place: 3, name: "W1[0, 3]", value: 0.5, loss: 1, slope: -2, rows: 240, of: 240, point: null, l2: 0, version: 5,
  values: [-0.5, 0, 0.5, 1, 1.5], losses: [3, 2, 1, 0.5, null] };

test("the tangent has the slope, goes through the point, and stays in the box", () => {
  for (const slope of [-2, 0.1, 40]) {
    const [[a, below], [b, above]] = tangent({ value: 0.5, loss: 1, slope }, [-0.5, 1.5], [0.4, 3.2]);
    near((above - below) / (b - a), slope, 1e-9);
    near(below + slope * (0.5 - a), 1, 1e-9);
    same(a >= -0.5 && b <= 1.5 && Math.min(above, below) > 0.4 - 1e-9 && Math.max(above, below) < 3.2 + 1e-9, true);
  }
  same(tangent({ value: 0.5, loss: 1, slope: 0 }, [-0.5, 1.5], [0, 2]), [[-0.5, 1], [1.5, 1]]);
});

test("levels leave out what is not finite, and a level curve has room", () => {
  near(levels([1, null, 2]), [0.88, 2.12]);
  near(levels([1, 1]), [0.99, 1.01]);
});

test("the words say of which points the loss is", () => {
  same(words(ANSWER, false), "W1[0, 3] = 0.500: loss 1.0000, slope −2.00, of the 240 training points.");
  same(words({ ...ANSWER, rows: 50, l2: 0.1 }, true), "W1[0, 3] = 0.500: loss 1.0000, slope −2.00, of 50 of the 240 training points, L2 penalty included. Pause to renew the curve.");
  same(words({ ...ANSWER, rows: 1, point: 6 }, false), "W1[0, 3] = 0.500: loss 1.0000, slope −2.00, of point 7 alone.");
});

test("an answer is shown for the weight that is selected, until it is closed", () => {
  select(3);
  told({ ...ANSWER, place: 4, name: "another" });
  same(byId("along-title").textContent, "Loss along a weight");
  told(ANSWER);
  draw({ version: 5, playing: false });
  same([byId("along-title").textContent, byId("along").hidden], ["Loss along W1[0, 3]", false]);
  same(byId("along-curve").getAttribute("aria-label").includes("slope −2.00"), true);
  close();
  told(ANSWER);
  same(byId("along").hidden, true);
});
