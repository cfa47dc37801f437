// Reads the cells of a row. A reader puts the numbers of a cell into their places, and gives the
// text to be found among levels: null for none.

// Take the blanks around a text away.
function bare(text) {
  let start = 0, end = text.length;
  while (start < end && BLANK.test(text[start])) start++;
  while (start < end && BLANK.test(text[end - 1])) end--;
  return text.slice(start, end);
}

function isDate(cell) {
  return Object.prototype.toString.call(cell) === "[object Date]";
}

// Give a cell, null where nothing stands there.
function valueOf(cell) {
  const isGone = cell === undefined || Number.isNaN(cell) || (isDate(cell) && Number.isNaN(cell.getTime()));
  return isGone ? null : cell;
}

// Tell whether a text is one of some numbers, as -999.0 is -999.
function isCode(text, codes) {
  return codes.length > 0 && PLAIN_NUMBER.test(text) && codes.includes(Number(text));
}

// Give a text, null where it means a missing cell.
function present(column, text) {
  const word = bare(text);
  return column.words.has(word) || isCode(word, column.codes) ? null : text;
}

function shown(cell) {
  if (isDate(cell)) return cell.toISOString();
  return typeof cell === "string" ? JSON.stringify(cell) : cell instanceof Object ? "an object" : String(cell);
}

// Refuse a cell of a column.
function refused(column, cell, told) {
  return new Error(`column ${JSON.stringify(column.name)}: ${shown(cell)} ${told}`);
}

// Give a number, NaN where it means a missing cell.
function known(column, cell) {
  const isNumber = ["number", "bigint", "boolean"].includes(typeof cell);
  const value = isNumber ? Number(cell) : Infinity;
  if (Math.abs(value) === Infinity) throw refused(column, cell, "is not a finite number");
  return column.codes.includes(value) ? NaN : value;
}

// Read a number as it is written in this column; NaN where it is none.
function numberIn(text, writing) {
  const value = writing === PLAIN && PLAIN_NUMBER.test(text) ? Number(text) : numberAsWritten(text, writing);
  return Math.abs(value) === Infinity ? NaN : value;
}

// Read a number, or the word that stands in its place.
function readNumberOrWord(column, cell, numbers) {
  let value = valueOf(cell), word = null;
  if (typeof value === "string") {
    word = present(column, bare(value));
    value = word === null ? null : numberIn(word, column.writing);
    if (!Number.isNaN(value)) word = null;
  }
  numbers[column.first] = value === null || Number.isNaN(value) ? NaN : known(column, value);
  return word;
}

// Read a number, or the word or the rarer unit that is a level beside it.
function readNumberWithUnits(column, cell, numbers) {
  const word = readNumberOrWord(column, cell, numbers);
  return word === null && typeof cell === "string" ? unitIn(cell, column.writing) : word;
}

// Read a number, plain or missing.
function readNumber(column, cell, numbers) {
  const word = readNumberOrWord(column, cell, numbers);
  if (word === null) return null;
  throw refused(column, word, "is not a number; mend the cell, or pass null if the value is missing");
}

function truthOf(text) {
  const low = text.toLowerCase().replaceAll("ſ", "s");
  if (TRUE.has(low)) return 1;
  if (FALSE.has(low)) return 0;
  return PLAIN_NUMBER.test(text) ? Number(text) : NaN;
}

// Read yes or no in any spelling; a number stays the number that it is.
function readBoolean(column, cell, numbers) {
  let value = valueOf(cell);
  if (typeof value === "string") {
    const text = present(column, bare(value));
    value = text === null ? NaN : truthOf(text);
  } else value = value === null ? NaN : known(column, value);
  numbers[column.first] = value;
  return null;
}

// Read a text; numbers and booleans are written as one.
function readCategory(column, cell) {
  const value = valueOf(cell);
  if (value === null) return null;
  if (typeof value === "string") return present(column, value);
  if (value instanceof Object) throw refused(column, cell, "is neither a text nor a number nor a boolean");
  const isLong = typeof value === "number" && Math.abs(value) >= 1e10 && !Number.isInteger(value);
  const text = isLong ? value.toExponential() : String(value);
  return isCode(text, column.codes) ? null : text;
}

// Give what all spellings of one whole number, boolean or word have in common.
function meaning(text) {
  const whole = WHOLE.exec(text);
  if (whole) return BigInt(whole[1].replace("+", ""));
  const low = text.toLowerCase().replaceAll("ſ", "s");
  return low === "true" ? 1n : low === "false" ? 0n : text.normalize("NFC");
}

// Prepare levels to be found by their text, or by what they mean unless several mean the same.
function levelsOf(levels) {
  const exact = new Map(levels.map((level, place) => [level, place])), alike = new Map();
  for (const [level, place] of exact) {
    if (level !== null) alike.set(meaning(level), alike.has(meaning(level)) ? -1 : place);
  }
  return { exact, alike, n: levels.length };
}

// Find the input of a level; -1 where there is none.
function placeOf(text, { levels, other }) {
  const place = levels.exact.get(text) ?? -1;
  if (text === null || place >= 0) return place;
  const same = levels.alike.get(meaning(text)) ?? -1;
  return same < 0 && other ? levels.n : same;
}

// Read a row, an object: its numbers, which of them are missing, and the places of its levels.
function readRow(row, columns, n) {
  if (row === null || typeof row !== "object" || Array.isArray(row) || ArrayBuffer.isView(row)) {
    throw new Error("a row must be an object with a cell for each column");
  }
  const lacking = columns.filter(({ name }) => !Object.hasOwn(row, name)).map(({ name }) => name);
  if (lacking.length) throw new Error(`the row lacks the columns ${JSON.stringify(lacking)}; pass null for a missing cell`);
  const numbers = new Array(n).fill(NaN), missing = new Array(n).fill(0), places = [];
  for (const column of columns) {
    const text = column.read(column, row[column.name], numbers);
    if (text === null && Number.isNaN(numbers[column.first])) missing[column.first] = 1;
    if (column.levels) places.push(placeOf(text, column));
  }
  return { numbers, missing, places };
}

// Read a row, an array of numbers in the order of training.
function readArray(row, needed, n) {
  if (row.length !== n) throw new Error(`a row must have ${n} numbers; it has ${row.length}`);
  const numbers = needed.map((at) => {
    if (row[at] === null || row[at] === undefined) return NaN;
    if (typeof row[at] === "number" && Math.abs(row[at]) !== Infinity) return row[at];
    throw new Error(`${shown(row[at])} is not a finite number`);
  });
  return { numbers, missing: numbers.map((one) => (Number.isNaN(one) ? 1 : 0)), places: [] };
}
