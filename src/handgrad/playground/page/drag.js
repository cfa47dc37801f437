// A weight or bias dragged up or down: it changes live, and Escape puts the old value back.

const STEP = 0.02, STILL = 3, EVERY = 50; // a pixel's change; pixels that are no drag; milliseconds
let held = null, wasDragged = false;

// found(event) gives { place, value } of what is under the pointer, or null; told({ place, value })
// takes what a drag makes of it.
export function draggable(box, found, told) {
  box.addEventListener("pointerdown", (event) => {
    wasDragged = false;
    const under = event.button === 0 && event.pointerType !== "touch" ? found(event) : null;
    if (!under || under.value == null) return;
    held = { ...under, told, y: event.clientY, now: under.value, timer: 0 };
    event.preventDefault();
  });
  addEventListener("pointermove", (event) => {
    if (!held) return;
    const up = held.y - event.clientY;
    if (!wasDragged && Math.abs(up) < STILL) return;
    wasDragged = true;
    held.now = Number((held.value + STEP * up).toFixed(4));
    held.timer ||= setTimeout(send, EVERY);
  });
  addEventListener("pointerup", () => { if (held && wasDragged) send(); held = null; });
  addEventListener("pointercancel", putBack);
  addEventListener("keydown", (event) => { if (event.key === "Escape") putBack(); });
}

function send() {
  if (!held) return;
  clearTimeout(held.timer);
  held.timer = 0;
  held.told({ place: held.place, value: held.now });
}

function putBack() {
  if (!held) return;
  held.now = held.value;
  if (wasDragged) send();
  held = null;
}

// Whether the press that has just ended was a drag, and so no click.
export const wasDrag = () => wasDragged;
