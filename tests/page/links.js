import { make } from "/page/dom.js";
import { cardOf, goToCard, why } from "/page/why.js";
import { holds, same, test } from "./harness.js";

test("a card's link leads to its equation", () => {
  const link = why("equation-1", "equation 1.2");
  same([link.getAttribute("href"), link.textContent], ["/page/derivation.html#equation-1", "Why?"]);
  holds(link.getAttribute("aria-label").startsWith(link.textContent), "the name does not begin with the text");
});

test("an address names a card, or none", () => {
  same(["#card-7", "#card-13", "#card-", "#card-7x", "#n=300", ""].map(cardOf), ["7", "13", null, null, null, null]);
});

test("the card that the address names is shown and lit, and no other", () => {
  const cards = [1, 7, 7].map((number) => make("div", { "data-number": number })), seen = [];
  cards.forEach((card, place) => { card.scrollIntoView = () => seen.push(place); });
  goToCard(cards, "#card-7");
  same(cards.map((card) => card.className), ["", "pointed", ""]);
  goToCard(cards, "#card-1");
  same(cards.map((card) => card.className), ["pointed", "", ""]);
  goToCard(cards, "#card-99");
  same(seen, [1, 0]);
});
