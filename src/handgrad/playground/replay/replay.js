// A run, played again without a server: the file holds the weights; the forward pass precedes this.

const run = JSON.parse(document.getElementById("run").textContent);
const weights = unpacked(run.weights, Float64Array);
const size = weights.length / run.moments.length;
const SIDE = 64;
const byId = (id) => document.getElementById(id);

// The network of a moment: its weights are parts of the whole, and are not copied.
function networkOf(moment) {
  let at = moment * size;
  const taken = (n) => weights.subarray(at, (at += n));
  const layers = run.units.slice(1).map((n, layer) => [taken(run.units[layer] * n), taken(n)]);
  return { layers, bends: BENDS, V: run.has_skip && taken(run.units[0] * run.units.at(-1)) };
}
const networks = run.moments.map((_, moment) => networkOf(moment));

// Equations (1) to (4) for one point, with the weights of one moment.
function forward(moment, x) {
  const score = Array.from(scoresOf(x, x, networks[moment]));
  if (run.span) return score; // a number is predicted by its score
  return logSoftmax(score).map(Math.exp);
}
globalThis.forward = forward; // to compute single numbers from a console

const canvas = byId("map"), cells = document.createElement("canvas");
cells.width = cells.height = SIDE;

// From dark blue for the least number, over grey, to yellow for the largest.
function colourOf(number) {
  const share = Math.min(1, Math.max(0, (number - run.span[0]) / (run.span[1] - run.span[0])));
  const ends = [[0, 50, 110], [125, 124, 120], [254, 220, 60]], low = share < 0.5 ? 0 : 1, part = 2 * share - low;
  return ends[low].map((from, k) => from + part * (ends[low + 1][k] - from));
}

// The prediction as a curve over its one input.
function graph(moment) {
  const [left, right, low, high] = run.extent, context = canvas.getContext("2d"), { width } = canvas;
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, width);
  dots(() => "rgb(120 120 120)");
  context.beginPath();
  for (let at = 0; at <= 200; at++) {
    const x = left + ((right - left) * at) / 200;
    context.lineTo((at / 200) * width, ((high - forward(moment, [x])[0]) / (high - low)) * width);
  }
  context.strokeStyle = "#0072b2";
  context.lineWidth = 4;
  context.stroke();
  context.lineWidth = 1;
}

function map(moment) {
  const [left, right, low, high] = run.extent, small = cells.getContext("2d"), image = small.createImageData(SIDE, SIDE);
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++) {
      const y = forward(moment, [left + ((right - left) * (column + 0.5)) / SIDE, high - ((high - low) * (row + 0.5)) / SIDE]);
      const mixed = run.span ? colourOf(y[0]) : [0, 1, 2].map((part) => y.reduce((sum, p, k) => sum + p * run.colours[k][part], 0));
      image.data.set([...mixed.map((part) => 255 + 0.6 * (part - 255)), 255], 4 * (row * SIDE + column));
    }
  }
  small.putImageData(image, 0, 0);
  const context = canvas.getContext("2d"), width = canvas.width;
  context.drawImage(cells, 0, 0, width, width);
  dots((row) => `rgb(${(run.span ? colourOf(run.y_t[row]) : run.colours[run.y_t[row]]).join(" ")})`);
}

function dots(colour) {
  const [left, right, low, high] = run.extent, context = canvas.getContext("2d"), { width } = canvas;
  run.points.forEach(([a, b], row) => {
    context.beginPath();
    context.arc(((a - left) / (right - left)) * width, ((high - b) / (high - low)) * width, 5, 0, 7);
    context.fillStyle = colour(row);
    context.strokeStyle = "#fff";
    context.fill();
    context.stroke();
  });
}

// The weights into each unit of the first layer: an image of pixels, or a column of inputs.
function tiles(moment) {
  const [n, units] = run.units, [rows, columns] = run.picture ?? [n, 1], width = canvas.width;
  const across = Math.ceil(Math.sqrt((units * rows) / columns)), down = Math.ceil(units / across), gap = 6;
  const cell = Math.min((width - gap * across) / (across * columns), (width - gap * down) / (down * rows));
  const context = canvas.getContext("2d"), start = moment * size;
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, width);
  for (let unit = 0; unit < units; unit++) {
    const into = Array.from({ length: n }, (_, i) => weights[start + i * units + unit]), most = Math.max(...into.map(Math.abs)) || 1;
    const left = (unit % across) * (columns * cell + gap), top = Math.floor(unit / across) * (rows * cell + gap);
    into.forEach((w, i) => {
      context.fillStyle = `rgb(${w < 0 ? "196 80 10" : "0 90 150"} / ${Math.abs(w) / most})`;
      context.fillRect(left + (i % columns) * cell, top + Math.floor(i / columns) * cell, cell + 0.3, cell + 0.3);
    });
    context.strokeStyle = "#bbb";
    context.strokeRect(left, top, columns * cell, rows * cell);
  }
}

function show(moment) {
  if (run.is_curve) graph(moment); else if (run.extent) map(moment); else tiles(moment);
  const { epoch, loss, test_loss } = run.moments[moment];
  byId("told").textContent = `epoch ${epoch}   loss ${loss.toFixed(4)}${test_loss == null ? "" : `   test loss ${test_loss.toFixed(4)}`}`;
  curve(moment);
}

function curve(moment) {
  const plot = byId("curve"), context = plot.getContext("2d"), end = run.moments.at(-1).epoch || 1;
  const most = Math.max(...run.moments.map((one) => Math.max(one.loss, one.test_loss ?? 0))) || 1;
  const place = (one, value) => [50 + (one.epoch / end) * (plot.width - 70), 15 + (1 - value / most) * (plot.height - 55)];
  context.clearRect(0, 0, plot.width, plot.height);
  context.strokeStyle = context.fillStyle = "#777";
  context.font = "14px system-ui, sans-serif";
  context.strokeRect(50, 15, plot.width - 70, plot.height - 55);
  context.fillText(most.toPrecision(2), 10, 24);
  context.fillText("0", 34, plot.height - 38);
  context.fillText(`loss by epoch, 0 to ${end}; dashed: test`, 50, plot.height - 12);
  for (const [name, colour, dash] of [["loss", "#0072b2", []], ["test_loss", "#d55e00", [6, 5]]]) {
    context.beginPath();
    for (const one of run.moments) if (one[name] != null) context.lineTo(...place(one, one[name]));
    context.strokeStyle = colour;
    context.lineWidth = 2;
    context.setLineDash(dash);
    context.stroke();
  }
  context.setLineDash([]);
  context.fillStyle = "#0072b2";
  context.beginPath();
  context.arc(...place(run.moments[moment], run.moments[moment].loss), 6, 0, 7);
  context.fill();
}

const slider = byId("moment");
let timer = 0;

function stop() {
  clearInterval(timer);
  timer = 0;
  byId("play").textContent = "Play";
}

slider.max = run.moments.length - 1;
slider.value = slider.max;
slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
byId("play").addEventListener("click", () => {
  if (timer) return stop();
  if (slider.value === slider.max) slider.value = 0;
  byId("play").textContent = "Pause";
  timer = setInterval(() => {
    slider.value = Number(slider.value) + 1;
    show(Number(slider.value));
    if (slider.value === slider.max) stop();
  }, 60);
});
show(run.moments.length - 1);
