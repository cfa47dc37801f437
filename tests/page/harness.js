// What the tests of the page's modules are written with. Each result: [name, what went wrong].

export const results = [];

export function test(name, check) {
  try { check(); results.push([name, ""]); } catch (error) { results.push([name, String(error?.stack ?? error)]); }
}

export function same(found, expected) {
  const [a, b] = [found, expected].map((value) => JSON.stringify(value));
  if (a !== b) throw new Error(`found ${a}, expected ${b}`);
}

export function near(found, expected, most = 1e-9) {
  const far = [found].flat(9).some((value, at) => !(Math.abs(value - [expected].flat(9)[at]) <= most));
  if (far || [found].flat(9).length !== [expected].flat(9).length) throw new Error(`found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
}

export function holds(condition, words) {
  if (!condition) throw new Error(words ?? "it does not hold");
}
