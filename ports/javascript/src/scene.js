// A picture with a face, and what several feature groups share of it, made when asked for.
import { halve, luma } from "./picture.js";
import { plane, sumsOf } from "./sampling.js";
import { segmentSkin } from "./skin.js";

export const GRID = 6; // cells a side in every face-centred grid
const CONTEXT_FACES = 4, CONTEXT_DROP = 0.6, SIMILAR_FACE = 0.5;

/** Make each property once, when it is first asked for. */
function lazily(target, makers) {
  for (const [name, maker] of Object.entries(makers)) {
    let value;
    Object.defineProperty(target, name, { get: () => (value ??= maker()) });
  }
}

export class Scene {
  /** The picture's sides are multiples of four; the largest face comes first. */
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
      slopesHalf: () => slopes(this.lumaHalf),
      slopesQuarter: () => slopes(this.lumaQuarter),
      detail: () => sumsOf(laplacian(this.luma)),
      skin: () => segmentSkin(this.quarter, this.face.bbox.map((value) => value / 4)),
      skinSums: () => sumsOf(this.skin),
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
    return [x + w / 2, y + h / 2 + CONTEXT_DROP * this.faceSize].map((middle) => steps.map((step) => middle + step));
  }
}

/** Right minus left neighbour, lower minus upper; the outermost pixels are repeated. */
function slopes({ width, height, data }) {
  const across = (place, x) => data[x + 1 < width ? place + 1 : place] - data[x ? place - 1 : place];
  const down = (place, _, y) => data[y + 1 < height ? place + width : place] - data[y ? place - width : place];
  return { width, height, across: plane(width, height, across, Int16Array).data,
    down: plane(width, height, down, Int16Array).data };
}

/** Beyond an edge lies what is before it, the outermost pixels not repeated. */
function laplacian({ width, height, data }) {
  return plane(width, height, (place, x, y) => {
    const left = data[x ? place - 1 : place + 1], right = data[x + 1 < width ? place + 1 : place - 1];
    const upper = data[y ? place - width : place + width], lower = data[y + 1 < height ? place + width : place - width];
    return Math.min(255, Math.abs(left + right + upper + lower - 4 * data[place]));
  });
}
