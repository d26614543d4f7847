// Is this photo a selfie? The same answer as `classicselfie check --json`, from its pixels.
import { readHeader } from "./exif.js";
import { detect, lookAgain } from "./faces.js";
import { extract, withViews } from "./features.js";
import { evidence, readHints } from "./metadata.js";
import { LinearModel } from "./model.js";
import { fromRgba } from "./picture.js";
import { explain, summarise } from "./reasons.js";
import { Scene } from "./scene.js";
import { decode, MIN_SIDE, toWorkingSize } from "./working.js";
import { YuNet } from "./yunet.js";

const HEAD_BYTES = 2 ** 20, TAIL_BYTES = 2 ** 18, MAX_BYTES = 512 * 2 ** 20;
const MAX_MEGAPIXELS = { JPEG: 256, PNG: 80, WebP: 50, GIF: 70, BMP: 80, AVIF: 60, HEIC: 70, TIFF: 70 };
const NO_HINTS = { frontCamera: null, mirrored: false, frontOrientation: false, focalMm: null, focal35: null };
const f = Math.fround;

/** What a photo is refused for, as a sentence. */
class PhotoError extends Error {}

export class SelfieDetector {
  #net;
  #model;

  /**
   * @param {{port: object, weights: object, numbers: Float32Array, threshold?: "strict" | "sensitive" | number}} data
   * what `classicselfie export` writes; see `load`
   */
  constructor({ port, weights, numbers, threshold = "strict" }) {
    this.#net = new YuNet(port.layers, numbers);
    this.#model = new LinearModel(weights, port.model);
    this.threshold = typeof threshold === "number" ? threshold : this.#model.thresholds[threshold];
    // Between the published thresholds a photo may be one; a number draws its own line alone.
    this.cuts = typeof threshold === "number" ? [threshold] : Object.values(this.#model.thresholds);
    if (!(this.threshold >= 0 && this.threshold <= 1)) {
      throw new RangeError(`threshold must be strict, sensitive or a number from 0 to 1, not ${threshold}`);
    }
  }

  /**
   * Load what `classicselfie export` wrote.
   * @param {string | URL} [folder] its address; by default `data/` beside this module
   * @param {{threshold?: "strict" | "sensitive" | number}} [options]
   */
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
    return new SelfieDetector({ port: parse(port), weights: parse(weights), numbers: floats(bytes), ...options });
  }

  /**
   * Judge one photo.
   * @param {Blob | {data: Uint8Array | Uint8ClampedArray, width: number, height: number}} photo a file, or
   * upright pixels of four bytes (RGBA)
   * @returns {Promise<object>} as `classicselfie check --json`; of label "unknown" with a reason where the
   * picture cannot be read; no picture rejects
   */
  async check(photo) {
    const timer = new Timer();
    let hints = NO_HINTS;
    try {
      let decoded;
      if (photo instanceof Blob) {
        const [header, tail] = await open(photo);
        timer.lap("open");
        hints = readHints(header, tail);
        timer.lap("metadata");
        refuse(header);
        decoded = await decodeBlob(photo);
      } else {
        decoded = { pixels: fromRgba(pixelsOf(photo)), size: [photo.width, photo.height] };
      }
      if (Math.min(...decoded.size) < MIN_SIDE) throw new PhotoError(`it is too small to judge (${decoded.size.join(" × ")} pixels)`);
      const working = toWorkingSize(decoded.pixels, decoded.size);
      timer.lap("decode");
      return this.#verdict(this.#judge(working, hints, timer), working, hints, timer);
    } catch (error) {
      if (!(error instanceof PhotoError)) throw error;
      return this.#unknown(error, hints, timer);
    }
  }

  /**
   * Judge a picture that is of the working size already, and keep what every stage gave.
   * @param {import("./picture.js").Picture} image three bytes a pixel, sides multiples of four
   */
  analyse(image) {
    const timer = new Timer();
    const size = [image.width, image.height];
    const working = { image, size, offset: [0, 0], scale: [1, 1] };
    const judged = this.#judge(working, NO_HINTS, timer);
    return { ...judged, verdict: this.#verdict(judged, working, NO_HINTS, timer) };
  }

  #judge(working, hints, timer) {
    const found = detect(this.#net, working.image);
    timer.lap("faces");
    const scene = new Scene(working.image, found.faces);
    void scene.skin; // made here, so that its time is told apart
    timer.lap("skin");
    let features = extract(scene, found.views);
    timer.lap("features");
    let judged = this.#score(scene, features, working, hints);
    timer.lap("score");
    const first = judged;
    let looks = 1;
    if (found.faces.length && !this.#isClear(judged.decision)) {
      const views = lookAgain(this.#net, working.image, found);
      timer.lap("faces");
      features = withViews(features, scene, views);
      timer.lap("features");
      judged = this.#score(scene, features, working, hints);
      timer.lap("score");
      looks = 2;
    }
    return { ...judged, found, scene, first, looks };
  }

  #score(scene, features, { size, offset, scale }, hints) {
    const faces = scene.faces.map((face) => inOriginal(face, offset, scale));
    const metadata = evidence(hints, faces[0] ?? null, size);
    const shares = this.#model.shares(features);
    const logOdds = metadata.reduce((sum, item) => sum + item.logOdds, 0);
    const decision = shares.reduce((sum, [, share]) => sum + share, 0) + this.#model.intercept + logOdds / this.#model.calibration[0];
    return { features, faces, metadata, shares, decision };
  }

  /** Whether a closer look would hardly change on which side of any cut the photo is. */
  #isClear(decision) {
    const cuts = new Set([this.threshold, ...Object.values(this.#model.thresholds)]);
    return [...cuts].map((cut) => this.#model.decision(cut)).filter(Number.isFinite)
      .every((cut) => Math.abs(decision - cut) >= this.#model.margin);
  }

  #verdict(judged, { size }, hints, timer) {
    const probability = this.#model.probability(judged.decision);
    // Whatever else speaks for it, nobody is warned without a face in sight.
    const label = judged.faces.length && probability >= this.threshold ? "selfie" : "not_selfie";
    const reasons = explain(judged, this.#model.calibration[0]);
    timer.lap("reasons");
    const maybe = judged.faces.length && probability >= Math.min(...this.cuts) && probability < Math.max(...this.cuts);
    const verdict = {
      path: null, label, confidence: maybe ? "maybe" : "clear", probability, threshold: this.threshold, summary: "",
      front_camera: hints.frontCamera, reasons,
      faces: judged.faces.map(({ bbox, landmarks, score }) => ({
        bbox: bbox.map((value) => rounded(value, 1)),
        landmarks: landmarks.map((point) => point.map((value) => rounded(value, 1))),
        score: rounded(score, 4),
      })),
      size, stage: "pixels", timings_ms: timer.laps, model: this.#model.name, detail: null,
    };
    return { ...verdict, summary: summarise(verdict) };
  }

  #unknown(error, hints, timer) {
    const reasons = [{ signal: "unreadable", sentence: error.message, contribution: 0 }];
    return {
      path: null, label: "unknown", confidence: null, probability: null, threshold: null,
      summary: summarise({ label: "unknown", reasons }), front_camera: hints.frontCamera, reasons,
      faces: [], size: null, stage: "header", timings_ms: timer.laps, model: this.#model.name,
      detail: error.cause ? String(error.cause) : null,
    };
  }
}

async function open(blob) {
  if (!blob.size) throw new PhotoError("the file is empty");
  if (blob.size > MAX_BYTES) throw new PhotoError(`the file is larger than ${MAX_BYTES / 2 ** 20} MB`);
  const read = async (part) => new Uint8Array(await part.arrayBuffer());
  try {
    const head = await read(blob.slice(0, HEAD_BYTES));
    return [readHeader(head), await read(blob.slice(Math.max(0, blob.size - TAIL_BYTES)))];
  } catch (cause) {
    throw new PhotoError("the file cannot be read", { cause });
  }
}

function refuse({ format, size }) {
  if (!format) throw new PhotoError(`not a picture in a supported format (${Object.keys(MAX_MEGAPIXELS).join(", ")})`);
  const limit = MAX_MEGAPIXELS[format];
  if (size && size[0] * size[1] > limit * 1e6) {
    throw new PhotoError(`its header promises ${size.join(" × ")} pixels, more than the limit of ${limit} megapixels for ${format}`);
  }
}

async function decodeBlob(blob) {
  if (typeof createImageBitmap === "undefined") {
    throw new PhotoError("this platform cannot decode pictures: give {data, width, height} of RGBA instead");
  }
  try {
    return await decode(blob);
  } catch (cause) {
    throw new PhotoError("the picture is damaged, or of a kind that this browser cannot show", { cause });
  }
}

function pixelsOf(photo) {
  const { data, width, height } = photo ?? {};
  const whole = [width, height].every((side) => Number.isInteger(side) && side > 0);
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray) || !whole || data.length !== 4 * width * height) {
    throw new TypeError("expected a Blob, or {data, width, height} with four bytes a pixel");
  }
  return photo;
}

/** Map a face from the working image to the upright original, in float32 as in Python. */
function inOriginal({ bbox: [x, y, w, h], landmarks, score }, offset, scale) {
  const moved = [[x, y], [x + w, y + h], ...landmarks].map((point) =>
    point.map((value, axis) => f(f(f(value) * f(scale[axis])) + f(offset[axis]))));
  const [[x0, y0], [x1, y1]] = moved;
  return { bbox: [x0, y0, x1 - x0, y1 - y0], landmarks: moved.slice(2), score };
}

const rounded = (value, digits) => Number(value.toFixed(digits));

/** Little-endian float32, wherever the bytes begin. */
function floats(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.byteLength / 4 }, (_, index) => view.getFloat32(4 * index, true));
}

/** Milliseconds from lap to lap. */
class Timer {
  laps = {};
  #last = performance.now();

  lap(stage) {
    const now = performance.now();
    this.laps[stage] = (this.laps[stage] ?? 0) + now - this.#last;
    this.#last = now;
  }
}
