// The page: photos in, verdicts out. No framework, nothing from elsewhere. The service shows it, and
// ports/javascript/build.js makes a page of it that needs no service.

const AT_ONCE = 2; // requests; the service has a queue, but other people too
const TRIES = 12;
const SVG = "http://www.w3.org/2000/svg";

const element = (id) => document.getElementById(id);
const cards = element("cards");
const corrections = new Corrections("of the page");
const waiting = [];
let running = 0;
let model = null;

class Busy extends Error {}
class Refused extends Error {}
class NotLoaded extends Error {}

// ---- who judges: the service, or this device ----

const root = document.documentElement;
const hasService = root.dataset.judge === "service";
const KEPT = "classicselfie on device";
let askDevice = null; // made when it is first needed: that loads the weights

async function describeModel() {
  const answer = await fetch("v1/model");
  if (!answer.ok) return;
  model = await answer.json();
  describe(model);
  element("limit").textContent = `; up to ${megabytes(model.limits.max_bytes)} each`;
  if (model.on_device) element("where").hidden = false;
}

function describe({ name, threshold }) {
  element("model").textContent = `Judged by ${name}; called a selfie from ${percent(threshold)} on.`;
}

function remembered() {
  try {
    return localStorage.getItem(KEPT) === "yes";
  } catch {
    return false; // the browser stores nothing
  }
}

function turn() {
  const isOn = element("on-device").checked;
  root.dataset.judge = isOn ? "device" : "service";
  if (isOn) askDevice ??= startDevice();
}

element("on-device").addEventListener("change", ({ target }) => {
  try {
    localStorage.setItem(KEPT, target.checked ? "yes" : "no");
  } catch {
    // then it holds until the page is left
  }
  turn();
});

/** Judge in a worker, or here where the browser has none, or none that can paint. */
function startDevice() {
  const address = new URL("judge.js", import.meta.url);
  if (typeof Worker === "undefined" || typeof OffscreenCanvas === "undefined") {
    const loading = import(address);
    loading.catch(() => {}); // told of each photo
    return async (file) => (await loading).judge(file);
  }
  const worker = new Worker(address, { type: "module" });
  const asked = new Map();
  worker.addEventListener("message", ({ data: { id, error, verdict } }) => {
    const { resolve, reject } = asked.get(id);
    asked.delete(id);
    if (error) reject(new Error(error));
    else resolve(verdict);
  });
  worker.addEventListener("error", ({ message }) => { // it could not be loaded: the next photo tries again
    askDevice = null;
    asked.forEach(({ reject }) => reject(new Error(message || "a file is missing")));
  });
  let last = 0;
  return (file) => new Promise((resolve, reject) => {
    asked.set(++last, { resolve, reject });
    worker.postMessage({ id: last, file });
  });
}

if (hasService && remembered()) { // before anything else: who wants nothing sent is not asked twice
  element("where").hidden = false;
  element("on-device").checked = true;
  turn();
}
const known = hasService ? describeModel().catch(() => {}) : null; // the page works without

// ---- photos come in ----

function add(files) {
  const batch = [...files].map((file) => {
    const card = element("card").content.firstElementChild.cloneNode(true);
    const photo = { file, card, url: URL.createObjectURL(file), tries: 0 };
    card.photo = photo;
    find(card, ".name").textContent = file.name;
    card.setAttribute("aria-label", file.name);
    find(card, ".remove").setAttribute("aria-label", `Remove ${file.name}`);
    find(card, ".remove").addEventListener("click", () => remove(photo));
    find(card, ".wrong").addEventListener("click", () => answer(photo, Corrections.wrong));
    find(card, ".right").addEventListener("click", () => answer(photo, Corrections.right));
    find(card, ".again").setAttribute("aria-label", `Try ${file.name} again`);
    find(card, ".again").addEventListener("click", () => {
      photo.tries = 0;
      queue(photo);
      card.focus();
    });
    show(photo);
    return photo;
  });
  cards.prepend(...batch.map((photo) => photo.card));
  batch.forEach(queue);
}

function show(photo) {
  const image = find(photo.card, "img");
  image.addEventListener("error", () => {
    find(photo.card, ".frame").classList.add("blank");
    find(photo.card, ".no-picture").hidden = false;
  });
  image.src = photo.url; // decoded off the main thread, at the size that is shown
  image.alt = photo.file.name;
}

function remove(photo) {
  const next = photo.card.nextElementSibling ?? photo.card.previousElementSibling;
  photo.gone = true;
  URL.revokeObjectURL(photo.url);
  photo.card.remove();
  summarise();
  (next ?? element("photos")).focus();
}

element("photos").addEventListener("change", (event) => {
  add(event.target.files);
  event.target.value = ""; // the same file may be chosen again
});
element("clear").addEventListener("click", () => {
  [...cards.children].forEach((card) => remove(card.photo));
});
document.addEventListener("paste", (event) => {
  if (event.clipboardData?.files.length) add(event.clipboardData.files);
});
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

// ---- and are judged ----

function queue(photo) {
  state(photo, "waiting", "Waits for its turn …");
  waiting.push(photo);
  summarise();
  work();
}

async function work() {
  if (running >= AT_ONCE || !waiting.length) return;
  running += 1;
  const photo = waiting.shift();
  try {
    if (!photo.gone) await judge(photo);
  } finally {
    running -= 1;
    work();
  }
}

async function judge(photo) {
  state(photo, "waiting", "Is being judged …");
  try {
    await known; // who judges
    const isOnDevice = root.dataset.judge === "device";
    tell(photo, await (isOnDevice ? judgeHere : askService)(photo.file), isOnDevice);
  } catch (error) {
    if (error instanceof Busy && ++photo.tries < TRIES) {
      state(photo, "waiting", "The service is busy; trying again soon …");
      // Not all at once: everybody who was sent away comes back.
      const seconds = error.message * (1 + Math.random()) * 1.3 ** photo.tries;
      setTimeout(() => photo.gone || queue(photo), 1000 * seconds);
      return;
    }
    const why =
      error instanceof Busy
        ? "The service is very busy. Please try again later."
        : error instanceof Refused || error instanceof NotLoaded
          ? error.message
          : "The service cannot be reached.";
    state(photo, "failed", "Not judged", why);
    find(photo.card, ".again").hidden = error instanceof Refused;
    say(`${photo.file.name}: not judged. ${why}`);
  }
  summarise();
}

async function judgeHere(file) {
  try {
    askDevice ??= startDevice();
    const verdict = await askDevice(file);
    if (!hasService && verdict.threshold !== null) describe({ name: verdict.model, threshold: verdict.threshold });
    return verdict;
  } catch (error) {
    throw new NotLoaded(`What judges on this device could not be loaded: ${error.message}`);
  }
}

async function askService(file) {
  if (model && file.size > model.limits.max_bytes) {
    const most = megabytes(model.limits.max_bytes);
    throw new Refused(`The file has ${megabytes(file.size)}; this service takes ${most}.`);
  }
  if (!file.size) throw new Refused("The file is empty.");
  const answer = await fetch("v1/check", {
    method: "POST",
    headers: { "Content-Type": "application/octet-stream" },
    body: file,
  });
  if (answer.status === 503) throw new Busy(Number(answer.headers.get("Retry-After")) || 1);
  const body = await answer.json();
  if (!answer.ok) throw new Refused(`The service refuses it: ${body.detail}.`);
  return body;
}

// ---- and answered ----

function tell(photo, verdict, isOnDevice) {
  const { card } = photo;
  const [kind, title] = headline(verdict);
  photo.kind = kind;
  state(photo, kind, title, verdict.summary);
  drawFaces(card, verdict);
  drawScale(card, verdict);
  drawReasons(card, verdict);
  drawTiming(card, verdict, isOnDevice);
  photo.pile = verdict.confidence === "maybe" ? "maybe" : verdict.label;
  showAnswer(photo);
  say(`${photo.file.name}: ${verdict.summary}`);
}

// ---- and corrected ----

// The page sees names alone: beside the photos, the CSV finds them.
const pathOf = ({ file }) => `./${file.name}`;

function answer(photo, turn) {
  const said = turn.call(Corrections, photo.pile, corrections.of(pathOf(photo)));
  corrections.say(pathOf(photo), said);
  // Two photos of one name are one to whoever reads the file.
  judged().filter((other) => pathOf(other) === pathOf(photo)).forEach(showAnswer);
  countAnswers();
  say(`${photo.file.name}: you say ${said ? Corrections.WORDS[said] : "nothing any more"}`);
}

const judged = () => [...cards.children].map((card) => card.photo).filter(({ pile }) => pile);

function showAnswer(photo) {
  const [wrong, right, line] = [".wrong", ".right", ".said"].map((name) => find(photo.card, name));
  wrong.hidden = false;
  Corrections.show(photo.pile, corrections.of(pathOf(photo)), { wrong, right, line });
  line.hidden = !line.textContent;
}

function countAnswers() {
  element("answers").hidden = !corrections.size;
  element("answers-count").textContent = corrections.isKept
    ? `You answered ${corrections.size}.`
    : `You answered ${corrections.size}; this browser keeps no answers, download them before you leave.`;
}

document.addEventListener("keydown", (event) => {
  const turn = Corrections.pressed(event);
  const photo = event.target.closest(".card")?.photo;
  if (turn && photo?.pile) answer(photo, turn);
});
element("download").addEventListener("click", () => {
  const piles = new Map(judged().map((photo) => [pathOf(photo), photo.pile]));
  const rows = corrections.photos.map((path) => [path, corrections.of(path), piles.get(path) ?? ""]);
  Corrections.download(rows);
});
element("forget").addEventListener("click", () => {
  corrections.forget();
  judged().forEach(showAnswer);
  countAnswers();
  element("photos").focus();
  say("Your answers are forgotten");
});
countAnswers();

function headline({ label, confidence, faces }) {
  if (confidence === "maybe") return ["maybe", "May be a selfie"];
  if (label === "selfie") return ["selfie", "Looks like a selfie"];
  if (label === "unknown") return ["unknown", "Cannot be judged"];
  return ["not_selfie", faces.length ? "Does not look like a selfie" : "No face was found"];
}

function drawFaces(card, { faces, size }) {
  if (!size) return;
  const [width, height] = size;
  const picture = find(card, ".faces");
  picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
  // Of a photo that the browser cannot show, the outline tells at least where the faces are.
  const frame = find(card, ".frame");
  if (frame.classList.contains("blank")) frame.style.aspectRatio = `${width} / ${height}`;
  for (const [place, face] of faces.entries()) {
    for (const name of ["edge", place ? "box" : "box first"]) {
      const box = document.createElementNS(SVG, "rect");
      const [x, y, w, h] = face.bbox;
      Object.entries({ x, y, width: w, height: h, rx: w / 12, class: name }).forEach((pair) =>
        box.setAttribute(...pair),
      );
      picture.append(box);
    }
  }
  const count = faces.length === 1 ? "1 face" : `${faces.length || "no"} faces`;
  find(card, ".facts").textContent = `${width} × ${height} · ${count}`;
  find(card, "img").alt = `${card.photo.file.name}, ${count} found`;
}

function drawScale(card, { probability, threshold, faces }) {
  if (probability === null || !faces.length) return; // without a face it is not what decides
  const scale = find(card, ".scale");
  const legend = find(card, ".legend");
  find(scale, ".fill").style.width = `${100 * probability}%`;
  find(scale, ".mark").style.left = `${100 * threshold}%`;
  const words = `Selfie score ${percent(probability)}; called a selfie from ${percent(threshold)} on`;
  scale.setAttribute("aria-label", words);
  legend.textContent = words;
  legend.setAttribute("aria-hidden", "true"); // the scale has said it
  scale.hidden = legend.hidden = false;
}

function drawReasons(card, { reasons, label }) {
  if (label === "unknown" || !reasons.length) return;
  const most = Math.max(...reasons.map(({ contribution }) => Math.abs(contribution)), 1e-9);
  find(card, ".reasons").append(...reasons.map((reason) => reasonLine(reason, most)));
  find(card, ".why").hidden = false;
}

function reasonLine({ sentence: text, contribution }, most) {
  const speaksFor = contribution >= 0;
  const line = make("li");
  const words = make("span", "words");
  const value = make("span", "value", `${speaksFor ? "+" : "−"}${Math.abs(contribution).toFixed(2)}`);
  const side = contribution ? (speaksFor ? " for a selfie" : " against a selfie") : " for neither";
  value.append(make("span", "unseen", side));
  words.append(make("span", "", text), value);
  const track = make("span", "track");
  const bar = make("i", speaksFor ? "plus" : "minus");
  bar.style.width = `${(50 * Math.abs(contribution)) / most}%`;
  track.append(bar);
  line.append(words, track);
  return line;
}

function drawTiming(card, { timings_ms: laps, stage }, isOnDevice) {
  const total = Object.values(laps).reduce((sum, ms) => sum + ms, 0);
  if (!total) return;
  const timing = find(card, ".timing");
  const from = isOnDevice
    ? "on this device"
    : `from ${{ thumbnail: "its thumbnail", pixels: "its pixels", header: "its header" }[stage]}`;
  find(timing, "summary").textContent = `Judged ${from} in ${milliseconds(total)}`;
  for (const [name, ms] of Object.entries(laps)) {
    find(timing, "dl").append(make("dt", "", name), make("dd", "", milliseconds(ms)));
  }
  timing.hidden = false;
}

function state(photo, kind, title, text = "") {
  photo.card.className = `card ${kind}`;
  photo.card.setAttribute("aria-busy", kind === "waiting");
  find(photo.card, "h3").textContent = title;
  find(photo.card, ".sentence").textContent = text;
  find(photo.card, ".again").hidden = true;
}

function summarise() {
  const all = [...cards.children].map((card) => card.photo);
  const selfies = all.filter((photo) => photo.kind === "selfie").length;
  const open = all.filter((photo) => photo.card.classList.contains("waiting")).length;
  const photos = all.length === 1 ? "1 photo" : `${all.length} photos`;
  const maybe = all.filter((photo) => photo.kind === "maybe").length;
  const sure =
    selfies > 1 ? `${selfies} look like selfies` : `${selfies || "none"} looks like a selfie`;
  const found = maybe ? `${sure}, ${maybe} may be` : sure;
  element("bar").hidden = !all.length;
  element("summary").textContent = open ? `${photos}, ${open} to go` : `${photos}, ${found}`;
}

// ---- small things ----

function say(text) {
  // Several answers may come at once; each line is read, and the list stays short.
  const status = element("status");
  status.append(make("span", "", `${text} `));
  while (status.children.length > 5) status.firstElementChild.remove();
}

function make(tag, name = "", text = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.textContent = text;
  return made;
}

function find(parent, selector) {
  return parent.querySelector(selector);
}

const percent = (share) =>
  share > 0 && share < 0.01 ? "<1 %" : share > 0.99 && share < 1 ? ">99 %" : `${Math.round(100 * share)} %`;
const megabytes = (bytes) => `${Math.round((10 * bytes) / 2 ** 20) / 10} MB`;
const milliseconds = (ms) => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;

// ---- without a service it works without a network too, once it was loaded ----

if (!hasService) {
  navigator.serviceWorker?.register("sw.js").then(() => navigator.serviceWorker.ready).then(() => {
    element("offline").textContent = "This page works offline from now on.";
  }).catch(() => {}); // from disk, and on hosts without TLS, there is none
}
