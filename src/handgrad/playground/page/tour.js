// A tour of the whole page, in the order of the article. It can be left at any time.

import { byId } from "./dom.js";

const WIDE = {
  "The points": "Each point has more than two numbers, so no map can show it: an image is shown by its pixels, a row of a table by its inputs. Choose another one by a click or the arrow keys: it becomes the sample whose numbers are shown. For images, draw a digit of your own on the pad, and the network says at once what it sees.",
  "The network": "All inputs enter at the left and reach every hidden unit, which weighs them, adds its bias and bends the sum. For images, a unit shows its weights as an image: blue above 0, orange below. Other units show how active they are for the sample. Click a unit to set its weights.",
};
// Where a number is predicted in place of a class.
const NUMBERS = {
  "The points": "Each point has a number, which the network learns to predict from its inputs: drawn as height over one input, as colour over two. The curve or the background shows what it predicts at every place. Open points are held back for the test. Click a point to choose the sample whose numbers are shown.",
  "Forward: (1) to (4)": "The equations with this sample's own numbers. (1) and (2) make the hidden units, (3) the score, and (4) takes the score as the prediction. Below each equation stands its line of NumPy.",
  "The loss: (5)": "Half the squared distance between prediction and truth: 0 where the prediction is exact, four times as large where it is twice as far off.",
  "Backward: (6) to (12)": "Each dv says how the loss changes with v. The pass begins with (6), prediction minus truth, and goes back through the same weights to every gradient.",
  "Evidence": "What the network predicts, over what is true: on the line both agree. R² is the share of the truth's variance that the predictions explain, 1 at best. Below: the length of each layer's gradient, and the size of its updates relative to its weights. Check gradients compares the gradients with complex steps.",
};
const STOPS = [
  ["#view", "The points", "Each point has a class, shown by its colour and shape. The background shows what the network predicts at every place. Open points are held back for the test. Click a point to choose the sample whose numbers are shown."],
  ["#graph", "The network", "A point enters at the left. Each hidden unit weighs its inputs, adds its bias and bends the sum; its small picture shows where it is active. Blue weights are above 0, orange ones below; a wider line is a larger weight."],
  [1, "Forward: (1) to (4)", "The equations of the article, with this sample's own numbers. (1) and (2) make the hidden units, (3) the scores, (4) the probabilities. Below each equation stands its line of NumPy."],
  [5, "The loss: (5)", "Minus the logarithm of the probability of the true class: 0 if the network is sure and right, large if it is sure and wrong."],
  [6, "Backward: (6) to (12)", "Each dv says how the loss changes with v. The pass begins with (6), probability minus truth, and goes back through the same weights to every gradient."],
  [".transport", "The step: (13)", "Each weight moves against its gradient. Choose “equation” and press Step to go through all thirteen: equation, line and network light up together. A last card tells what the optimiser makes of (13); then the update is made."],
  ["#by", "Batches and epochs", "A step may be a sample, a batch or an epoch, which visits every training point once. Start over goes back to the same initial weights; rewind goes back to an earlier epoch."],
  [".curves", "The curves", "The loss by epoch, on training and test points. If the test loss rises while the training loss falls, the network learns the points by heart. “Add a rival” starts a second run from the same weights: SGD against Adam, say."],
  [".tables", "Evidence", "Which classes the network confuses; the length of each layer's gradient; the size of its updates relative to its weights. Check gradients compares the gradients with complex steps."],
  ["#take", "Download", "The model file, a Python program that trains the same network to the same weights, the same run in plain NumPy, the history, and a link to these settings. Now press Play, and change whatever you like."],
];
let stop = 0, before = null, layout = null;

export function setLayout(given) {
  layout = given;
  if (!byId("tour").hidden) point(); // the cards may be new
}

// The element that a stop speaks of; a number is that of an equation, or of the first after it.
function target(where) {
  if (typeof where === "string") return document.querySelector(where);
  const { name } = layout.equations.find(({ number }) => number >= where);
  return document.querySelector(`.card[data-name="${name}"]`);
}

function point() {
  document.querySelector(".pointed")?.classList.remove("pointed");
  const element = target(STOPS[stop][0]);
  element.classList.add("pointed");
  reveal(element);
  aside(element);
}

// A card goes to the top of its column, and the column into view; below a header that stays.
function reveal(element) {
  const header = document.querySelector("header"), isSticky = getComputedStyle(header).position === "sticky";
  document.documentElement.style.setProperty("--above", isSticky ? `${header.offsetHeight}px` : "0px");
  const box = element.closest("#cards");
  element.scrollIntoView({ block: box ? "start" : "nearest" });
  if (box) box.scrollTop += element.getBoundingClientRect().top - box.getBoundingClientRect().top - 6;
}

const GAP = 16;

// The panel goes where it covers least of the element, then of its section.
function aside(element) {
  const panel = byId("tour"), { offsetWidth: wide, offsetHeight: high } = panel;
  const right = document.documentElement.clientWidth - wide - GAP, bottom = window.innerHeight - high - GAP, top = document.querySelector("header").offsetHeight + GAP;
  const places = [[right, bottom], [right / 2, bottom], [GAP, bottom], [right, top], [GAP, top]];
  const boxes = [element, element.closest("section") ?? element].map((one) => one.getBoundingClientRect());
  const cost = ([x, y]) => 1000 * covered(boxes[0], x, y, wide, high) + covered(boxes[1], x, y, wide, high);
  const [x, y] = places.reduce((best, place) => (cost(place) < cost(best) ? place : best));
  Object.assign(panel.style, { left: `${x}px`, top: `${y}px` });
}

// The area of a box that a panel at x and y covers.
export function covered(box, x, y, wide, high) {
  const across = Math.min(box.right, x + wide) - Math.max(box.left, x), down = Math.min(box.bottom, y + high) - Math.max(box.top, y);
  return Math.max(0, across) * Math.max(0, down);
}

function show(next) {
  if (next < 0 || next >= STOPS.length) return leave();
  stop = next;
  const [, title, text] = STOPS[stop];
  byId("tour-title").textContent = title;
  byId("tour-text").textContent = (layout.numbers && NUMBERS[title]) || (!layout.is_plane && WIDE[title]) || text;
  byId("tour-place").textContent = `${stop + 1} of ${STOPS.length}`;
  byId("tour-back").disabled = stop === 0;
  byId("tour-next").textContent = stop === STOPS.length - 1 ? "Done" : "Next";
  point();
}

function leave() {
  document.querySelector(".pointed")?.classList.remove("pointed");
  byId("tour").hidden = true;
  before?.focus();
}

byId("tour-start").addEventListener("click", () => {
  before = byId("tour-start");
  byId("tour").hidden = false;
  show(0);
  byId("tour-next").focus();
});
byId("tour-next").addEventListener("click", () => show(stop + 1));
byId("tour-back").addEventListener("click", () => show(stop - 1));
byId("tour-end").addEventListener("click", leave);
byId("tour").addEventListener("keydown", (event) => { if (event.key === "Escape") leave(); });
addEventListener("resize", () => byId("tour").hidden || point());
