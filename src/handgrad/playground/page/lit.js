// Entries that belong together light up: in the grids, the formula, the line of code, the network.

import { byId } from "./dom.js";
import * as graph from "./graph.js";
import { inNetwork, namesOf } from "./operands.js";

let lit = [];

// Light entries by their keys, and their names in one card; nothing without keys.
export function light(keys, card, last) {
  for (const element of lit) element.classList.remove("term");
  const names = namesOf(keys), isNamed = (element) => names.has(element.textContent);
  lit = keys.size ? [...[...byId("cards").querySelectorAll(".numbers span, .numbers i")].filter(({ key }) => keys.has(key)),
    ...[...card.querySelectorAll(".formula msub, .formula mi, code i")].filter(isNamed)] : [];
  for (const element of lit) element.classList.add("term");
  graph.light(keys.size ? inNetwork(keys, last) : null);
}
