// A walk past everything, in the order of the article. It can be left at any time.

import { byId } from "./dom.js";

const WIDE = {
  "The points": "Each point has more than two numbers, so no map can show them: an image shows its pixels, a table's row its inputs by name. Choose another by a click or the arrow keys: it is the sample whose numbers are shown. On the pad beside it draw a digit of your own, and the network says at once what it sees.",
  "The network": "All inputs enter at the left, into every hidden unit; each weighs them, adds its bias and bends the sum. Of images a unit shows its weights as an image: blue above 0, orange below. Others show how active they are for the sample. Click a unit to set its weights.",
};
const STOPS = [
  ["#view", "The points", "Each point has a class, told by its colour and shape. The ground shows what the network says of every place. Open points are kept back for the test. Click a point to choose the sample whose numbers are shown."],
  ["#graph", "The network", "A point enters at the left. Each hidden unit weighs its inputs, adds its bias and bends the sum; its small picture shows where it is active. Blue weights are above 0, orange ones below; the wider, the larger."],
  ["#cards", "Forward: (1) to (4)", "The equations of the article, with this sample's own numbers. (1) and (2) make the hidden units, (3) the scores, (4) the probabilities. Below each stands the line of two_layer.py that computes it."],
  ["#cards", "The loss: (5)", "Minus the logarithm of the probability of the true class: 0 if the network is sure and right, large if it is sure and wrong."],
  ["#cards", "Backward: (6) to (12)", "Each dv says how the loss changes with v. It begins with (6), probability minus truth, and goes back through the same weights to every gradient."],
  [".transport", "The step: (13)", "Each weight moves against its gradient. Choose “equation” and press Step to walk through all of it: equation, line and network light up together; after (13) the update is made."],
  ["#by", "Batches and epochs", "A step may be one sample, one batch or an epoch, which visits every training point once. Start over goes back to the very same weights; rewind goes back in time."],
  [".curves", "The curves", "The loss by epoch, of training and test points. If the test's rises while the other falls, the network learns the points by heart. “Add a rival” sets a second run beside this one, from the same weights: SGD against Adam, say."],
  [".tables", "Evidence", "Which classes are taken for which; how long each layer's gradient is; how large its updates are beside its weights. Check gradients compares every gradient with complex steps."],
  ["#take", "Take it along", "The model file, the Python that trains the same network to the same weights, the history, and a link to these settings. Press Play, and change what you like."],
];
let stop = 0, before = null, isPlane = true;

export function setLayout(layout) { isPlane = layout.is_plane; }

function show(next) {
  document.querySelector(".pointed")?.classList.remove("pointed");
  if (next < 0 || next >= STOPS.length) return leave();
  stop = next;
  const [where, title, text] = STOPS[stop];
  const target = document.querySelector(where);
  target.classList.add("pointed");
  target.scrollIntoView({ block: "nearest" });
  byId("tour-title").textContent = title;
  byId("tour-text").textContent = (!isPlane && WIDE[title]) || text;
  byId("tour-place").textContent = `${stop + 1} of ${STOPS.length}`;
  byId("tour-back").disabled = stop === 0;
  byId("tour-next").textContent = stop === STOPS.length - 1 ? "Done" : "Next";
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
