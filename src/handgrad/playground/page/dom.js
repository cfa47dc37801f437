// Elements, made without markup: text from a table can only ever become text.

export const byId = (id) => document.getElementById(id);

export function make(tag, attributes = {}, ...inner) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...inner);
  return element;
}

const MATH = "http://www.w3.org/1998/Math/MathML";

// A formula as the server sends it: [tag, attributes, text or elements].
export function formula([tag, attributes, inner]) {
  const element = document.createElementNS(MATH, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (Array.isArray(inner)) element.append(...inner.map(formula));
  else element.textContent = inner;
  return element;
}

// One kind of minus, before a number and in its power of ten.
export const minus = (text) => text.replace(/-/g, "−");

// So many decimals; what rounds to nothing has no sign.
const rounded = (number, decimals) => minus(number.toFixed(decimals).replace(/^-(?=[0.]+$)/, ""));

// A number with as many decimals as suit a size, from least to most.
function within(number, size, most = 3, least = 0) {
  if (number == null) return "—";
  if (number === 0) return "0";
  if (size >= 10000 || size < 0.5 / 10 ** most) return minus(number.toExponential(Math.max(0, most - 2)));
  const decimals = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return rounded(number, Math.max(least, Math.min(most, decimals)));
}

export const brief = (number) => within(number, Math.abs(number ?? 0));

// Numbers that stand together, all with as many decimals as suit the largest.
export function alike(numbers, most, least) {
  const largest = numbers.reduce((size, number) => Math.max(size, Math.abs(number ?? 0)), 0);
  return numbers.map((number) => within(number, largest, most, least));
}

export const fixed = (number, digits = 4) => (number == null ? "—" : rounded(number, digits));

// A probability; one that would round to 0 or 100 % is written as < or >.
export function percent(p) {
  if (p == null) return "—";
  if (p > 0.9995) return ">99.9 %";
  if (p < 0.0005) return "<0.1 %";
  return `${(100 * p).toFixed(p > 0.99 || p < 0.01 ? 1 : 0)} %`;
}

// A canvas at the resolution of the screen; its context counts in CSS pixels.
export function fitted(canvas) {
  const dots = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * dots) || canvas.height !== Math.round(height * dots)) {
    canvas.width = Math.round(width * dots);
    canvas.height = Math.round(height * dots);
  }
  const context = canvas.getContext("2d");
  context.setTransform(dots, 0, 0, dots, 0, 0);
  return { context, width, height };
}

// A tooltip for what is under the pointer, or for the box of an element; within the window.
export function tip(text, x, y, box = { left: x + 12, top: y - 6, bottom: y + 10 }) {
  const shown = byId("tip");
  shown.hidden = !text;
  if (!text) return;
  shown.textContent = text;
  const below = box.bottom + 4, fits = below + shown.offsetHeight + 8 <= window.innerHeight;
  shown.style.left = `${Math.max(8, Math.min(box.left, window.innerWidth - shown.offsetWidth - 8))}px`;
  shown.style.top = `${fits ? below : Math.max(8, box.top - 4 - shown.offsetHeight)}px`;
}

// Lengths of drawings, which grow with the type: 1 where a rem has 16 pixels.
export const scale = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
