// A weight or bias dragged up or down: it changes live, and Escape puts the old value back.

const STEP = 0.02, STILL = 3, EVERY = 50; // a pixel's change; pixels that are no drag; milliseconds
let held = null, wasDragged = false;

// found(event) gives { place, value } of what is under the pointer, or null. A drag calls
// hold(place) as it begins, edit({ place, value }) as it goes on, and putBack() if it is given up:
// then whoever has held the value gives it back, since the page may know only its first digits.
export function draggable(box, found, told) {
  box.addEventListener("pointerdown", (event) => {
    wasDragged = false;
    const under = event.button === 0 ? found(event) : null;
    if (!under || under.value == null) return;
    held = { ...under, told, y: event.clientY, now: under.value, timer: 0 };
    if (event.pointerType !== "touch") event.preventDefault();
  });
  addEventListener("pointermove", (event) => {
    if (!held) return;
    const up = held.y - event.clientY;
    if (!wasDragged && Math.abs(up) < STILL) return;
    if (!wasDragged) held.told.hold(held.place);
    wasDragged = true;
    held.now = Number((held.value + STEP * up).toFixed(4));
    held.timer ||= setTimeout(send, EVERY);
  });
  // A finger on a weight drags the weight, and not the page.
  box.addEventListener("touchmove", (event) => { if (held) event.preventDefault(); }, { passive: false });
  addEventListener("pointerup", () => { if (held && wasDragged) send(); held = null; });
  addEventListener("pointercancel", putBack);
  addEventListener("keydown", (event) => { if (event.key === "Escape") putBack(); });
}

function send() {
  if (!held) return;
  clearTimeout(held.timer);
  held.timer = 0;
  held.told.edit({ place: held.place, value: held.now });
}

function putBack() {
  if (!held) return;
  clearTimeout(held.timer);
  if (wasDragged) held.told.putBack();
  held = null;
}

// Whether the press that has just ended was a drag, and so no click.
export const wasDrag = () => wasDragged;
