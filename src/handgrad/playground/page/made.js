// The last card of a walk by equation: what the optimiser really makes of (13).

import { brief, byId, make } from "./dom.js";
import { ask } from "./link.js";

const HEADINGS = ["weight", "old", "gradient", "new", "(13) says"];
const rule = make("small"), words = make("p", { class: "words" }), table = make("table"), note = make("p", { class: "words" });
const offer = make("button", { text: "Start over with this", onclick: () => ask("plain") });
const element = make("div", { class: "card made", hidden: true },
  make("div", { class: "top" }, make("b", { text: "(13) as made" }), make("span", { class: "formula" }), rule), words, table, note, offer);
let layout = null;

export function setLayout(given) {
  layout = given;
  if (byId("cards").lastChild !== element) byId("cards").append(element);
}

export function draw(frame) {
  const { made } = frame;
  element.hidden = !made && byId("by").value !== "equation";
  if (element.hidden) return;
  const { optimizer, batch } = layout.recipe;
  rule.textContent = `${made?.rule ?? optimizer}, rate ${brief(frame.rate)}`;
  words.textContent = made ? told(made, frame.sample) : coming(optimizer, batch);
  table.replaceChildren(...(made?.moves.length ? rows(made.moves) : []));
  note.textContent = made?.is_promised ? "" : "Plain gradient descent (sgd) on batches of one row makes exactly the step of (13).";
  offer.hidden = note.hidden = Boolean(made?.is_promised);
}

const many = (n) => (n === 1 ? "the batch's one row" : `the batch's ${n} rows`);

function coming(optimizer, batch) {
  return `(13) is plain gradient descent on this point alone. The update that follows it is made by ${optimizer} on ${batch === 1 ? "a batch of one row" : batch ? `a batch of ${batch} rows` : "all rows"}; step on to see it here.`;
}

// What stands between (13) and the update: the rule, the other rows, the units that dropout leaves out.
export function told({ rule: name, n, first, has_sample: hasSample, drops, is_promised: isPromised, moves }, sample) {
  if (isPromised) return `The update is what (13) says: ${name} on the batch's one row, point ${sample + 1}.`;
  if (!moves.length) return `The update by ${name} on ${many(n)} would not be finite.`;
  const where = hasSample ? (n === 1 ? "" : `; point ${sample + 1} is one of them`) : n === 1 ? `, which is point ${first + 1}, not point ${sample + 1}` : `; point ${sample + 1} is not among them`;
  const dropped = drops ? " Dropout leaves units out of the update, and not out of the gradient shown." : "";
  return `The update is made by ${name} from the mean gradient of ${many(n)}${where}.${dropped} These weights of each array move furthest:`;
}

function rows(moves) {
  return [make("tr", {}, ...HEADINGS.map((text) => make("th", { text, scope: "col" }))),
    ...moves.map(([name, ...values]) => make("tr", {}, make("th", { text: name, scope: "row" }), ...values.map((value) => make("td", { text: exact(value), title: value }))))];
}

const exact = (value) => (value == null || Math.abs(value) < 0.0005 || Math.abs(value) >= 10000 ? brief(value) : value.toFixed(4).replace("-", "−"));
