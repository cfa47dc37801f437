// What an equation computes its quantity from, laid out so that the entries that meet line up.
//
// The parts are those of explain/operands.py: signs, and operands with their shape and numbers. Of
// a product x W, x stands beside the rows of W; of an outer product, one factor stands above.

import { alike, make, minus } from "./dom.js";
import { signed } from "./palette.js";

const SIGNS = { "*": "×", "-": "−", "@": "·", sum: "Σ" };
const MOST_BESIDE = 9; // columns of matrices that stand side by side
const isArray = (part) => typeof part !== "string" && part.shape.length > 0;
const wide = ({ shape }) => shape.at(-1) ?? 1;
const high = ({ shape }) => (shape.length === 2 ? shape[0] : 1);

// Signs and single numbers, as they are read: "− 0.1 ×".
export function lead(parts) {
  const words = parts.map((part) => (typeof part === "string" ? SIGNS[part] ?? part : plain(part.numbers[0][0])));
  return words.join(" ").replace(/\( /g, "(").replace(/ ([),])/g, "$1").replace(/([a-zΣ]) \(/g, "$1(");
}

const plain = (value) => (value == null ? "—" : minus(String(Number(value.toPrecision(4)))));

// One block for each array, with the signs before it; a product "x @ W" of one row is one block.
function blocksOf(parts) {
  const blocks = [];
  let before = [];
  for (let place = 0; place < parts.length; place++) {
    if (!isArray(parts[place])) { before.push(parts[place]); continue; }
    const isProduct = parts[place + 1] === "@" && isArray(parts[place + 2]) && high(parts[place]) === 1;
    const block = { lead: lead(before), at: isProduct ? place + 2 : place, left: isProduct ? place : null, tail: "" };
    before = [];
    if (isProduct) place += 2;
    for (; parts[place + 1] === ")"; place++) block.tail += ")";
    blocks.push(block);
  }
  return [...blocks, { lead: lead([...before, "="]), at: parts.length, left: null, tail: "" }];
}

// The cells of an equation: a number of part "of" at [i, j], or a text; the result comes last of
// all parts. With "groups", the arrays stand side by side, each in a grid of its own.
export function arrange(parts, result) {
  const all = [...parts, result], blocks = blocksOf(parts);
  if (parts.length === 3 && parts[1] === "@" && wide(parts[0]) === 1 && high(parts[0]) > 1) return outer(all);
  const isTall = blocks.some(({ at, left }) => left == null && high(all[at]) > 1), columns = blocks.map(({ at }) => wide(all[at]));
  if (isTall && columns.reduce((sum, count) => sum + count, 0) <= MOST_BESIDE) return beside(all, blocks);
  return stacked(all, blocks, Math.max(...columns));
}

function outer(all) {
  const [left, , above, result] = all;
  const cells = [text(nameOf(above), 1, 2, true), text("·", 2, 1), ...numbers(above, 2, 2, 2), text(nameOf(left), 3, 1), text(`= ${nameOf(result)}`, 3, 2, true)];
  left.numbers.forEach((row, i) => cells.push(number(0, i, 0, 4 + i, 1)));
  return ended(cells.concat(numbers(result, 3, 4, 2)), wide(result) + 1, left, left.numbers.length + 4);
}

// One under the other; names stand to the left, or above where there are many columns.
function stacked(all, blocks, columns) {
  const cells = [], isAbove = columns > 5 && blocks.every(({ left }) => left == null);
  let row = 1;
  for (const { lead: sign, at, left, tail } of blocks) {
    const part = all[at], name = joined(sign, `${nameOf(part)}${tail}`);
    if (left != null) {
      cells.push(text(joined(sign, nameOf(all[left])), row, 1), text(`· ${nameOf(part)}${tail}`, row, 2, true));
      part.numbers.forEach((_, i) => cells.push(number(left, 0, i, row + 1 + i, 1)));
    } else cells.push(text(name, row, 1, isAbove));
    const first = left != null || isAbove ? row + 1 : row;
    cells.push(...numbers(part, at, first, isAbove ? 1 : 2));
    row = first + part.numbers.length;
    if (high(part) > part.numbers.length) cells.push(text(more(part), row++, 1, true));
  }
  return { cells, columns: columns + (isAbove ? 0 : 1) };
}

function beside(all, blocks) {
  const groups = blocks.flatMap(({ lead: sign, at, left, tail }) => [
    ...(left == null ? [] : [{ sign, name: nameOf(all[left]), columns: wide(all[left]), cells: numbers(all[left], left, 1, 1) }]),
    { sign: left == null ? sign : "·", name: `${nameOf(all[at])}${tail}`, columns: wide(all[at]), more: high(all[at]) > all[at].numbers.length ? more(all[at]) : "", cells: numbers(all[at], at, 1, 1) },
  ]);
  return { groups, cells: groups.flatMap(({ cells }) => cells) };
}

const ended = (cells, columns, part, row) => ({ cells: high(part) > part.numbers.length ? [...cells, text(more(part), row, 1, true)] : cells, columns });
const joined = (sign, name) => `${sign} ${name}`.trim().replace(/\( /g, "(");
const more = (part) => `and ${high(part) - part.numbers.length} more rows`;
const nameOf = ({ name }) => name.replace(/_new$/, " new").replace(/^-/, "−").replace(" * ", " × ").replace(" - ", " − ");
const number = (of, i, j, row, column) => ({ of, i, j, row, column });
const text = (words, row, column, isLong = false) => ({ text: words, row, column, isLong });
const numbers = (part, of, row, column) => part.numbers.flatMap((line, i) => line.map((_, j) => number(of, i, j, row + i, column + j)));

// -- entries that belong together ---------------------------------------------------------------

// The name of an entry wherever it is shown: W2.T[1, 4] is W2[4, 1].
export function keyOf({ name, shape }, i, j) {
  const isTurned = name.endsWith(".T"), bare = isTurned ? name.slice(0, -2) : name;
  const [row, column] = isTurned ? [j, i] : [i, j];
  const isMatrix = /^d?[WV]\d*(_new)?$/.test(bare) && shape.length === 2;
  return `${bare}[${isMatrix ? `${row}, ` : ""}${isMatrix ? column : Math.max(row, column)}]`;
}

// The entries of the operands that make entry [i, j] of the result.
export function partners(parts, i, j) {
  const overRows = parts.includes("sum"), overAll = parts.includes("mean");
  return parts.flatMap((part, place) => {
    if (!isArray(part)) return [];
    const isLeft = parts[place + 1] === "@", isRight = parts[place - 1] === "@";
    return part.numbers.flatMap((line, row) => line.flatMap((_, column) => {
      const rowMeets = overAll || overRows || isRight || part.numbers.length === 1 || row === i;
      const columnMeets = overAll || isLeft || line.length === 1 || column === j;
      return rowMeets && columnMeets ? [keyOf(part, row, column)] : [];
    }));
  });
}

// The part of the network that entries stand for: lines "layer i j" and units "layer unit".
export function inNetwork(keys, last) {
  const edges = new Set(), units = new Set();
  for (const key of keys) {
    const found = key.match(/^d?([A-Za-z]+?)(\d*)(?:_new)?\[(?:(\d+), )?(\d+)\]$/);
    if (!found) continue;
    const [, letter, digits, i, j] = found;
    if (letter === "W") edges.add(`${digits} ${i} ${j}`);
    else if (letter === "x") units.add(`0 ${j}`);
    else if (letter === "score" || letter === "y") units.add(`${last} ${j}`);
    else if (["b", "r", "h"].includes(letter)) units.add(`${digits || 1} ${j}`);
  }
  return { edges, units };
}

// The names in the line of code or in a formula that entries belong to.
export const namesOf = (keys) => new Set([...keys].flatMap((key) => key.replace(/\[[^[]*\]$/, "").match(/[A-Za-z_]\w*/g) ?? []));

// -- elements -----------------------------------------------------------------------------------

// Fill a box; numbers are made by functions. Gives the elements of all numbers.
export function build(box, { cells, columns, groups }, resultAt, makeResult, makeOperand = () => make("i")) {
  const made = new Map(cells.filter(({ of }) => of != null).map((cell) => [cell, cell.of === resultAt ? makeResult() : makeOperand()]));
  const put = (cell) => {
    const element = made.get(cell) ?? make("b", { class: cell.isLong ? "name long" : "name", text: cell.text });
    element.style.gridArea = `${cell.row} / ${cell.column}${cell.isLong ? " / auto / -1" : ""}`;
    return element;
  };
  box.classList.toggle("tight", columns > 8);
  box.style.gridTemplateColumns = groups ? "" : `repeat(${columns}, max-content)`;
  box.replaceChildren(...(groups ? groups.map((group) => gathered(group, put)) : cells.map(put)));
  return [...made].map(([cell, element]) => ({ ...cell, element }));
}

function gathered({ sign, name, columns, cells, more: rest = "" }, put) {
  const grid = make("div", { class: "grid" }, ...cells.map(put));
  grid.style.gridTemplateColumns = `repeat(${columns}, max-content)`;
  return make("div", { class: "operand" }, make("em", { text: sign }), make("div", {}, make("b", { class: "name", text: name }), grid, ...(rest ? [make("b", { class: "name", text: rest })] : [])));
}

// Write an operand's numbers, with few decimals where an array is wide; whole numbers stay whole.
export function write(part, elements, columns) {
  const all = part.numbers.flat(), largest = Math.max(...all.map((value) => Math.abs(value ?? 0)));
  const texts = all.every(Number.isInteger) ? all.map((value) => minus(String(value))) : alike(all, columns > 5 ? 2 : 3);
  for (const { element, i, j } of elements) {
    const place = i * part.numbers[0].length + j, value = all[place];
    element.key = keyOf(part, i, j);
    if (element.textContent !== texts[place]) {
      element.textContent = texts[place];
      if (element.role) element.ariaLabel = `${element.key}: ${texts[place]}`;
    }
    element.style.background = signed(value ?? 0, largest);
    element.exact = `${element.key} = ${value ?? "not finite"}`;
  }
}
