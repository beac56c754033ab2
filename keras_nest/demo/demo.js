"use strict";
// The page of `keras-nest demo`: asks the server for samples and predictions, draws them.
const get = (id) => document.getElementById(id);
const count = (value) => value.toLocaleString("en-US");
const short = (value) => String(Number(value.toPrecision(4)));
const SHOWN = 5; // scores in the list
const COLOURS = ["#1f77b4", "#e4761b", "#2c9f4b", "#d64550", "#8f6bd1", "#a5714e",
  "#d77fc0", "#8a8f96", "#b5a520", "#1fb3c4", "#5a7d2a", "#c2853d"];

let index = 0;
let level = page.levels - 1;
let answers = []; // of the sample shown, one for each level, as they come in

async function ask(path) {
  const response = await fetch(path);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message);
  return answer;
}

function say(text, verdict, kind) {
  get("text").textContent = text;
  get("verdict").textContent = verdict;
  get("verdict").className = kind;
}

function drawing(facts, words) {
  return facts.kind === "picture" ? picture(facts, words) : curves(facts, words);
}

function picture(facts, words) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [facts.width, facts.height];
  const rgb = Uint8Array.from(atob(facts.rgb), (letter) => letter.charCodeAt(0));
  const context = canvas.getContext("2d");
  const image = context.createImageData(facts.width, facts.height);
  for (let pixel = 0; pixel < facts.width * facts.height; pixel++) {
    image.data.set(rgb.subarray(3 * pixel, 3 * pixel + 3), 4 * pixel);
    image.data[4 * pixel + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", words);
  return canvas;
}

function curves(facts, words) {
  const make = (name) => document.createElementNS("http://www.w3.org/2000/svg", name);
  const svg = make("svg");
  const steps = Math.max(facts.curves[0].length - 1, 1);
  svg.setAttribute("viewBox", "0 0 1000 500");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", words);
  facts.curves.forEach((values, channel) => {
    let pen = "M";
    const path = make("path");
    path.setAttribute("stroke", COLOURS[channel % COLOURS.length]);
    path.setAttribute("d", values.map((value, step) => {
      if (value === null) { pen = "M"; return ""; }
      const y = 490 - 480 * (value - facts.low) / (facts.high - facts.low);
      const point = `${pen}${(1000 * step / steps).toFixed(1)} ${y.toFixed(1)}`;
      pen = "L";
      return point;
    }).join(""));
    svg.append(path);
  });
  return svg;
}

function scores(values) {
  const sum = values.reduce((total, value) => total + value, 0);
  const shares = Math.min(...values) >= 0 && Math.abs(sum - 1) < 0.1;
  const low = Math.min(0, ...values);
  const high = Math.max(...values, low + 1e-9);
  const order = values.map((_, number) => number).sort((a, b) => values[b] - values[a]);
  return order.slice(0, SHOWN).map((number) => {
    const row = document.createElement("div");
    row.className = "score";
    const [name, bar, value] = ["span", "span", "span"].map((tag) => document.createElement(tag));
    name.textContent = page.classes ? page.classes[number] : `class ${number}`;
    bar.append(document.createElement("i"));
    bar.firstChild.style.width = `${100 * (values[number] - low) / (high - low)}%`;
    value.textContent = shares ? `${(100 * values[number]).toFixed(1)} %` : short(values[number]);
    row.append(name, bar, value);
    return row;
  });
}

function showLevel() {
  get("level").value = level;
  get("number").textContent = level;
  for (const [what, most] of Object.entries(page.costs[page.levels - 1])) {
    const cost = page.costs[level][what];
    get(what).textContent = count(cost);
    get(`${what}-share`).textContent = most ? `${Math.round(100 * cost / most)} % of the densest level` : "";
  }
  for (let other = 0; other < page.levels; other++) {
    get(`level-${other}`).setAttribute("aria-current", other === level);
  }
  const answer = answers[level];
  if (!answer) return;
  const known = answer.correct !== null;
  say(answer.text, known ? (answer.correct ? "✓ right" : "✗ wrong") : "",
    known ? (answer.correct ? "right" : "wrong") : "soft");
  get("scores").replaceChildren(...(page.kind === "classes" ? scores(answer.scores) : []));
  if (page.kind === "values" && answer.error !== null) {
    get("verdict").textContent = `mean squared error ${short(answer.error)}`;
  }
  get("output").hidden = !answer.output;
  if (answer.output) get("output").replaceChildren(drawing(answer.output, `What level ${level} makes of it`));
}

function showAnswer(answer) {
  answers[answer.level] = answer;
  const cell = document.querySelector(`#level-${answer.level} .says`);
  cell.textContent = answer.text + (answer.correct === null ? "" : answer.correct ? " ✓" : " ✗");
  cell.className = "says" + (answer.correct === null ? "" : answer.correct ? " right" : " wrong");
  if (answer.level === level) showLevel();
}

async function showSample(wanted) {
  const mine = index = (wanted + page.samples) % page.samples;
  get("index").value = mine;
  try {
    const sample = await ask(`/sample/${mine}`);
    if (mine !== index) return; // the user is already further on
    get("input").replaceChildren(drawing(sample.input, `Sample ${mine}`));
    get("label").textContent = sample.label === null ? `number ${mine}` : `truth: ${sample.label} · number ${mine}`;
    answers = [];
    const order = [level, ...page.costs.keys()].filter((one, place, all) => all.indexOf(one) === place);
    for (const one of order) {
      const answer = await ask(`/predict/${mine}/${one}`);
      if (mine !== index) return;
      showAnswer(answer);
    }
    document.body.dataset.shown = mine;
  } catch (error) {
    if (mine === index) say("No answer", error instanceof TypeError ? "The demo was stopped." : error.message, "wrong");
  }
}

function setLevel(wanted) {
  level = Math.min(Math.max(wanted, 0), page.levels - 1);
  showLevel();
}

get("level").addEventListener("input", (event) => setLevel(Number(event.target.value)));
get("index").addEventListener("change", (event) => {
  const wanted = Math.trunc(Number(event.target.value)) || 0;
  showSample(Math.min(Math.max(wanted, 0), page.samples - 1));
});
get("previous").addEventListener("click", () => showSample(index - 1));
get("next").addEventListener("click", () => showSample(index + 1));
get("random").addEventListener("click", () => showSample(Math.floor(Math.random() * page.samples)));
for (let one = 0; one < page.levels; one++) {
  get(`level-${one}`).addEventListener("click", () => setLevel(one));
}
document.addEventListener("keydown", (event) => {
  // In a field the arrows are the field's own.
  if (event.target.tagName === "INPUT" || event.ctrlKey || event.altKey || event.metaKey) return;
  const actions = {
    ArrowLeft: () => showSample(index - 1),
    ArrowRight: () => showSample(index + 1),
    ArrowUp: () => setLevel(level + 1),
    ArrowDown: () => setLevel(level - 1),
    r: () => showSample(Math.floor(Math.random() * page.samples)),
  };
  if (!(event.key in actions)) return;
  event.preventDefault();
  actions[event.key]();
});
showLevel();
showSample(0);
