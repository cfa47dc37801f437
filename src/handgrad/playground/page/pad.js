// A sheet to draw a digit on, by pointer or keys; the server answers with what the network sees.

import { byId, fitted, make } from "./dom.js";
import { inked, paint, theme } from "./image.js";
import { DOTS, enlarged, pixels, sheet, stroke, toggle } from "./ink.js";
import { nextPixel } from "./keys.js";
import { ask } from "./link.js";
import { isDark, style } from "./palette.js";
import { answer, show } from "./pictures.js";

const canvas = byId("pad"), small = make("canvas");
let layout = null, dots = sheet(), last = null, pixel = 27, waiting = false;

export function setLayout(given) {
  const begins = layout?.picture == null && given.picture != null;
  layout = given;
  if (begins) { dots = sheet(); requestAnimationFrame(paintPad); }
}

export function draw(frame) {
  if (!layout.picture) return;
  const { pad } = frame;
  byId("pad-seen").hidden = byId("wipe").hidden = !pad;
  byId("pad-words").textContent = pad ? answer(pad.y) : "draw a digit above";
  if (pad) show(byId("pad-seen"), pad.pixels);
  paintPad();
}

function paintPad() {
  const { context, width } = fitted(canvas), side = layout.picture[0], cell = width / side;
  paint(small, inked(dots, 1, theme(isDark())), [DOTS, DOTS]);
  context.drawImage(small, 0, 0, width, width);
  context.strokeStyle = style("--line");
  context.lineWidth = 0.5;
  for (let at = 1; at < side; at++) {
    context.strokeRect(at * cell, 0, 0, width);
    context.strokeRect(0, at * cell, width, 0);
  }
  if (document.activeElement !== canvas || !canvas.matches(":focus-visible")) return;
  context.strokeStyle = style("--up");
  context.lineWidth = 2.5;
  context.strokeRect((pixel % side) * cell + 1, Math.floor(pixel / side) * cell + 1, cell - 2, cell - 2);
}

function changed() {
  if (!waiting) requestAnimationFrame(send);
  waiting = true;
}

function send() {
  waiting = false;
  paintPad();
  ask("pad", { pixels: dots.some((ink) => ink) ? pixels(enlarged(dots), layout.picture[0]) : [] });
}

function wipe() {
  dots = sheet();
  changed();
}

const under = (event) => {
  const box = canvas.getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * DOTS, ((event.clientY - box.top) / box.height) * DOTS];
};

function go(event) {
  const at = under(event);
  stroke(dots, last ?? at, at);
  last = at;
  changed();
}

canvas.addEventListener("pointerdown", (event) => {
  if (!layout?.picture) return;
  canvas.setPointerCapture(event.pointerId);
  last = null;
  go(event);
});
canvas.addEventListener("pointermove", (event) => {
  if (event.buttons && last) for (const one of event.getCoalescedEvents?.() ?? [event]) go(one);
});
for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { last = null; });
canvas.addEventListener("keydown", (event) => {
  if (!layout?.picture) return;
  const next = nextPixel(event.key, pixel, layout.picture);
  if (next != null) { pixel = next; paintPad(); }
  else if (event.key === " " || event.key === "Enter") { toggle(dots, pixel, layout.picture[0]); changed(); }
  else if (event.key === "Backspace" || event.key === "Delete") wipe();
  else return;
  event.preventDefault();
});
for (const name of ["focus", "blur"]) canvas.addEventListener(name, () => layout?.picture && paintPad());
byId("wipe").addEventListener("click", wipe);
