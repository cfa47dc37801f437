// Equations (1) to (13): formula, numbers of the sample, shape, and the line of two_layer.py.

import { brief, byId, formula, make, tight, tip } from "./dom.js";
import { ask } from "./link.js";
import { signed } from "./palette.js";

const EVERY = 90; // milliseconds between two refreshments while it plays: numbers want reading
let layout = null, cards = [], at = null, when = 0;

export function setLayout(given) {
  const isSame = layout && JSON.stringify(layout.equations) === JSON.stringify(given.equations);
  layout = given;
  if (isSame) return;
  at = null;
  const inputs = make("div", { class: "card" }, make("div", { class: "top" }, make("span", { class: "formula", text: "x, the sample" }), make("small")), make("div", { class: "numbers" }));
  cards = layout.equations.map(card);
  byId("cards").replaceChildren(inputs, ...cards);
  cards.inputs = inputs;
}

function card(equation) {
  const top = make("div", { class: "top" }, make("b", { text: `(${equation.number})` }),
    make("span", { class: "formula" }, formula(equation.formula)), make("small"));
  const source = make("code", {}, make("small", { text: `two_layer.py:${equation.source_line}` }), equation.source);
  const parts = [top, make("p", { class: "words", text: equation.words }), make("div", { class: "numbers" })];
  if (!layout.is_article) parts.push(make("code", { text: equation.line }));
  return make("div", { class: "card", "data-name": equation.name }, ...parts, source);
}

export function draw(frame) {
  const now = performance.now();
  if (frame.playing && now - when < EVERY && frame.at === at) return;
  when = now;
  byId("which-sample").textContent = ` of point ${frame.sample + 1}, class ${layout.classes[frame.y_t]}`;
  fill(cards.inputs, "x", frame.x);
  layout.equations.forEach((equation, place) => {
    fill(cards[place], equation.name, frame.values[equation.name]);
    cards[place].classList.toggle("at", frame.at === place);
    cards[place].classList.toggle("later", frame.at != null && place > frame.at);
  });
  if (frame.at !== at) {
    at = frame.at;
    if (at != null) scrollTo(cards[at]);
  }
}

function scrollTo(element) {
  const box = byId("cards");
  box.scrollTop = element.offsetTop - box.offsetTop - box.clientHeight / 3;
}

function fill(element, name, { shape, numbers }) {
  const box = element.querySelector(".numbers"), columns = numbers[0].length;
  const rows = shape.length === 2 ? shape[0] : 1, wide = shape.at(-1) ?? 1;
  element.querySelector("small").textContent = shape.length ? `(${shape.join(", ")})` : "scalar";
  const cut = wide > columns, cells = numbers.length * (columns + (cut ? 1 : 0)) + (rows > numbers.length ? 1 : 0);
  if (box.childElementCount !== cells || box.dataset.columns !== String(columns)) {
    box.dataset.columns = columns;
    box.style.gridTemplateColumns = `repeat(${columns}, max-content)${cut ? " max-content" : ""}`;
    box.replaceChildren();
    numbers.forEach((row, i) => {
      row.forEach((_, j) => box.append(make("span", { "data-i": i, "data-j": j })));
      if (cut) box.append(make("em", { text: `+${wide - columns}` }));
    });
    if (rows > numbers.length) box.append(make("em", { text: `and ${rows - numbers.length} rows more` }));
  }
  const largest = Math.max(...numbers.flat().map((number) => Math.abs(number ?? 0)));
  const spans = box.querySelectorAll("span");
  numbers.flat().forEach((number, place) => {
    const span = spans[place], text = columns > 5 ? tight(number) : brief(number);
    if (span.textContent !== text) span.textContent = text;
    span.style.background = signed(number ?? 0, largest);
    span.entry = { name, at: shape.length === 2 ? Number(span.dataset.i) * shape[1] + Number(span.dataset.j) : Number(span.dataset.j) };
    span.exact = `${name}${shape.length ? `[${shape.length === 2 ? `${span.dataset.i}, ` : ""}${span.dataset.j}]` : ""} = ${number ?? "not finite"}`;
  });
}

// -- where a number came from -----------------------------------------------------------------

let under = null, soon = 0, place = [0, 0];

function look(event) {
  const span = event.target.exact ? event.target : null;
  place = [event.clientX, event.clientY];
  if (span && span === under) return;
  under = span;
  clearTimeout(soon);
  tip(span?.exact ?? "", ...place);
  if (span && span.entry.name !== "x") soon = setTimeout(() => ask("spell", span.entry), 120);
}

export function showSpelled({ name, at, text }) {
  if (under?.entry.name === name && under.entry.at === at && text) tip(text, ...place);
}

byId("cards").addEventListener("pointermove", look);
byId("cards").addEventListener("pointerleave", () => { under = null; clearTimeout(soon); tip(""); });
