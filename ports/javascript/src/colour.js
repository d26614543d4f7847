// Colours of the whole frame, and how those of the face vary around its own median.
import { clip, region, visit, wholeBox } from "./sampling.js";

const LEVELS = 4, LEAST = 4;
const FRAME_STEPS = [64, 32, 64], FACE_STEPS = [32, 16, 32];

export function colour({ quarter, half, lumaQuarter, lumaHalf, innerFace }) {
  const frame = planesOf(region([0, quarter.height], [0, quarter.width]), lumaQuarter, quarter.data);
  const face = planesOf(wholeBox(innerFace.map((each) => each / 2), lumaHalf), lumaHalf, half.data);
  const middle = face.map((values) => values.slice().sort()[values.length >> 1]);
  return [...joint(frame, [128, 0, 0], FRAME_STEPS), ...joint(face, middle, FACE_STEPS)];
}

/** Luma, red against green, and yellow against blue. */
function planesOf(part, luma, data) {
  const planes = [0, 1, 2].map(() => new Int16Array(part.size));
  let to = 0;
  visit(part, luma.width, (place) => {
    const [red, green, blue] = [data[3 * place], data[3 * place + 1], data[3 * place + 2]];
    planes[0][to] = luma.data[place];
    planes[1][to] = red - green;
    planes[2][to++] = red + green - 2 * blue;
  });
  return planes;
}

/** Share of the pixels in each of 4 × 4 × 4 cells; values outside fall into the outermost. */
function joint(planes, middle, steps) {
  const out = new Array(LEVELS ** 3).fill(0), pixels = planes[0].length;
  if (pixels < LEAST) return out;
  planes[0].forEach((_, place) => {
    const cell = planes.reduce((before, each, axis) => before * LEVELS +
      clip(Math.floor((each[place] - middle[axis]) / steps[axis]) + 2, 0, LEVELS - 1), 0);
    out[cell] += 1;
  });
  return out.map((count) => count / pixels);
}
