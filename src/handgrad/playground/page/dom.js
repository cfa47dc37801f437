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

// A number in at most five signs, for a long row.
export function tight(number) {
  const size = Math.abs(number ?? 0);
  if (number == null || size === 0 || size >= 1000) return brief(number).replace(/\.\d(?=e)/, "");
  if (size < 0.005) return number.toExponential(0).replace(/-/g, "−");
  return number.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2).replace("-", "−");
}

export function brief(number) {
  if (number == null) return "—";
  if (number === 0) return "0";
  const size = Math.abs(number);
  if (size >= 10000 || size < 0.0005) return number.toExponential(1).replace("-", "−");
  return number.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3).replace("-", "−");
}

export const fixed = (number, digits = 4) => (number == null ? "—" : number.toFixed(digits));

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

export function tip(text, x, y) {
  const box = byId("tip");
  box.hidden = !text;
  if (!text) return;
  box.textContent = text;
  box.style.left = `${Math.min(x + 12, window.innerWidth - box.offsetWidth - 8)}px`;
  box.style.top = `${Math.min(y + 14, window.innerHeight - box.offsetHeight - 8)}px`;
}
