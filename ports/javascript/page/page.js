// The page: photos in, verdicts out, all on this device.

const SVG = "http://www.w3.org/2000/svg";
const element = (id) => document.getElementById(id);
const find = (parent, selector) => parent.querySelector(selector);
const make = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });
const percent = (share) => `${Math.round(100 * share)}%`;
const milliseconds = (ms) => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;

// ---- judging: in a worker, or here where the browser has no workers of this kind ----

const asked = new Map();
const judge = typeof Worker === "undefined" ? judgeHere() : judgeAside();

function judgeAside() {
  const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  worker.addEventListener("message", ({ data: { id, error, ...answer } }) => {
    const { resolve, reject } = asked.get(id);
    asked.delete(id);
    if (error) reject(new Error(error));
    else resolve(answer);
  });
  let last = 0;
  return (file) => new Promise((resolve, reject) => {
    asked.set(++last, { resolve, reject });
    worker.postMessage({ id: last, file });
  });
}

function judgeHere() {
  const loading = import("./src/index.js").then(({ SelfieDetector }) => SelfieDetector.load(new URL("data/", import.meta.url)));
  return async (file) => {
    const detector = await loading;
    return { verdict: await detector.check(file), threshold: detector.threshold };
  };
}

// ---- photos come in ----

function add(files) {
  for (const file of files) {
    const card = element("card").content.firstElementChild.cloneNode(true);
    card.setAttribute("aria-label", file.name);
    find(card, ".name").textContent = file.name;
    const url = URL.createObjectURL(file);
    const image = find(card, "img");
    image.addEventListener("error", () => {
      find(card, ".frame").classList.add("blank");
      find(card, ".no-picture").hidden = false;
    });
    image.src = url;
    image.alt = file.name;
    find(card, ".remove").setAttribute("aria-label", `Remove ${file.name}`);
    find(card, ".remove").addEventListener("click", () => {
      const next = card.nextElementSibling ?? card.previousElementSibling ?? element("photos");
      URL.revokeObjectURL(url);
      card.remove();
      summarise();
      next.focus();
    });
    element("cards").prepend(card);
    answer(card, file);
  }
}

element("photos").addEventListener("change", (event) => {
  add([...event.target.files]);
  event.target.value = ""; // the same file may be chosen again
});
element("clear").addEventListener("click", () => document.querySelectorAll(".remove").forEach((button) => button.click()));
document.addEventListener("paste", (event) => add(event.clipboardData?.files ?? []));
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault(); // or the browser would open the photo in place of the page
  document.body.classList.remove("over");
  add(event.dataTransfer.files);
});

// ---- and are answered ----

async function answer(card, file) {
  state(card, "waiting", "Is being judged …");
  try {
    const { verdict, threshold } = await judge(file);
    const { label, probability } = verdict;
    const kind = verdict.confidence === "maybe" ? "maybe" : label;
    const title = { selfie: "Looks like a selfie", maybe: "May be a selfie", unknown: "Cannot be judged",
      not_selfie: "Does not look like a selfie" }[kind];
    state(card, kind, title, verdict.summary);
    if (probability !== null) drawScale(card, probability, threshold);
    if (verdict.size) drawFaces(card, verdict);
    drawTiming(card, verdict.timings_ms);
    element("model").textContent = `Judged by ${verdict.model}; called a selfie from ${percent(threshold)} on.`;
    element("status").textContent = `${file.name}: ${title}.`;
  } catch (error) {
    state(card, "failed", "Not judged", `The judge could not be loaded: ${error.message}`);
  }
  summarise();
}

function state(card, kind, title, text = "") {
  card.className = `card ${kind}`;
  card.setAttribute("aria-busy", kind === "waiting");
  find(card, "h3").textContent = title;
  find(card, ".sentence").textContent = text;
  summarise();
}

function drawScale(card, probability, threshold) {
  const [scale, legend] = [find(card, ".scale"), find(card, ".legend")];
  find(scale, ".fill").style.width = percent(probability);
  find(scale, ".mark").style.left = percent(threshold);
  legend.textContent = `Selfie score ${percent(probability)}; called a selfie from ${percent(threshold)} on`;
  scale.setAttribute("aria-label", legend.textContent);
  scale.hidden = legend.hidden = false;
}

function drawFaces(card, { faces, size: [width, height] }) {
  const picture = find(card, ".faces");
  picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
  faces.forEach(({ bbox: [x, y, w, h] }, place) => {
    for (const name of ["edge", place ? "box" : "box first"]) {
      const box = document.createElementNS(SVG, "rect");
      Object.entries({ x, y, width: w, height: h, rx: w / 12, class: name }).forEach((pair) => box.setAttribute(...pair));
      picture.append(box);
    }
  });
  const count = faces.length === 1 ? "1 face" : `${faces.length || "no"} faces`;
  find(card, ".facts").textContent = `${width} × ${height} · ${count}`;
}

function drawTiming(card, laps) {
  const timing = find(card, ".timing");
  const total = Object.values(laps).reduce((sum, ms) => sum + ms, 0);
  find(timing, "summary").textContent = `Judged on this device in ${milliseconds(total)}`;
  for (const [name, ms] of Object.entries(laps)) find(timing, "dl").append(make("dt", name), make("dd", milliseconds(ms)));
  timing.hidden = false;
}

function summarise() {
  const cards = [...element("cards").children];
  const [selfies, open] = ["selfie", "waiting"].map((kind) => cards.filter((card) => card.classList.contains(kind)).length);
  const photos = cards.length === 1 ? "1 photo" : `${cards.length} photos`;
  element("bar").hidden = !cards.length;
  element("summary").textContent = open ? `${photos}, ${open} to go`
    : `${photos}, ${selfies > 1 ? `${selfies} look like selfies` : `${selfies || "none"} looks like a selfie`}`;
}

// ---- and it works without a network ----

navigator.serviceWorker?.register("sw.js").then(() => navigator.serviceWorker.ready).then(() => {
  element("offline").textContent = "This page works offline from now on.";
}).catch(() => {}); // from disk, and on hosts without TLS, there is none
