// Reads numbers as people write them: 1.448,00 €, (1.45), 14.5 kg, 12 500, 3.2M.

// Take a text apart around its first number; null where there is none.
function takenApart(text) {
  const found = NUMBER.exec(text);
  if (!found) return null;
  const around = [text.slice(0, found.index), text.slice(found.index + found[0].length)];
  let [before, after] = around.map((one) => one.replace(BLANKS, "").toLowerCase());
  const number = found[0].replace(BLANKS, " ").replaceAll("’", "'");
  if ([...after].length > 2 && /\p{L}s$/u.test(after)) after = after.slice(0, -1);
  if (/^\(|\($/.test(before) && /^\)|\)$/.test(after)) {
    return { number, isNegative: true, before: before.replace(/^\(+|\(+$/g, ""), after: after.replace(/^\)+|\)+$/g, "") };
  }
  if (/[.,]$/.test(number)) after = after.replace(/^[-−–—]+/, ""); // 5,- has no cents; the sign is no minus
  let isNegative = true;
  if (/^[-−–]/.test(before)) before = before.slice(1);
  else if (/[-−–]$/.test(before) && !/\p{L}.$/u.test(before)) before = before.slice(0, -1);
  else if (/^[-−–]$/.test(after)) after = "";
  else {
    isNegative = false;
    if (before[0] === "+") before = before.slice(1);
  }
  return { number, isNegative, before, after };
}

const NEVER_LEFT_OUT = /[%0-9<>≤≥~≈+]/;

function withoutEnd(text, end) {
  return end && text.endsWith(end) ? text.slice(0, -end.length) : text;
}

function fits(parts, writing) {
  let { before, after } = parts;
  if (writing.scaled) {
    const ending = withoutEnd(after, writing.after);
    if (MULTIPLIERS.has(ending) || ending === "") after = writing.after;
  }
  if (before === writing.before && [writing.after, ...writing.units].includes(after)) return true;
  const isZero = /^[0.,]*$/.test(parts.number), around = writing.before + writing.after;
  const isLeftOut = around !== "" && !NEVER_LEFT_OUT.test(around);
  return before === "" && after === "" && (isZero || isLeftOut);
}

// Tell whether digits are grouped: 1,234,567, or 12,34,567 as in India.
function isGrouped(whole, sign) {
  const groups = whole.split(sign), [first] = groups, inner = groups.slice(1, -1);
  if (!groups.every((group) => /^[0-9]+$/.test(group)) || first.length > 3 || groups.at(-1).length !== 3) return false;
  const all = (n) => inner.every((group) => group.length === n);
  return all(3) || (sign === "," && all(2) && first.length <= 2);
}

// Give the value of a number without what surrounds it.
function valueWritten(number, { decimal, thousands }) {
  const power = /[eE][+-]?[0-9]+$/.exec(number)?.[0] ?? "", mantissa = withoutEnd(number, power);
  const hasPoint = /^[0-9]+\.(?:[0-9]{1,2}|[0-9]{4,})$/.test(mantissa);
  const point = decimal === "," && !thousands && hasPoint ? "." : decimal; // 2.5 beside 2,5
  const at = mantissa.indexOf(point), fraction = at < 0 ? "" : mantissa.slice(at + 1);
  let whole = at < 0 ? mantissa : mantissa.slice(0, at);
  if (thousands && whole.includes(thousands)) {
    if (!isGrouped(whole, thousands)) return NaN;
    whole = whole.replaceAll(thousands, "");
  }
  if (!/^[0-9]*$/.test(whole + fraction)) return NaN;
  return whole || fraction ? Number(`${whole || "0"}.${fraction || "0"}${power}`) : NaN;
}

// Read a number; NaN where the text is none in this writing.
function numberAsWritten(text, writing) {
  const parts = takenApart(text);
  if (!parts || !fits(parts, writing)) return NaN;
  let value = valueWritten(parts.number, writing);
  if (writing.scaled) value *= MULTIPLIERS.get(withoutEnd(parts.after, writing.after)) ?? 1;
  return parts.isNegative ? -value : value;
}

// Give the unit of a number, where it is not that of most.
function unitIn(text, writing) {
  const after = takenApart(text)?.after;
  return writing.units.includes(after) ? after : null;
}
