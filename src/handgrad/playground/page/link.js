// The socket, the token, and the one rule: a frame is asked for only when the last one is drawn.

let token = "";
let socket = null;
let ended = false;

// The token comes behind the # of the printed address; it is kept for this tab and taken off.
export function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1));
  token = given.get("token") || sessionStorage.getItem("token") || "";
  if (token) sessionStorage.setItem("token", token);
  given.delete("token");
  history.replaceState(null, "", given.size ? `#${given}` : location.pathname);
  return given;
}

export const headers = () => ({ "x-handgrad-token": token });

export function ask(what, more = {}) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ do: what, ...more }));
}

export function connect({ told, drawn, opened, lost }) {
  if (!token) return lost("Open the address that handgrad play printed: it ends in #token=…");
  socket = new WebSocket(`ws://${location.host}/socket`, ["handgrad", token]);
  socket.binaryType = "arraybuffer";
  let wasOpen = false;
  socket.onopen = () => { wasOpen = true; opened(); ask("next"); };
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") return told(JSON.parse(data));
    requestAnimationFrame(() => { drawn(data); ask("next"); });
  };
  socket.onclose = () => {
    if (ended) return;
    lost(wasOpen ? "The server has ended, or is starting again. Trying to reach it…"
      : "The server does not answer this address. If it was started again, open the address it printed.");
    setTimeout(() => connect({ told, drawn, opened, lost }), 1500);
  };
}

addEventListener("pagehide", () => { ended = true; socket?.close(); });
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
