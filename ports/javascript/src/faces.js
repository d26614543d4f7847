// Picture to faces: a first look, and further ones that are earned.
import { halve, joined, mirrored, shrunk, turned } from "./picture.js";

export const FIRST_LOOK = 3 / 5;
const SCORE = 0.5, TURNED_SCORE = 0.75, NEARLY_A_FACE = 0.15, LIES = 0.4;
const OTHER_SIDE = [1, 0, 2, 4, 3]; // the right eye of the mirror image is the left one
const f = Math.fround;

/** Find faces in a picture of the working size, largest first; the same ones in its mirror image. */
export function detect(net, image) {
  const isMirrored = leadOfLeft(image) < 0, here = isMirrored ? mirrored(image) : image;
  const { maps, bestScore, faces: first } = net.look(shrunk(here, 3), SCORE);
  let faces = largestFirst(first.map((face) => transform(face, (x, y) => [x, y], f(1 / FIRST_LOOK))));
  if (!faces.length && bestScore >= NEARLY_A_FACE) faces = largestFirst(net.look(here, SCORE).faces);
  if (!faces.length && seemsToLie(net, here)) faces = lookSideways(net, here);
  if (isMirrored) faces = largestFirst(faces.map((face) => mirrorFace(face, image.width)));
  return { faces, bestScore, views: [{ maps, mirrored: isMirrored }] };
}

/** See the mirror image as well. */
export function lookAgain(net, image, { views: [view] }) {
  const { maps } = net.look(shrunk(view.mirrored ? image : mirrored(image), 3), SCORE);
  return [view, { maps, mirrored: !view.mirrored }];
}

/** Look at a tiny picture turned by a quarter, both ways side by side. */
function seemsToLie(net, image) {
  const one = turned(shrunk(image, 1), true), other = turned(turned(one, true), true);
  return net.look(joined(one, other, one.width <= one.height), SCORE).bestScore >= LIES;
}

function lookSideways(net, image) {
  const small = halve(image);
  let best = [];
  for (const clockwise of [true, false]) {
    const faces = largestFirst(net.look(turned(small, clockwise), TURNED_SCORE).faces);
    if (!faces.length || (best.length && faces[0].score <= best[0].score)) continue;
    const back = clockwise ? (x, y) => [y, small.height - x] : (x, y) => [small.width - y, x];
    best = faces.map((face) => transform(face, back, 2));
  }
  return best;
}

/** How much brighter the left half is; where both are alike, the first pixel that differs. */
function leadOfLeft({ width, height, data }) {
  const half = width >> 1;
  let lead = 0, first = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0, left = 3 * y * width, right = left + 3 * width - 3; x < half; x++, left += 3, right -= 3) {
      for (let channel = 2; channel >= 0; channel--) { // blue first
        const difference = data[left + channel] - data[right + channel];
        lead += difference;
        first ||= difference;
      }
    }
  }
  return lead || first;
}

function mirrorFace({ bbox: [x, y, w, h], landmarks, score }, width) {
  const points = OTHER_SIDE.map((index) => [width - landmarks[index][0], landmarks[index][1]]);
  return { bbox: [width - x - w, y, w, h], landmarks: points, score };
}

/** Move a face in float32, as in Python: its corners and landmarks, by a rule and then by a ratio. */
function transform({ bbox: [x, y, w, h], landmarks, score }, move, ratio) {
  const [[ax, ay], [bx, by], ...points] = [[x, y], [x + w, y + h], ...landmarks].map(([px, py]) =>
    move(f(px), f(py)).map((value) => f(value * ratio)));
  const left = Math.min(ax, bx), top = Math.min(ay, by);
  return { bbox: [left, top, Math.max(ax, bx) - left, Math.max(ay, by) - top], landmarks: points, score };
}

/** Map a face from the working picture to the upright original. */
export const moved = (face, [left, top], [across, down]) =>
  transform(face, (x, y) => [f(f(x * f(across)) + f(left)), f(f(y * f(down)) + f(top))], 1);

const area = ({ bbox: [, , w, h] }) => w * h;

function largestFirst(faces) {
  return [...faces].sort((one, other) => area(other) - area(one) ||
    one.bbox.map((value, index) => value - other.bbox[index]).find((difference) => difference) || 0);
}
