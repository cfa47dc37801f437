// Below a gradient's numbers: its sum over the rows of the batch so far, and the mean at the end.

import { byId, make } from "./dom.js";
import { arrange, build, write } from "./operands.js";

const KINDS = ["sample", "batch"]; // of steps that go by the rows of a batch

export function draw({ tally }) {
  const isShown = tally && KINDS.includes(byId("by").value);
  for (const box of byId("cards").querySelectorAll(".tally")) box.hidden = !isShown || !tally.sums[box.dataset.of];
  if (isShown) for (const name of Object.keys(tally.sums)) fill(boxOf(name), name, tally);
}

function boxOf(name) {
  const card = byId("cards").querySelector(`.card[data-name="${name}"]`);
  let box = card.querySelector(".tally");
  if (!box) {
    box = make("div", { class: "tally", "data-of": name }, make("p", { class: "words" }), make("div", { class: "numbers told" }));
    card.querySelector("code").before(box);
  }
  return box;
}

function fill(box, name, tally) {
  const [words, grid] = box.children, { parts, result } = summed(name, tally), all = [...parts, result];
  words.textContent = told(tally);
  const kind = JSON.stringify(all.map((part) => part.shape ?? part));
  if (grid.dataset.kind !== kind) {
    grid.dataset.kind = kind;
    grid.cells = build(grid, arrange(parts, result), parts.length, () => make("i"));
  }
  const columns = Math.max(...all.map((part) => part.shape?.at(-1) ?? 1));
  all.forEach((part, of) => part.numbers && write(part, grid.cells.filter((cell) => cell.of === of), columns));
}

// The sum alone, or, once all rows have come, the sum divided by their number.
export function summed(name, { of, sums, means, l2 }) {
  const sum = { name: "sum", ...sums[name] };
  if (!means) return { parts: [], result: sum };
  const isShrunk = l2 > 0 && !name.startsWith("db"), tail = isShrunk ? ["+", `L2 ${name.slice(1)}`] : [];
  return { parts: [sum, "/", { name: "n", shape: [], numbers: [[of]] }, ...tail], result: { name: "mean", ...means[name] } };
}

export function told({ done, of, means, was_taken: wasTaken, drops }) {
  const rows = of === 1 ? "the batch's one row" : `${done < of ? `${done} of ` : ""}the batch's ${of} rows`;
  if (!means) return `Summed over ${rows} so far:`;
  return `Summed over ${rows}; divided by ${of}, the mean, which the ${wasTaken ? "last update took" : "next update takes"}${drops ? ", but for dropout" : ""}:`;
}
