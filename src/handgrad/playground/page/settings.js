// Settings in the address: each as JSON, so that a link gives back exactly what it was made of.

export const toLink = (recipe) =>
  String(new URLSearchParams(Object.entries(recipe).map(([name, value]) => [name, JSON.stringify(value)])));

// From the parameters behind #; null where there are none, or they are not ours.
export function fromLink(given) {
  const settings = {};
  for (const [name, value] of given) {
    try { settings[name] = JSON.parse(value); } catch { return null; }
  }
  return given.size ? settings : null;
}
