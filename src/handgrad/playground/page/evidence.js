// Evidence: the confusion matrix, gradients and updates by layer, the gradient check.

import { brief, byId, make } from "./dom.js";
import { ask } from "./link.js";
import { CLASSES, css } from "./palette.js";
import { drawPairs } from "./pairs.js";
import { isDuel, NAMES } from "./rival.js";

const EVERY = 180;
let layout = null, when = 0;

export function setLayout(given) {
  layout = given;
  when = 0;
  byId("confusion").hidden = Boolean(layout.numbers);
  byId("pairs-frame").hidden = !layout.numbers;
  byId("confusion-title").textContent = `${layout.numbers ? "Predicted over true" : "Confusion"}, ${layout.test.length ? "test" : "training"} points${isDuel(layout) ? `, ${NAMES[layout.chosen]}` : ""}`;
}

export function draw(frame) {
  const now = performance.now();
  if (frame.playing && now - when < EVERY) return;
  when = now;
  if (frame.pairs) drawPairs(frame, layout.classes[0]);
  else confusion(frame.confusion);
  layers(frame.layers);
}

// Each layer, run beside run: the length of its gradient, and of its last update over its weights.
function layers(runs) {
  const duel = runs.length > 1, cells = (what) => (k) => runs.map((layer) => make("td", { text: brief(layer[k][what]) }));
  const norms = cells("norm"), ratios = cells("ratio");
  const names = () => runs.map((_, which) => make("th", { text: NAMES[which] }));
  byId("layers").replaceChildren(
    make("tr", {}, make("th", { text: "layer" }), make("th", { text: "|dW|", colspan: runs.length }), make("th", { text: "|update| / |W|", title: "about 0.001 is healthy", colspan: runs.length })),
    ...(duel ? [make("tr", {}, make("th", { text: "run" }), ...names(), ...names())] : []),
    ...runs[0].map((_, k) => make("tr", {}, make("th", { text: runs[0][k].name }), ...norms(k), ...ratios(k))));
}

function confusion(counts) {
  const head = make("tr", {}, make("th", { text: "true \\ predicted" }), ...layout.classes.map((name) => make("th", { text: name, title: name })));
  const rows = counts.map((row, k) => {
    const all = row.reduce((sum, count) => sum + count, 0) || 1;
    const cells = row.map((count, j) => {
      const cell = make("td", { text: count });
      cell.style.background = css(j === k ? CLASSES[0] : CLASSES[5], (0.55 * count) / all);
      return cell;
    });
    return make("tr", {}, make("th", { text: layout.classes[k], title: layout.classes[k] }), ...cells);
  });
  byId("confusion").classList.toggle("many", counts.length > 6);
  byId("confusion").replaceChildren(head, ...rows);
}

export function showCheck({ passed, is_wrong: isWrong, headings, rows, note }) {
  const reason = note && ` ${note}.`;
  byId("check-words").textContent = passed
    ? `Every gradient is right${note && " wherever there is one"}: the backward pass and complex steps agree.${reason}`
    : `${isWrong ? "A gradient is wrong" : "No gradient could be compared"}.${reason}`;
  byId("check-table").replaceChildren(make("tr", {}, ...headings.map((text) => make("th", { text }))),
    ...rows.map((row) => make("tr", {}, ...row.map((text) => make("td", { text })))));
  byId("check-result").showModal();
}

byId("check").addEventListener("click", () => ask("check"));
