// Uploads and downloads: a table dropped on the page, files to keep, the link.

import { byId, make } from "./dom.js";
import { headers } from "./link.js";
import { ofWeights } from "./pictures.js";
import { toLink } from "./settings.js";

let recipe = null, isPlane = true, say = null;

export function setLayout(layout) {
  const [first, second] = layout.runs, own = Object.fromEntries(layout.own.map((name) => [name, second?.[name]]));
  recipe = second ? { ...first, rival: own } : first;
  isPlane = layout.is_plane;
  byId("picture").hidden = !isPlane && !layout.picture;
  byId("picture").title = isPlane ? "The decision map as PNG" : "The weights of the first layer as PNG";
}
export function onSay(told) { say = told; }

async function take(what) {
  const answer = await fetch(`/take/${what}`, { headers: headers() });
  if (!answer.ok) return say(answer.status === 409 ? (await answer.json()).message : "the server did not send the file");
  const name = answer.headers.get("content-disposition").match(/filename="(.*)"/)[1];
  save(await answer.blob(), name);
}

async function give(file) {
  if (file.size > 5_000_000) return say("a table for the page must have at most 5,000,000 bytes");
  const answer = await fetch("/table", { method: "POST", headers: headers(), body: file });
  if (!answer.ok) say((await answer.json().catch(() => ({ message: "the table was refused" }))).message);
  else say(`${file.name} is shown; its last column of a few classes, or else of numbers, is predicted. Choose another target or other columns under Data. The file stays on this machine.`);
}

for (const button of document.querySelectorAll("[data-take]")) button.addEventListener("click", () => take(button.dataset.take));

function save(content, name) {
  const address = URL.createObjectURL(content);
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

byId("picture").addEventListener("click", () =>
  (isPlane ? byId("map") : ofWeights()).toBlob((content) => save(content, isPlane ? "map.png" : "weights.png")));

byId("copy-link").addEventListener("click", async () => {
  history.replaceState(null, "", `#${toLink(recipe)}`);
  try { await navigator.clipboard.writeText(location.href); say("A link to these settings is copied; it works in this browser while handgrad play runs."); }
  catch { say("The address bar now holds a link to these settings."); }
});

byId("file").addEventListener("change", (event) => { if (event.target.files[0]) give(event.target.files[0]); event.target.value = ""; });
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => { event.preventDefault(); const [file] = event.dataTransfer.files; if (file) give(file); });
