// Colours that colour-blind eyes can tell apart (Okabe and Ito), and a shape for each class.

export const CLASSES = [[0, 114, 178], [230, 159, 0], [0, 158, 115], [204, 121, 167], [86, 180, 233], [213, 94, 0]];

export const css = ([r, g, b], a = 1) => `rgb(${r} ${g} ${b} / ${a})`;

export const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export const isDark = () => matchMedia("(prefers-color-scheme: dark)").matches;

// Above 0 blue, below 0 orange, the stronger the larger.
export function signed(number, largest) {
  const strength = largest > 0 ? Math.min(1, Math.abs(number) / largest) : 0;
  return css(number < 0 ? [230, 120, 0] : [0, 114, 178], 0.06 + 0.5 * strength);
}

// A ring around the chosen point.
export function ring(context, x, y) {
  for (const [colour, line] of [["#fff", 4], ["#000", 2]]) {
    context.beginPath();
    context.arc(x, y, 9, 0, 7);
    context.strokeStyle = colour;
    context.lineWidth = line;
    context.stroke();
  }
}

const SIDES = [0, 4, 3, -4, 6, 5]; // 0 is a circle, -4 a square on its corner

// A point of class k, in a colour of its own if it has one.
export function shape(context, k, x, y, size, isOpen, own, paper = "#fff") {
  const sides = SIDES[k % SIDES.length];
  context.beginPath();
  if (sides === 0) context.arc(x, y, size, 0, 7);
  else {
    const count = Math.abs(sides), turn = sides === 4 ? Math.PI / 4 : -Math.PI / 2;
    for (let i = 0; i < count; i++) {
      const angle = turn + (2 * Math.PI * i) / count;
      context.lineTo(x + 1.25 * size * Math.cos(angle), y + 1.25 * size * Math.sin(angle));
    }
    context.closePath();
  }
  const colour = own ?? css(CLASSES[k % CLASSES.length]);
  context.fillStyle = isOpen ? paper : colour;
  context.strokeStyle = isOpen ? colour : paper;
  context.lineWidth = isOpen ? 1.6 : 0.9;
  context.fill();
  context.stroke();
}
