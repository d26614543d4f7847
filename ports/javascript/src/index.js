// Is this photo a selfie? The same answer as `classicselfie check --json`, from its pixels. Types: index.d.ts.
import { detect, lookAgain, moved } from "./faces.js";
import { extract, withViews } from "./features.js";
import { decode, open, PhotoError } from "./file.js";
import { evidence, NO_HINTS, readHints } from "./metadata.js";
import { LinearModel } from "./model.js";
import { fromRgba } from "./picture.js";
import { explain } from "./reasons.js";
import { Scene } from "./scene.js";
import { summarise } from "./summary.js";
import { MIN_SIDE, toWorkingSize } from "./working.js";
import { YuNet } from "./yunet.js";

export class SelfieDetector {
  #net;
  #model;

  constructor({ port, weights, numbers, threshold = port.threshold ?? "strict" }) {
    if (port.format !== 1) throw new Error(`port.json has format ${port.format}; this port needs 1: export again`);
    this.#net = new YuNet(port.layers, numbers);
    this.#model = new LinearModel(weights, port.model);
    const isNumber = typeof threshold === "number", named = this.#model.thresholds;
    this.threshold = isNumber ? threshold : named[threshold];
    // Between the published thresholds a photo may be one; a number draws its own line alone.
    this.cuts = isNumber ? [threshold] : Object.values(named);
    if (!(this.threshold >= 0 && this.threshold <= 1)) {
      throw new RangeError(`threshold must be strict, sensitive or a number from 0 to 1, not ${threshold}`);
    }
  }

  /** Load what `classicselfie export` wrote; by default from `data/` beside this module. */
  static async load(folder = new URL("../data/", import.meta.url), options = {}) {
    const read = async (name) => {
      const url = new URL(name, folder);
      if (url.protocol === "file:" && typeof process !== "undefined") {
        return (await import("node:fs/promises")).readFile(url);
      }
      const answer = await fetch(url);
      if (!answer.ok) throw new Error(`${url} cannot be loaded: ${answer.status}`);
      return new Uint8Array(await answer.arrayBuffer());
    };
    const [port, weights, bytes] = await Promise.all(["port.json", "weights.json", "yunet.bin"].map(read));
    const parse = (text) => JSON.parse(new TextDecoder().decode(text));
    const numbers = new Float32Array(Uint8Array.from(bytes).buffer); // little-endian, as whatever runs JavaScript
    return new SelfieDetector({ port: parse(port), weights: parse(weights), numbers, ...options });
  }

  /** Judge an empty picture with a made-up face, so that the first photo does not wait for the compiler. */
  warmUp() {
    const [width, height] = [480, 360], empty = fromRgba({ width, height, data: new Uint8Array(4 * width * height) });
    const working = toWorkingSize(empty, [width, height]), { views } = detect(this.#net, working.image);
    const landmarks = [[145, 100], [175, 100], [160, 120], [148, 140], [172, 140]];
    this.#judge(working, NO_HINTS, stopwatch(), { views, faces: [{ bbox: [120, 60, 80, 100], landmarks, score: 1 }] });
  }

  /** Judge one photo, a file or upright RGBA; no picture rejects: one that cannot be read is "unknown". */
  async check(photo) {
    const timer = stopwatch();
    let hints = NO_HINTS;
    try {
      let decoded;
      if (photo instanceof Blob) {
        const [header, trailer] = await open(photo);
        timer.lap("open");
        hints = readHints(header, trailer);
        timer.lap("metadata");
        decoded = await decode(photo, header);
      } else {
        decoded = { pixels: fromRgba(pixelsOf(photo)), size: [photo.width, photo.height] };
      }
      const { pixels, size } = decoded;
      if (Math.min(...size) < MIN_SIDE) throw new PhotoError(`it is too small to judge (${size.join(" × ")} pixels)`);
      const working = toWorkingSize(pixels, size);
      timer.lap("decode");
      return this.#judge(working, hints, timer).verdict;
    } catch (error) {
      if (!(error instanceof PhotoError)) throw error;
      const reasons = [{ signal: "unreadable", sentence: error.message, contribution: 0 }];
      return this.#told(hints, timer, { reasons, detail: error.cause ? String(error.cause) : null });
    }
  }

  /** Judge a picture that is of the working size already, and keep what every stage gave. */
  analyse(image) {
    const size = [image.width, image.height];
    return this.#judge({ image, size, offset: [0, 0], scale: [1, 1] }, NO_HINTS, stopwatch());
  }

  #judge({ image, size, offset, scale }, hints, timer, found = detect(this.#net, image)) {
    timer.lap("faces");
    const scene = new Scene(image, found.faces);
    if (scene.face) void scene.skin; // made here, so that its time is told apart
    timer.lap("skin");
    const faces = found.faces.map((face) => moved(face, offset, scale));
    const metadata = evidence(hints, faces[0] ?? null, size);
    const score = (features) => {
      timer.lap("features");
      const scored = this.#model.score(features, metadata);
      timer.lap("score");
      return { features, ...scored };
    };
    const first = score(extract(scene, found.views)), looks = faces.length && !this.#isClear(first.decision) ? 2 : 1;
    let judged = first;
    if (looks === 2) {
      const views = lookAgain(this.#net, image, found);
      timer.lap("faces");
      judged = score(withViews(first.features, scene, views));
    }
    const all = { ...judged, found, scene, faces, metadata, first, looks };
    return { ...all, verdict: this.#verdict(all, size, hints, timer) };
  }

  /** Whether a closer look would hardly change on which side of any cut the photo is. */
  #isClear(decision) {
    return [this.threshold, ...Object.values(this.#model.thresholds)].map((cut) => this.#model.decision(cut))
      .every((cut) => !Number.isFinite(cut) || Math.abs(decision - cut) >= this.#model.margin);
  }

  #verdict(judged, size, hints, timer) {
    const probability = this.#model.probability(judged.decision), inSight = judged.faces.length > 0;
    const reasons = explain(judged, this.#model.calibration[0]);
    timer.lap("reasons");
    const maybe = inSight && probability >= Math.min(...this.cuts) && probability < Math.max(...this.cuts);
    const place = (values) => values.map((value) => rounded(value, 1));
    return this.#told(hints, timer, {
      // Whatever else speaks for it, nobody is warned without a face in sight.
      label: inSight && probability >= this.threshold ? "selfie" : "not_selfie",
      confidence: maybe ? "maybe" : "clear", probability, threshold: this.threshold, reasons, size, stage: "pixels",
      faces: judged.faces.map(({ bbox, landmarks, score }) => (
        { bbox: place(bbox), landmarks: landmarks.map(place), score: rounded(score, 4) })),
    });
  }

  /** The keys of a verdict in their order; those of one that could not be judged where nothing is told. */
  #told(hints, { laps }, told) {
    const verdict = {
      path: null, label: "unknown", confidence: null, probability: null, threshold: null, summary: "",
      front_camera: hints.frontCamera, reasons: [], faces: [], size: null, stage: "header",
      timings_ms: laps, model: this.#model.name, detail: null, ...told,
    };
    return { ...verdict, summary: summarise(verdict) };
  }
}

function pixelsOf(photo) {
  const { data, width, height } = photo ?? {};
  const isBytes = data instanceof Uint8Array || data instanceof Uint8ClampedArray;
  const isWhole = [width, height].every((side) => Number.isInteger(side) && side > 0);
  if (isBytes && isWhole && data.length === 4 * width * height) return photo;
  throw new TypeError("expected a Blob, or {data, width, height} with four bytes a pixel");
}

const rounded = (value, digits) => Number(value.toFixed(digits));

/** Milliseconds from lap to lap, by stage. */
function stopwatch() {
  const laps = {};
  let last = performance.now();
  const lap = (stage) => {
    const now = performance.now();
    laps[stage] = (laps[stage] ?? 0) + now - last;
    last = now;
  };
  return { laps, lap };
}
