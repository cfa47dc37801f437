// Settings in the address: each as JSON, so that a link restores them exactly.

export const toLink = (recipe) =>
  String(new URLSearchParams(Object.entries(recipe).map(([name, value]) => [name, JSON.stringify(value)])));

const WORDS = { optimizer: "", rate: "rate ", schedule: "", schedule_epochs: "over epochs ", batch: "batch ", l2: "L2 ", dropout: "dropout " };

// Each run in words: its own settings, as far as the runs differ in them.
export function differences(runs, own) {
  const differing = own.filter((name) => runs.some((recipe) => recipe[name] !== runs[0][name]));
  const told = (name, value) => `${WORDS[name] ?? `${name} `}${name === "batch" && value === 0 ? "all" : value}`;
  return runs.map((recipe) => differing.map((name) => told(name, recipe[name])).join(", ") || "as the other");
}

// From the parameters behind #; null if there are none, or they are not ours.
export function fromLink(given) {
  const settings = {};
  for (const [name, value] of given) {
    try { settings[name] = JSON.parse(value); } catch { return null; }
  }
  return given.size ? settings : null;
}
