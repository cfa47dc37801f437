// Equations (1) to (13): formula, operands and numbers of the sample, shape, and the line of NumPy.

import { alike, byId, formula, make, minus, tip } from "./dom.js";
import { fallen, grid, label, placeOf, shapeText } from "./entries.js";
import { nextPlace, nextThere } from "./keys.js";
import { ask } from "./link.js";
import { light } from "./lit.js";
import { outputsOf, truthOf, verdict } from "./numbers.js";
import * as operands from "./operands.js";
import { signed } from "./palette.js";
import { pixelsOf, show } from "./pictures.js";
import { goToCard, why } from "./why.js";

const EVERY = 180; // milliseconds between two updates while it plays, so that numbers can be read
const seen = new Set(); // the cards in view; while it plays, only these are updated
const watcher = new IntersectionObserver((entries) => entries.forEach(({ target, isIntersecting }) => (isIntersecting ? seen.add(target) : seen.delete(target))));
let layout = null, cards = [], at = null, when = 0, told = {}, chain = [], folded = null, fall = null;

export function setLayout(given) {
  const key = ({ equations, names, classes, picture }) => JSON.stringify([equations, names, classes, picture]);
  const isSame = layout && key(layout) === key(given);
  layout = given;
  byId("file-lines").parentElement.hidden = !layout.is_article;
  if (isSame) return;
  at = null;
  const inputs = make("div", { class: "card" }, make("div", { class: "top" }, make("span", { class: "formula", text: "x, the sample" }), make("small")),
    layout.picture ? make("canvas", { class: "image", role: "img", "aria-label": "The sample as an image" }) : "", make("div", { class: "numbers" }));
  cards = layout.equations.map(card);
  byId("cards").replaceChildren(inputs, ...cards);
  cards.inputs = inputs;
  chain = layout.chain.map((link) => card({ ...link, number: "" }));
  folded = make("details", { class: "card chain" }, make("summary", { text: "Between (5) and (6): the softmax's own derivatives" }), ...chain);
  const slope = layout.equations.findIndex(({ number }) => number === 6);
  if (chain.length) cards[slope].before(folded);
  fall = make("div", { class: "card fall" }, make("p"));
  cards.at(-1).after(fall);
  watcher.disconnect();
  seen.clear();
  for (const one of [inputs, ...cards]) watcher.observe(one);
  goToCard(cards);
}

function card(equation) {
  const numbered = equation.number ? [make("b", { text: `(${numberOf(equation)})` })] : [], link = equation.number ? [why(`equation-${equation.number}`, `equation ${numberOf(equation)}`)] : [];
  const top = make("div", { class: "top" }, ...numbered, make("span", { class: "formula" }, formula(equation.formula)), make("small"), ...link);
  const parts = [top, make("p", { class: "words", text: equation.words }), make("div", { class: "numbers" })];
  parts.push(make("code", {}, ...inNames(equation.line)));
  // Only the article's own network is the one of two_layer.py.
  if (layout.is_article && equation.source) parts.push(make("code", { class: "file" }, make("small", { text: `two_layer.py:${equation.source_line}` }), equation.source));
  return make("div", { class: "card", ...(equation.number ? { "data-name": equation.name, "data-number": equation.number } : { "data-link": equation.name }) }, ...parts);
}

// A line of code, its names in elements of their own.
const inNames = (line) => line.split(/([A-Za-z_]\w*)/).map((part, place) => (place % 2 ? make("i", { text: part }) : part));

// An equation of one layer among several is numbered with its layer: (1.2) is (1) of layer 2.
function numberOf({ name, number }) {
  const layer = layout.units.length > 3 ? name.match(/\d+/)?.[0] : null;
  return layer ? `${number}.${layer}` : number;
}

export function draw(frame) {
  const now = performance.now();
  if (frame.playing && now - when < EVERY && frame.at === at) return;
  when = now;
  told = frame.operands ?? {};
  byId("which-sample").title = byId("which-sample").textContent = ` of point ${frame.sample + 1}, ${truthOf(layout, frame.y_t)}`;
  const said = verdict(layout, outputsOf(frame), frame.y_t);
  byId("verdict").title = byId("verdict").textContent = said;
  const wanted = (element) => !frame.playing || frame.at != null || seen.has(element);
  if (wanted(cards.inputs)) fill(cards.inputs, "x", frame.x);
  if (layout.picture) show(cards.inputs.querySelector("canvas"), pixelsOf(frame.sample));
  layout.equations.forEach((equation, place) => {
    if (wanted(cards[place])) fill(cards[place], equation.name, frame.values[equation.name]);
    cards[place].classList.toggle("at", frame.at === place);
    cards[place].classList.toggle("later", frame.at != null && place > frame.at);
  });
  drawBeside(frame);
  if (frame.at !== at) {
    at = frame.at;
    if (at != null) scrollTo(cards[at]);
  }
}

// What has no number: the derivatives between (5) and (6), and the loss before and after (13).
function drawBeside({ chain: linked, fall: losses }) {
  folded.hidden = !linked;
  linked?.forEach(({ value, parts }, place) => fill(chain[place], layout.chain[place].name, value, parts));
  fall.hidden = !losses;
  if (losses) fall.firstChild.textContent = fallen(...losses);
}

function scrollTo(element) {
  const box = byId("cards");
  box.scrollTop = element.offsetTop - box.offsetTop - box.clientHeight / 3;
}

function fill(element, name, value, parts = told[name]) {
  const box = element.querySelector(".numbers");
  element.querySelector("small").textContent = shapeText(value.shape);
  box.classList.toggle("named", Boolean(value.largest));
  box.classList.toggle("told", Boolean(parts));
  box.parts = parts;
  if (value.largest) fillLargest(box, name, value);
  else if (parts) fillTold(box, name, value);
  else fillPlaces(box, name, value);
}

// The operands, and the numbers that come of them, in grids that line up.
function fillTold(box, name, { shape, numbers }) {
  const { parts } = box, all = [...parts, { name, shape, numbers }], kind = JSON.stringify(parts.map((part) => part.shape ?? part));
  if (box.dataset.kind !== kind) {
    box.dataset.kind = kind;
    box.cells = operands.build(box, operands.arrange(parts, all.at(-1)), parts.length, () => make("span", NUMBER), () => make("i", NUMBER));
    box.querySelector("span").tabIndex = 0;
  }
  const columns = Math.max(...all.map((part) => part.shape?.at(-1) ?? 1));
  parts.forEach((part, of) => part.numbers && operands.write(part, box.cells.filter((cell) => cell.of === of), columns));
  writePlaces(box, name, { shape, numbers });
}

function fillPlaces(box, name, { shape, numbers }) {
  const { columns, moreColumns, moreRows } = grid({ shape, numbers }), kind = [columns, moreColumns, numbers.length, moreRows].join();
  if (box.dataset.kind !== kind) {
    box.dataset.kind = kind;
    box.style.gridTemplateColumns = `repeat(${columns}, max-content)${moreColumns > 0 ? " max-content" : ""}`;
    box.replaceChildren();
    numbers.forEach((row) => {
      row.forEach(() => box.append(make("span", NUMBER)));
      if (moreColumns > 0) box.append(make("em", { text: `+${moreColumns}` }));
    });
    if (moreRows > 0) box.append(make("em", { class: "rows", text: `and ${moreRows} more row${moreRows > 1 ? "s" : ""}` }));
    box.querySelector("span").tabIndex = 0;
  }
  writePlaces(box, name, { shape, numbers });
}

function writePlaces(box, name, { shape, numbers }) {
  const columns = numbers[0].length, all = numbers.flat(), largest = Math.max(...all.map((number) => Math.abs(number ?? 0))), spans = box.querySelectorAll("span"), texts = alike(all, columns > 5 ? 2 : 3);
  all.forEach((number, place) => {
    const i = Math.floor(place / columns), j = place % columns, { index, at } = placeOf(shape, i, j);
    Object.assign(spans[place], { key: operands.keyOf({ name, shape }, i, j), place: [i, j] });
    write(spans[place], texts[place], { name, at, index, number, largest, words: label(name, at, shape, layout) });
  });
}

// The largest entries of a wide array, each with its name, and how many more there are.
function fillLargest(box, name, { shape, largest, more }) {
  const kind = `largest ${largest.length}`;
  if (box.dataset.kind !== kind) {
    box.dataset.kind = kind;
    box.style.gridTemplateColumns = "";
    box.replaceChildren(...largest.map(() => make("div", {}, make("em"), make("span", NUMBER))), make("p"));
    box.querySelector("span").tabIndex = 0;
  }
  const most = Math.max(...largest.map(([, number]) => Math.abs(number ?? 0))), texts = alike(largest.map(([, number]) => number));
  largest.forEach(([at, number], place) => {
    const [words, span] = box.children[place].children, text = label(name, at, shape, layout);
    if (words.textContent !== text) words.textContent = words.title = text;
    write(span, texts[place], { name, ...placeOf(shape, Math.floor(at / shape.at(-1)), at % shape.at(-1)), number, largest: most, words: text });
  });
  box.lastChild.textContent = more;
}

// A number can be pressed to see where it came from; Tab leads to one of each array.
const NUMBER = { role: "button", tabindex: -1, "aria-describedby": "tip" };

function write(span, text, { name, at, index, number, largest, words }) {
  if (span.textContent !== text) {
    span.textContent = text;
    span.setAttribute("aria-label", `${words}: ${text}`);
  }
  span.style.background = signed(number ?? 0, largest);
  span.entry = { name, at };
  span.exact = `${name}${index} = ${number ?? "not finite"}`;
}

// -- the origin of a number -------------------------------------------------------------------

let under = null, soon = 0;

function look(span) {
  if (span === under) return;
  under = span;
  clearTimeout(soon);
  tip(span ? minus(span.exact) : "", 0, 0, span?.getBoundingClientRect());
  const card = span?.closest(".card");
  light(new Set(span?.key ? [span.key, ...termsOf(span)] : []), card, layout.units.length - 1);
  if (span?.entry && span.entry.name !== "x" && !span.closest(".chain")) soon = setTimeout(() => ask("spell", span.entry), 120);
}

// The entries of the operands that a number is made of.
const termsOf = (span) => (span.entry && span.closest(".numbers").parts ? operands.partners(span.closest(".numbers").parts, ...span.place) : []);

export function showSpelled({ name, at, text }) {
  if (under?.entry?.name === name && under.entry.at === at && text) tip(text, 0, 0, under.getBoundingClientRect());
}

const numberIn = (element) => (element.exact ? element : null);

// Among the numbers of an equation, one can be reached by Tab and the others from it by arrows.
function move(event) {
  if (event.key === "Escape") return look(null);
  const span = numberIn(event.target);
  if (!span) return;
  if (event.key === "Enter") { look(null); return look(span); }
  const box = span.closest(".numbers"), all = [...box.querySelectorAll(box.parts ? "span, i" : "span")];
  const next = (box.parts ? amongOperands : inRows)(event.key, all, all.indexOf(span));
  if (next == null) return;
  event.preventDefault();
  span.tabIndex = -1;
  all[next].tabIndex = 0;
  all[next].focus();
}

function inRows(key, all, at) {
  const across = all.findIndex((one) => one.offsetTop > all[0].offsetTop);
  return nextPlace(key, at, all.length, across < 0 ? all.length : across);
}

const amongOperands = (key, all, at) => nextThere(key, at, all.map((one) => one.getBoundingClientRect()).map(({ left, width, top, height }) => [left + width / 2, top + height / 2]));

const showFile = () => byId("cards").classList.toggle("with-file", byId("file-lines").checked);
byId("file-lines").addEventListener("change", showFile);
showFile();
byId("cards").addEventListener("pointermove", (event) => look(numberIn(event.target)));
byId("cards").addEventListener("pointerleave", () => look(null));
byId("cards").addEventListener("focusin", (event) => look(numberIn(event.target)));
byId("cards").addEventListener("focusout", () => look(null));
byId("cards").addEventListener("keydown", move);
globalThis.name = "handgrad-play"; // the derivation's links lead back to this tab
addEventListener("hashchange", () => goToCard(cards));
