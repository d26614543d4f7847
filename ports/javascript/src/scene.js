// A picture and its faces, and what several feature groups share of them, made when asked for.
import { halve, luma, rint } from "./picture.js";
import { histogram, outer, quantiles, region, sharesInside, sumsOf, visit, wholeBox } from "./sampling.js";

export const GRID = 6; // cells a side in every face-centred grid
const CONTEXT_FACES = 4, CONTEXT_DROP = 0.6;
const SIMILAR_FACE = 0.5;
// Skin, by Chai and Ngan where no face tells its colour (Cr, Cb).
const FIXED = [[133, 173], [77, 127]];
const SPREADS = [[22, 48], [4, 10], [4, 10]]; // of Y, Cr, Cb
const NORMAL = 0.7413, WIDTH = 1.35, REACH = 2.6, ONE = 1024;

const plane = (width, height, data) => ({ width, height, data });

/** Make each property once, when it is first asked for. */
function lazily(target, makers) {
  for (const [name, maker] of Object.entries(makers)) {
    let value;
    Object.defineProperty(target, name, { get: () => (value ??= maker()) });
  }
}

export class Scene {
  /**
   * @param {import("./picture.js").Picture} image both sides are multiples of four
   * @param {import("./yunet.js").Face[]} faces largest first
   */
  constructor(image, faces) {
    Object.assign(this, { image, faces, width: image.width, height: image.height, face: faces[0] ?? null });
    this.faceSize = this.face ? Math.sqrt(this.face.bbox[2] * this.face.bbox[3]) : 0;
    this.similar = faces.filter((face) => face.bbox[3] >= SIMILAR_FACE * faces[0].bbox[3]);
    lazily(this, {
      half: () => halve(image),
      quarter: () => halve(this.half),
      luma: () => luma(image),
      lumaHalf: () => halve(this.luma),
      lumaQuarter: () => halve(this.lumaHalf),
      saturation: () => saturation(this.quarter),
      slopesHalf: () => slopes(this.lumaHalf),
      slopesQuarter: () => slopes(this.lumaQuarter),
      detail: () => sumsOf(laplacian(this.luma)),
      coarseDetail: () => sumsOf(coarse(this.lumaQuarter)),
      skin: () => segmentSkin(this.quarter, this.face && this.face.bbox.map((value) => value / 4)),
      skinSums: () => sumsOf(this.skin),
      inside: () => {
        const [xs, ys] = this.window();
        return outer(sharesInside(ys, this.height), sharesInside(xs, this.width));
      },
    });
  }

  /** The largest face's box without its rim. */
  get innerFace() {
    const [x, y, w, h] = this.face.bbox;
    return [x + 0.1 * w, y + 0.1 * h, x + 0.9 * w, y + 0.9 * h];
  }

  /** Edges of the cells of the face-centred window: xs and ys. */
  window(ring = 0) {
    const [x, y, w, h] = this.face.bbox;
    const cell = (CONTEXT_FACES * this.faceSize) / GRID;
    const steps = Array.from({ length: GRID + 2 * ring + 1 }, (_, index) => cell * (index - GRID / 2 - ring));
    return [steps.map((step) => x + w / 2 + step), steps.map((step) => y + h / 2 + CONTEXT_DROP * this.faceSize + step)];
  }
}

function saturation({ width, height, data }) {
  const out = new Uint8Array(width * height);
  for (let from = 0, to = 0; to < out.length; from += 3, to++) {
    const value = Math.max(data[from], data[from + 1], data[from + 2]);
    const chroma = value - Math.min(data[from], data[from + 1], data[from + 2]);
    out[to] = Math.floor((chroma * 255) / Math.max(value, 1));
  }
  return plane(width, height, out);
}

/** Right minus left neighbour, lower minus upper; the outermost pixels are repeated. */
function slopes({ width, height, data }) {
  const across = new Int16Array(data.length), down = new Int16Array(data.length);
  for (let y = 0, place = 0; y < height; y++) {
    for (let x = 0; x < width; x++, place++) {
      across[place] = data[x + 1 < width ? place + 1 : place] - data[x ? place - 1 : place];
      down[place] = data[y + 1 < height ? place + width : place] - data[y ? place - width : place];
    }
  }
  return { width, height, across, down };
}

const reflected = (place, length) => (place < 0 ? -place : place >= length ? 2 * length - 2 - place : place);

function laplacian({ width, height, data }) {
  const out = new Uint8Array(data.length);
  for (let y = 0, place = 0; y < height; y++) {
    const above = reflected(y - 1, height) * width, below = reflected(y + 1, height) * width, here = y * width;
    for (let x = 0; x < width; x++, place++) {
      const value = data[above + x] + data[below + x] + data[here + reflected(x - 1, width)] +
        data[here + reflected(x + 1, width)] - 4 * data[place];
      out[place] = Math.min(255, Math.abs(value));
    }
  }
  return plane(width, height, out);
}

/** How far the luma is from the mean of the 5 × 5 pixels around it. */
function coarse({ width, height, data }) {
  const out = new Float64Array(data.length);
  const lines = new Float64Array(data.length);
  for (let y = 0, place = 0; y < height; y++) {
    for (let x = 0; x < width; x++, place++) {
      for (let step = -2; step <= 2; step++) lines[place] += data[y * width + reflected(x + step, width)];
    }
  }
  for (let y = 0, place = 0; y < height; y++) {
    for (let x = 0; x < width; x++, place++) {
      let sum = 0;
      for (let step = -2; step <= 2; step++) sum += lines[reflected(y + step, height) * width + x];
      out[place] = Math.abs(data[place] - Math.fround(sum / 25));
    }
  }
  return plane(width, height, out);
}

/** Tell skin (1) from the rest (0), by the colour of the face's middle where there is a face. */
export function segmentSkin({ width, height, data }, bbox) {
  const planes = [0, 1, 2].map(() => new Uint8Array(width * height));
  for (let from = 0, to = 0; to < planes[0].length; from += 3, to++) {
    const [red, green, blue] = [data[from], data[from + 1], data[from + 2]];
    const y = (4899 * red + 9617 * green + 1868 * blue + 8192) >> 14;
    planes[0][to] = y;
    planes[1][to] = clamped(((red - y) * 11682 + (128 << 14) + 8192) >> 14);
    planes[2][to] = clamped(((blue - y) * 9241 + (128 << 14) + 8192) >> 14);
  }
  const seed = bbox && faceMiddle(bbox, { width, height });
  const out = new Uint8Array(width * height);
  if (!seed) {
    const [[lowRed, highRed], [lowBlue, highBlue]] = FIXED;
    for (let i = 0; i < out.length; i++) {
      const red = planes[1][i], blue = planes[2][i];
      out[i] = red >= lowRed && red <= highRed && blue >= lowBlue && blue <= highBlue ? 1 : 0;
    }
    return plane(width, height, out);
  }
  const [y, cr, cb] = planes.map((each, index) => squares(histogram(plane(width, height, each), seed), SPREADS[index]));
  const reach = rint(REACH * REACH * ONE);
  for (let i = 0; i < out.length; i++) out[i] = y[planes[0][i]] + cr[planes[1][i]] + cb[planes[2][i]] < reach ? 1 : 0;
  return plane(width, height, out);
}

const clamped = (value) => Math.min(255, Math.max(0, value));

/** Squared distance from the seed's quantiles, for each of the 256 values. */
function squares(counts, [least, most]) {
  const [low, centre, high] = quantiles(counts, 0.25, 0.5, 0.75);
  const spread = Math.min(Math.max(WIDTH * NORMAL * (high - low), least), most);
  return Float64Array.from({ length: 256 }, (_, value) => rint(((value - centre) / spread) ** 2 * ONE));
}

function faceMiddle([x, y, w, h], size) {
  const part = wholeBox([x + 0.22 * w, y + 0.25 * h, x + 0.78 * w, y + 0.85 * h], size);
  return part.size >= 4 ? part : null;
}

/**
 * Label the connected parts of a mask, neighbours being left, right, above and below.
 * @returns {{left, top, right, bottom, area, x: number, places: number[]}[]} `x`: of the centre
 */
export function components({ width, height, data }) {
  const seen = new Uint8Array(data.length);
  const found = [];
  visit(region([0, height], [0, width]), width, (start) => {
    if (!data[start] || seen[start]) return;
    const places = [start];
    seen[start] = 1;
    const part = { left: width, top: height, right: 0, bottom: 0, area: 0, x: 0, places };
    for (let index = 0; index < places.length; index++) {
      const place = places[index], x = place % width, y = (place - x) / width;
      part.left = Math.min(part.left, x);
      part.right = Math.max(part.right, x + 1);
      part.top = Math.min(part.top, y);
      part.bottom = Math.max(part.bottom, y + 1);
      part.x += x;
      for (const [inside, next] of [[x > 0, place - 1], [x + 1 < width, place + 1], [y > 0, place - width], [y + 1 < height, place + width]]) {
        if (inside && data[next] && !seen[next]) {
          seen[next] = 1;
          places.push(next);
        }
      }
    }
    found.push({ ...part, area: places.length, x: part.x / places.length });
  });
  return found;
}
