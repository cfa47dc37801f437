// Every setting, and the buttons that train.

import { byId, fixed, make } from "./dom.js";
import { layersChanged } from "./graph.js";
import { pageKey } from "./keys.js";
import { ask } from "./link.js";
import { goodness } from "./numbers.js";

const WORDS = { data: "data set", n: "points", data_seed: "seed", test_share: "test share", inputs: "columns", x1: "horizontal", x2: "vertical", rate: "learning rate",
  batch: "batch size", l2: "L2", beside: "skip, scale", init: "initial weights", init_seed: "seed", schedule_epochs: "over epochs" };
const TABLED = ["penguins", "table"];
const RATES = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
const L2 = [0, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1];
const DROPOUT = [0, 0.1, 0.2, 0.3, 0.5];
const BATCH = [1, 2, 5, 10, 30, 100];
let playing = false, now = null;

const send = (name, value) => ask("change", { settings: { [name]: value } });
export const changeSettings = (settings) => ask("change", { settings });

function labelled(name, control, wide) {
  control.id = `set-${name}`;
  return make("label", { class: wide ? "wide" : "" }, WORDS[name] ?? name, control);
}

function choice(name, values, now, texts = {}) {
  const all = values.includes(now) ? values : [...values, now].sort((a, b) => a - b);
  const select = make("select", { onchange: () => send(name, all[select.selectedIndex]) },
    ...all.map((value) => make("option", { text: texts[value] ?? String(value).replaceAll("_", " "), selected: value === now })));
  return labelled(name, select);
}

function whole(name, now, least, most) {
  const input = make("input", { type: "number", min: least, max: most, value: now,
    onchange: () => { if (input.checkValidity() && input.value !== "") send(name, Number(input.value)); else input.reportValidity(); } });
  return labelled(name, input);
}

// The two parts beside the layers, in one list.
const BESIDE = [["neither", false, false], ["skip", true, false], ["scale", false, true], ["both", true, true]];

function besideChoice({ skip, scale }) {
  const select = make("select", { onchange: () => { const [, isSkip, isScale] = BESIDE[select.selectedIndex]; changeSettings({ skip: isSkip, scale: isScale }); } },
    ...BESIDE.map(([text, isSkip, isScale]) => make("option", { text, selected: skip === isSkip && scale === isScale })));
  const control = labelled("beside", select);
  control.title = "A skip leads every input past the layers to the scores, by weights V: (3), (14). A scale multiplies every input by an s of its own: (1), (15)";
  return control;
}

// Settings that belong together, all at once; "" while the settings are not all of one preset.
function presetChoice(layout) {
  const names = Object.keys(layout.presets), isNow = (name) => Object.entries(layout.presets[name]).every(([key, value]) => String(layout.recipe[key]) === String(value));
  const select = make("select", { onchange: () => { if (select.value) changeSettings(layout.presets[select.value]); } },
    make("option", { value: "", text: "own settings" }), ...names.map((text) => make("option", { value: text, text, selected: isNow(text) })));
  return labelled("preset", select, true);
}

function slider(name, now, most, step) {
  const input = make("input", { type: "range", min: 0, max: most, step, value: now, title: now,
    onchange: () => send(name, Number(input.value)) });
  return labelled(name, input);
}

function columnChoice(name, layout) {
  const other = layout.recipe[name === "x1" ? "x2" : "x1"];
  const control = choice(name, layout.columns.filter((column) => column !== other), layout.recipe[name]);
  control.classList.add("wide");
  return control;
}

function labelChoice(layout) {
  const select = make("select", { onchange: () => ask("target", { target: layout.targets[select.selectedIndex] }) },
    ...layout.targets.map((text) => make("option", { text, selected: text === layout.target })));
  const control = labelled("target", select);
  control.classList.add("wide");
  return control;
}

export function setLayout(layout) { settings(layout); }

function settings(layout) {
  now = layout;
  const recipe = layout.recipe, { data } = recipe, focus = document.activeElement?.id;
  const sets = layout.choices.data.filter((kind) => kind === data || (kind === "table" ? layout.has_table : kind !== "drawn"));
  const parts = [choice("data", sets, data)];
  if (layout.is_drawn) {
    parts.push(whole("n", recipe.n, 10, 2000), slider("noise", recipe.noise, 1, 0.05), whole("data_seed", recipe.data_seed, 0, 9999));
    if (layout.has_classes) parts.push(choice("classes", [2, 3, 4, 5, 6], recipe.classes));
  }
  if (data === "table") parts.push(labelChoice(layout));
  if (data === "article") parts.push(whole("data_seed", recipe.data_seed, 0, 9999));
  if (TABLED.includes(data)) parts.push(choice("inputs", layout.columns.length < 2 ? ["all"] : ["two", "all"], recipe.inputs));
  if (TABLED.includes(data) && recipe.inputs === "two") parts.push(columnChoice("x1", layout), columnChoice("x2", layout));
  parts.push(choice("test_share", [0, 0.1, 0.2, 0.3, 0.5], recipe.test_share));
  byId("data-settings").replaceChildren(...parts, presetChoice(layout));
  const layers = make("label", {}, "hidden layers", make("span", { class: "row" },
    make("button", { id: "less-layers", text: "−", "aria-label": "remove a hidden layer", disabled: !recipe.hidden.length, onclick: () => layersChanged(-1) }),
    String(recipe.hidden.length),
    make("button", { id: "more-layers", text: "+", "aria-label": "add a hidden layer", disabled: recipe.hidden.length > 3, onclick: () => layersChanged(1) })));
  byId("network-settings").replaceChildren(layers,
    choice("activation", layout.choices.activation, recipe.activation),
    choice("init", layout.choices.init, recipe.init),
    whole("init_seed", recipe.init_seed, 0, 9999),
    choice("optimizer", layout.choices.optimizer, recipe.optimizer),
    choice("rate", RATES, recipe.rate),
    choice("schedule", layout.choices.schedule, recipe.schedule),
    whole("schedule_epochs", recipe.schedule_epochs, 1, 100000),
    choice("batch", [...BATCH, 0], recipe.batch, { 0: "all" }),
    choice("l2", L2, recipe.l2),
    choice("dropout", DROPOUT, recipe.dropout),
    besideChoice(recipe));
  if (focus) byId(focus)?.focus();
}

export function draw(frame) {
  playing = frame.playing;
  byId("play").textContent = playing ? "Pause" : "Play";
  byId("epoch").textContent = frame.batches ? `${frame.epoch} +${frame.batch}/${frame.batches}` : frame.epoch;
  byId("updates").textContent = frame.updates;
  const measure = frame.measures[frame.chosen];
  byId("loss").textContent = fixed(measure[1]);
  byId("test-loss").textContent = fixed(measure[2]);
  byId("accuracy-of").textContent = `${measure[4] == null ? "" : "test "}${now.measure}`;
  byId("accuracy").textContent = goodness(now, measure[4] ?? measure[3]);
  const rewind = byId("rewind");
  if (document.activeElement !== rewind || playing) { rewind.max = frame.epoch; rewind.value = frame.epoch; }
}

const by = () => byId("by").value;
const play = () => (playing ? ask("pause") : ask("play", { by: by(), speed: Number(byId("speed").value) }));
const again = () => { if (playing) ask("play", { by: by(), speed: Number(byId("speed").value) }); };

byId("play").addEventListener("click", play);
byId("step").addEventListener("click", () => ask("step", { by: by() }));
byId("reset").addEventListener("click", () => ask("reset"));
byId("by").addEventListener("change", again);
byId("speed").addEventListener("change", again);
byId("rewind").addEventListener("change", (event) => { ask("rewind", { epoch: Number(event.target.value) }); event.target.blur(); });

const showKeys = () => byId("keys").showModal();
const DONE = { play, step: () => ask("step", { by: by() }), reset: () => ask("reset"), keys: showKeys };
byId("keys-start").addEventListener("click", showKeys);

addEventListener("keydown", (event) => {
  const what = pageKey(event);
  if (what) { event.preventDefault(); DONE[what](); }
});
