// From a card to the derivation of its equation, and from there back to the card.

import { make } from "./dom.js";

const DERIVATION = "/page/derivation.html", SECONDS = 4;
let soon = 0;

// A link that opens the derivation in a tab of its own, the same one each time.
export const why = (anchor, words) =>
  make("a", { class: "why", href: `${DERIVATION}#${anchor}`, target: "handgrad-derivation", text: "Why?", "aria-label": `Why? The derivation of ${words}` });

// The number behind #card-7; null if the address names no card.
export const cardOf = (hash) => hash.match(/^#card-(\d+)$/)?.[1] ?? null;

// Show the card that the address names, if there is one.
export function goToCard(cards, hash = location.hash) {
  const card = cards.find(({ dataset }) => dataset.number === cardOf(hash));
  if (!card) return;
  card.scrollIntoView({ block: "center" });
  clearTimeout(soon);
  for (const one of cards) one.classList.toggle("pointed", one === card);
  soon = setTimeout(() => card.classList.remove("pointed"), 1000 * SECONDS);
}
