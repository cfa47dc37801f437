// Access, the socket, and one rule: at most one frame waits to be drawn while the next is made.

const USED = "This address has already been used: it works once, in one browser. Continue in the browser that opened it first. To watch in this browser instead, stop handgrad play (Ctrl+C), start it again with --no-browser, and open here the address that it prints.";
const UNKNOWN = "This browser has no access yet. Open here the address that handgrad play printed: it ends in #token=… and works once, in one browser.";
const ENDED = "The server has stopped or is starting again. Trying to reach it…";
const ANOTHER = "The server does not know this page. If handgrad play was started again, open the address that it printed.";
const read = () => localStorage.getItem("key") ?? ""; // only pages of this host and port read it
let socket = null, ended = false, wasRefused = false;

// Exchange the token behind the # of the printed address, which works once, for cookie and key.
// If this browser has exchanged it before, it has both already.
export async function enter() {
  const given = new URLSearchParams(location.hash.slice(1)), token = given.get("token");
  given.delete("token");
  history.replaceState(null, "", given.size ? `#${given}` : location.pathname);
  if (!token) return given;
  try {
    const answer = await fetch("/enter", { method: "POST", headers: { "x-handgrad-token": token, ...headers() } });
    wasRefused = !answer.ok;
    if (answer.ok) localStorage.setItem("key", (await answer.json()).key);
  } catch { /* the server has gone: the socket will say so */ }
  return given;
}

export const headers = () => ({ "x-handgrad-key": read() });

export function ask(what, more = {}) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ do: what, ...more }));
}

// Whether a server is there at all, whatever it says.
const answers = () => fetch("/page/icon.svg", { cache: "no-store" }).then(() => true, () => false);

export function connect({ told, drawn, opened, lost }) {
  const refused = wasRefused ? USED : read() ? ANOTHER : UNKNOWN;
  if (!read()) return lost(refused);
  socket = new WebSocket(`ws://${location.host}/socket`, ["handgrad", read()]);
  socket.binaryType = "arraybuffer";
  let wasOpen = false, waiting = null, isOwed = false;
  const drawWaiting = () => {
    const data = waiting;
    waiting = null;
    if (isOwed) ask("next");
    isOwed = false;
    drawn(data);
  };
  socket.onopen = () => { wasOpen = true; opened(); ask("next"); };
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") return told(JSON.parse(data));
    if (waiting) isOwed = true; // it takes the place of one that was never drawn
    else { requestAnimationFrame(drawWaiting); ask("next"); }
    waiting = data;
  };
  socket.onclose = async () => {
    if (ended) return;
    lost(wasOpen || !(await answers()) ? ENDED : refused);
    setTimeout(() => connect({ told, drawn, opened, lost }), 1500);
  };
}

addEventListener("pagehide", () => { ended = true; socket?.close(); });
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
addEventListener("hashchange", () => { if (new URLSearchParams(location.hash.slice(1)).has("token")) location.reload(); });
