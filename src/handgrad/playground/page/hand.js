// What the hand does on the map: choose and move points, draw and rub them out, begin on an empty map.

import { byId } from "./dom.js";
import { nextSample } from "./keys.js";
import { ask } from "./link.js";
import { setBoard, under } from "./map.js";
import { nearest, place } from "./plane.js";

const canvas = byId("map");
const NEAR = 10, FINGER = 22, STILL = 4, APART = 9, RUBBER = 12; // pixels
const EVERY = { move: 50, draw: 150, erase: 100 }; // milliseconds between two messages of a stroke
const MOST_SENT = 200, STEP = 0.02, ROOM = 0.95; // points; of the map's width; of it, for points
const ARROWS = { ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowLeft: [-1, 0], ArrowDown: [0, -1] };
let layout = null, frame = null, stroke = null, keyed = null, blank = null, before = "move";

export function setLayout(given) {
  layout = given;
  byId("undo").disabled = !layout.can_undo && !blank;
  byId("undo").hidden = byId("empty").hidden = !isOurs();
  if (layout.recipe.data !== "drawn") byId("data-settings").style.minHeight = "";
  if (blank && !isOurs()) leave();
  if (!isOurs()) choice("");
}

// Points are changed by hand on a plane of classes; numbers have none to draw with.
const isOurs = () => layout.is_plane && !layout.numbers;

// The map stays under the pointer when its first change by hand takes settings away from above it.
function pin() {
  const settings = byId("data-settings");
  settings.style.minHeight = `${settings.getBoundingClientRect().height}px`;
}

export function draw(given) {
  if (frame && given.sample !== frame.sample) keyed = null;
  frame = given;
}

// -- strokes ------------------------------------------------------------------------------------

const tool = () => (byId("draw").checked ? "draw" : byId("erase").checked ? "erase" : "move");

canvas.addEventListener("pointerdown", (event) => {
  if (!layout || event.button > 0) return;
  keyed = null;
  pin();
  const kind = tool(), at = under(event);
  if (kind === "move") return choose(event, at);
  stroke = { kind, at: [], goesOn: false, last: null, extent: layout.extent };
  touch(event);
  send();
});

// The nearest point is chosen; from close by it can be dragged, by a finger once it is chosen.
function choose(event, at) {
  const row = nearest(layout.points, ...at), [x, y] = place(layout.extent, layout.points[row], canvas.clientWidth);
  const box = canvas.getBoundingClientRect(), away = Math.hypot(event.clientX - box.left - x, event.clientY - box.top - y);
  const isFinger = event.pointerType === "touch", isNear = away < (isFinger ? FINGER : NEAR);
  if (blank) return;
  if (isOurs() && isNear && (!isFinger || row === frame?.sample)) stroke = { kind: "move", row, from: [event.clientX, event.clientY], at: [], goesOn: false, extent: layout.extent };
  ask("sample", { row });
}

addEventListener("pointermove", (event) => {
  if (!stroke) return;
  if (stroke.kind === "move" && !stroke.goesOn && Math.hypot(event.clientX - stroke.from[0], event.clientY - stroke.from[1]) < STILL) return;
  touch(event);
  if (stroke.at.length) stroke.timer ||= setTimeout(send, EVERY[stroke.kind]);
});

function touch(event) {
  const at = within(stroke.extent, under(event, stroke.extent));
  if (stroke.kind === "move") return void (stroke.at = [at]);
  if (stroke.last && Math.hypot(event.clientX - stroke.last[0], event.clientY - stroke.last[1]) < APART) return;
  stroke.last = [event.clientX, event.clientY];
  if (stroke.kind === "draw" && blank) return collect([...at, Number(byId("brush").value)]);
  stroke.at.push(stroke.kind === "draw" ? [...at, Number(byId("brush").value)] : at);
}

// A place within the map, clear of its edges: they would move with a point on them.
export function within([left, right, low, high], [x1, x2]) {
  const keep = (value, least, most) => {
    const middle = (least + most) / 2, half = (ROOM * (most - least)) / 2;
    return Math.max(middle - half, Math.min(middle + half, value));
  };
  return [keep(x1, left, right), keep(x2, low, high)];
}

function send() {
  if (!stroke) return;
  clearTimeout(stroke.timer);
  stroke.timer = 0;
  while (stroke.at.length) {
    const some = stroke.at.splice(0, MOST_SENT), goes_on = stroke.goesOn;
    if (stroke.kind === "move") ask("move", { row: stroke.row, to: some.at(-1), goes_on });
    else if (stroke.kind === "draw") ask("draw", { points: some, goes_on });
    else ask("erase", { places: some, radius: (RUBBER / canvas.clientWidth) * (stroke.extent[1] - stroke.extent[0]), goes_on });
    stroke.goesOn = true;
  }
}

function end() {
  send();
  stroke = null;
}

// A point that is moved goes back to where it was, to its last bit: the server has kept it.
function giveUp() {
  if (stroke?.kind === "move") {
    clearTimeout(stroke.timer);
    if (stroke.goesOn) ask("undo");
    stroke = null;
  } else if (keyed) {
    ask("undo");
    keyed = null;
  } else if (blank) giveBack();
}

addEventListener("pointerup", end);
addEventListener("pointercancel", () => (stroke?.kind === "move" ? giveUp() : end()));
addEventListener("keydown", (event) => { if (event.key === "Escape") giveUp(); });
canvas.addEventListener("touchmove", (event) => { if (stroke) event.preventDefault(); }, { passive: false });

// -- keys ---------------------------------------------------------------------------------------

// Arrow keys choose another point; with Shift they move the chosen one.
canvas.addEventListener("keydown", (event) => {
  if (event.shiftKey && ARROWS[event.key] && frame && !blank && isOurs()) {
    event.preventDefault();
    pin();
    return nudge(ARROWS[event.key]);
  }
  const row = layout ? nextSample(event.key, frame?.sample, layout.n) : null;
  if (row == null) return;
  event.preventDefault();
  ask("sample", { row });
});
canvas.addEventListener("blur", () => { keyed = null; });

function nudge([across, up]) {
  const { extent } = layout, row = frame.sample, step = STEP * (extent[1] - extent[0]), goes_on = keyed != null;
  const [x1, x2] = keyed?.at ?? layout.points[row];
  keyed = { at: within(extent, [x1 + step * across, x2 + step * up]) };
  ask("move", { row, to: keyed.at, goes_on });
}

// -- an empty map -------------------------------------------------------------------------------

byId("empty").addEventListener("click", () => {
  ask("pause");
  if (!blank) before = tool();
  choice("draw");
  blank = [];
  byId("undo").disabled = false;
  tell();
});
byId("undo").addEventListener("click", () => (blank ? giveBack() : ask("undo")));

function collect(point) {
  if (blank.length < MOST_SENT) blank.push(point);
  const classes = new Set(blank.map(([, , k]) => k)).size;
  if (blank.length < layout.least_points || classes < 2) return tell();
  ask("draw", { points: blank, wipe: true });
  stroke.goesOn = true;
  leave();
}

function leave() {
  blank = null;
  byId("undo").disabled = !layout.can_undo;
  tell();
}

// Without a new point the map takes the hand as it did before, so that a click draws none.
function giveBack() {
  leave();
  choice(before);
}

function tell() {
  setBoard(blank);
  byId("board-words").textContent = blank ? emptyWords(blank, layout.least_points) : "";
}

export function emptyWords(points, least) {
  const classes = new Set(points.map(([, , k]) => k)).size;
  return `Draw at least ${least} points of two classes or more: ${points.length} of ${classes} so far. Until then the network keeps its points, shown pale; Undo or Escape brings them back.`;
}

function choice(name) {
  for (const each of ["draw", "erase"]) byId(each).checked = each === name;
  canvas.classList.toggle("tool", tool() !== "move");
}
for (const name of ["draw", "erase"]) byId(name).addEventListener("change", (event) => choice(event.target.checked ? name : ""));
