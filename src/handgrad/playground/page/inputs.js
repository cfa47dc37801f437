// A table of many columns: every input by name, with the sample's value and the weight into a unit.

import { alike, byId, make } from "./dom.js";
import { column, largestOf } from "./image.js";
import { nextSample } from "./keys.js";
import { ask } from "./link.js";
import { truthOf } from "./numbers.js";
import { signed } from "./palette.js";
import { unitName } from "./shapes.js";

const EVERY = 90;
const isShown = () => layout && !layout.is_plane && !layout.picture;
let layout = null, rows = [], frame = null, when = 0;

export function setLayout(given) {
  layout = given;
  frame = null;
  byId("inputs").hidden = !isShown();
  if (!isShown()) return;
  when = 0;
  const units = byId("inputs-unit"), before = units.selectedIndex;
  units.replaceChildren(...Array.from({ length: layout.shown[1] }, (_, unit) => make("option", { text: unitName(layout, 1, unit) })));
  units.selectedIndex = before >= 0 && before < layout.shown[1] ? before : 0;
  rows = layout.names.map((name) => make("tr", {}, make("th", { text: name, title: name, scope: "row" }), make("td"), make("td")));
  byId("inputs-table").replaceChildren(make("tr", {}, make("th", { text: `${layout.names.length} inputs` }),
    make("th", { text: "sample" }), make("th", { text: "weight" })), ...rows);
  const { left_out } = layout;
  byId("left-out").textContent = left_out.length ? `Left out because they hold too many different texts: ${left_out.join(", ")}.` : "";
}

// Show the weights into another unit of the first layer.
export function choose(unit) {
  if (!isShown()) return;
  byId("inputs-unit").selectedIndex = unit;
  when = 0;
  if (frame) draw(frame);
}

export function draw(given) {
  frame = given;
  if (!isShown()) return;
  const now = performance.now();
  if (frame.playing && now - when < EVERY) return;
  when = now;
  const number = byId("inputs-sample");
  number.max = layout.n;
  if (document.activeElement !== number) number.value = frame.sample + 1;
  byId("inputs-words").textContent = `of ${layout.n}, ${truthOf(layout, frame.y_t)}`;
  const weights = column(frame.first, layout.shown[1], byId("inputs-unit").selectedIndex);
  fill(1, [...frame.input]);
  fill(2, [...weights]);
}

function fill(place, values) {
  const largest = largestOf(values), texts = alike(values, 3, 3);
  values.forEach((value, i) => {
    const cell = rows[i].children[place];
    cell.textContent = texts[i];
    cell.style.background = signed(value, largest);
  });
}

byId("inputs-unit").addEventListener("change", () => choose(byId("inputs-unit").selectedIndex));
byId("inputs-sample").addEventListener("change", (event) => {
  if (event.target.value && event.target.checkValidity()) ask("sample", { row: Number(event.target.value) - 1 });
});
byId("inputs-scroll").addEventListener("keydown", (event) => {
  const row = event.key.match(/Left|Right/) && frame ? nextSample(event.key, frame.sample, layout.n) : null;
  if (row == null) return;
  event.preventDefault();
  ask("sample", { row });
});
