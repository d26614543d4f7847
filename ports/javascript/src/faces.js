// Picture to faces: a first look, and further ones that are earned.
import { halve, joined, mirrored, shrunk, turned } from "./picture.js";

export const FIRST_LOOK = 3 / 5;
const SCORE = 0.5, TURNED_SCORE = 0.75;
const NEARLY_A_FACE = 0.15, LIES = 0.4;
const OTHER_SIDE = [1, 0, 2, 4, 3]; // the right eye of the mirror image is the left one
const f = Math.fround;

/** @typedef {import("./yunet.js").Face} Face */
/** @typedef {{maps: object[], mirrored: boolean}} View */

/**
 * Find faces in a picture of the working size; the same ones in its mirror image.
 * @returns {{faces: Face[], bestScore: number, views: View[]}} largest face first
 */
export function detect(net, image) {
  if (leadOfLeft(image) >= 0) return fromHere(net, image, false);
  const found = fromHere(net, mirrored(image), true);
  return { ...found, faces: largestFirst(found.faces.map((face) => mirrorFace(face, image.width))) };
}

/** See the mirror image as well. */
export function lookAgain(net, image, { views: [view] }) {
  const other = net.look(shrunk(view.mirrored ? image : mirrored(image), 3));
  return [view, { maps: other.maps, mirrored: !view.mirrored }];
}

function fromHere(net, image, isMirrored) {
  const look = net.look(shrunk(image, 3));
  const ratio = f(1 / FIRST_LOOK);
  let faces = largestFirst(look.faces(SCORE).map((face) => transform(face, (x, y) => [x, y], ratio)));
  const bestScore = look.bestScore;
  if (!faces.length && bestScore >= NEARLY_A_FACE) faces = largestFirst(net.look(image).faces(SCORE));
  if (!faces.length && seemsToLie(net, image)) faces = lookSideways(net, image);
  return { faces, bestScore, views: [{ maps: look.maps, mirrored: isMirrored }] };
}

/** Look at a tiny picture turned by a quarter, both ways side by side. */
function seemsToLie(net, image) {
  const one = turned(shrunk(image, 1), true);
  const other = turned(turned(one, true), true);
  return net.look(joined(one, other, one.width <= one.height)).bestScore >= LIES;
}

function lookSideways(net, image) {
  const small = halve(image);
  let best = [];
  for (const clockwise of [true, false]) {
    const faces = largestFirst(net.look(turned(small, clockwise)).faces(TURNED_SCORE));
    if (!faces.length || (best.length && faces[0].score <= best[0].score)) continue;
    const back = clockwise ? (x, y) => [y, small.height - x] : (x, y) => [small.width - y, x];
    best = faces.map((face) => transform(face, back, 2));
  }
  return best;
}

/** How much brighter the left half is; where both are alike, the first pixel that differs. */
function leadOfLeft({ width, height, data }) {
  const half = width >> 1;
  let lead = 0;
  for (let y = 0, place = 0; y < height; y++) {
    for (let x = 0; x < width; x++, place += 3) {
      const side = x < half ? 1 : x >= width - half ? -1 : 0;
      lead += side * (data[place] + data[place + 1] + data[place + 2]);
    }
  }
  for (let y = 0; !lead && y < height; y++) {
    for (let x = 0; !lead && x < half; x++) {
      for (let channel = 2; !lead && channel >= 0; channel--) { // blue first
        lead = data[3 * (y * width + x) + channel] - data[3 * (y * width + width - 1 - x) + channel];
      }
    }
  }
  return lead;
}

function mirrorFace({ bbox: [x, y, w, h], landmarks, score }, width) {
  return {
    bbox: [width - x - w, y, w, h],
    landmarks: OTHER_SIDE.map((index) => [width - landmarks[index][0], landmarks[index][1]]),
    score,
  };
}

function transform(face, move, ratio) {
  const [[ax, ay], [bx, by], ...landmarks] = cornersOf(face).map(([x, y]) =>
    move(f(x), f(y)).map((value) => f(value * ratio)));
  const left = Math.min(ax, bx), top = Math.min(ay, by);
  return { bbox: [left, top, Math.max(ax, bx) - left, Math.max(ay, by) - top], landmarks, score: face.score };
}

/** Map a face from the working picture to the upright original, in float32 as in Python. */
export function moved(face, offset, scale) {
  const [[x0, y0], [x1, y1], ...landmarks] = cornersOf(face).map((point) =>
    point.map((value, axis) => f(f(f(value) * f(scale[axis])) + f(offset[axis]))));
  return { bbox: [x0, y0, x1 - x0, y1 - y0], landmarks, score: face.score };
}

/** Two corners of the box, and the landmarks. */
const cornersOf = ({ bbox: [x, y, w, h], landmarks }) => [[x, y], [x + w, y + h], ...landmarks];

const area = ({ bbox: [, , w, h] }) => w * h;

function largestFirst(faces) {
  return [...faces].sort((one, other) => area(other) - area(one) ||
    one.bbox.map((value, index) => value - other.bbox[index]).find((difference) => difference) || 0);
}
