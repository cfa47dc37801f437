// Reads dates, times of day and durations: as seconds since 1970 in UTC, since midnight, or in all.

// Read a date, and the time in it; NaN where the text is none.
function dateIn(text, order) {
  const low = bare(text).toLowerCase().replace(/^([0-9]{8})\.0+$/, "$1"); // 20210304.0, beside a hole
  for (const form of DATES) {
    const found = form.exec(low)?.groups;
    if (found) return dateOf(found, order);
  }
  return NaN;
}

// Read a time of day; 12.30 alone is a number.
function timeIn(text) {
  const found = CLOCK.exec(bare(text).toLowerCase())?.groups;
  return !found || (found.colon === "." && !found.second) ? NaN : clockOf(found);
}

function clockOf(found) {
  const minute = Number(found.minute), second = Number((found.second || "0").replaceAll(",", "."));
  let hour = Number(found.hour);
  if (found.half) {
    if (hour < 1 || hour > 12) return NaN;
    hour = (hour % 12) + (found.half === "p" ? 12 : 0);
  }
  return hour > 23 || minute > 59 || second >= 61 ? NaN : 3600 * hour + 60 * minute + second;
}

// Read a length of time.
function durationIn(text) {
  const low = bare(text).toLowerCase();
  for (const form of SPANS) {
    const found = form.exec(low)?.groups;
    if (!found || !(found.day || found.hour || found.minute || found.second)) continue;
    const of = (unit, seconds) => seconds * Number((found[unit] || "0").replaceAll(",", "."));
    const days = of("day", DAY), rest = of("hour", 3600) + of("minute", 60) + of("second", 1);
    if (found.sign && /[+,]/.test(low)) return rest - days; // -1 days +06:00:00 is -18 hours
    return found.sign ? -(days + rest) : days + rest;
  }
  return NaN;
}

function dateOf(found, order) {
  if (found.week) return weekOf(Number(found.year), Number(found.week), Number(found.weekday || 1));
  let { year } = found, month, day;
  if (found.a?.length === 4) [year, month, day] = [found.a, found.b, found.c];
  else if (found.a) [year, month, day] = order === "mdy" ? [found.c, found.a, found.b] : [found.c, found.b, found.a];
  else {
    month = found.month ? MONTHS.indexOf(found.month.slice(0, 3)) + 1 : found.number || 1;
    day = found.day || 1;
  }
  const days = daysSince1970(fullYear(year), Number(month), Number(day));
  return days * DAY + (found.hour ? clockOf(found) : 0) - offsetOf(found.zone);
}

// Read 68 as 2068 and 69 as 1969, as POSIX does.
function fullYear(year) {
  const number = Number(year);
  return year.length === 4 ? number : number + (number > 68 ? 1900 : 2000);
}

// Count the days; NaN where the date does not exist.
function daysSince1970(year, month, day) {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const isThere = year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return isThere ? date.getTime() / (1000 * DAY) : NaN;
}

// Find a day by its ISO week: week 1 has the fourth of January.
function weekOf(year, week, weekday) {
  const fourth = daysSince1970(year, 1, 4), monday = fourth - remainder(fourth + 3, 7);
  return week >= 1 && week <= 53 ? (monday + 7 * (week - 1) + weekday - 1) * DAY : NaN;
}

function offsetOf(zone) {
  if (!zone || /^[a-z]/.test(zone)) return 0;
  const digits = zone.slice(1).replace(":", "").padEnd(4, "0");
  return (zone[0] === "-" ? -1 : 1) * (3600 * Number(digits.slice(0, 2)) + 60 * Number(digits.slice(2)));
}

function remainder(a, b) {
  const rest = a % b;
  return rest < 0 ? rest + b : rest;
}

// Turn a moment into numbers: the time elapsed, and the parts that vary; NaN stays NaN in all.
function partsOf(seconds, { what, parts }) {
  const days = Math.floor(seconds / DAY), date = new Date(1000 * DAY * days);
  const digits = (value) => Math.floor(value * 2 ** 40 + 0.5) / 2 ** 40; // as the library rounds them
  const circle = (share) => [digits(Math.sin(2 * Math.PI * share)), digits(Math.cos(2 * Math.PI * share))];
  const of = {
    year: () => [date.getUTCFullYear()],
    month: () => circle(date.getUTCMonth() / 12),
    weekday: () => circle(remainder(days + 3, 7) / 7), // 1970 began on a Thursday
    hour: () => circle(remainder(seconds, DAY) / DAY),
  };
  return [seconds / (what === "date" ? DAY : 3600), ...parts.flatMap((part) => of[part]())];
}

// Round to a whole number, a half to an even one.
function rounded(value) {
  const near = Math.round(value);
  return near - value === 0.5 && near % 2 ? near - 1 : near;
}

// Read a date, a time or a duration: a text, a number such as 20210304, or a Date.
function readDate(column, cell, numbers) {
  let value = valueOf(cell), seconds = NaN;
  if (isDate(value)) seconds = column.writing.what === "date" ? value.getTime() / 1000 : NaN;
  else if (value !== null) {
    if (typeof value !== "string") value = String(rounded(known(column, value)));
    const text = present(column, bare(value));
    seconds = text === null ? NaN : column.writing.momentIn(text, column.writing.order);
  }
  partsOf(seconds, column.writing).forEach((one, at) => { numbers[column.first + at] = one; });
  return null;
}
