// Colours of the whole frame, and how those of the face vary around its own median.
import { clip, histogram, plane, region, total, visit, wholeBox } from "./sampling.js";

const HUES = 8, LEVELS = 4, CELLS = 64;
const FRAME_STEPS = [64, 32, 64], FACE_STEPS = [32, 16, 32];
const UNITS = [32, 32, 64]; // bring the moments to about 1
const ROOT_ABOVE = 97, ROOT_BELOW = 56; // the square root of three as a ratio of whole numbers
const OCTANTS = [0, 1, 3, 2, 7, 6, 4, 5];
const LEAST = 4;

/** Red against green, and yellow against blue. */
const redGreen = (data, place) => data[3 * place] - data[3 * place + 1];
const yellowBlue = (data, place) => data[3 * place] + data[3 * place + 1] - 2 * data[3 * place + 2];

export function colour(scene) {
  const { quarter: { width, height, data }, lumaQuarter, saturation } = scene, size = width * height;
  const hues = new Array(HUES).fill(0);
  const value = plane(width, height, (place) => {
    const across = redGreen(data, place), down = yellowBlue(data, place);
    const near = ROOT_BELOW * Math.abs(down) > ROOT_ABOVE * Math.abs(across);
    hues[OCTANTS[near + 2 * (across < 0) + 4 * (down < 0)]] += saturation.data[place] / (255 * size);
    return Math.max(data[3 * place], data[3 * place + 1], data[3 * place + 2]);
  });
  const whole = planesOf(region([0, height], [0, width]), lumaQuarter, data), [mean, moments] = momentsOf(whole);
  return [...hues, ...quarters(saturation), ...quarters(value), ...joint(whole, [128, 0, 0], FRAME_STEPS), ...mean,
    ...moments, ...face(scene)];
}

function face(scene) {
  const part = scene.face && wholeBox(scene.innerFace.map((each) => each / 2), scene.lumaHalf);
  if (!part || part.size < LEAST) return new Array(CELLS + 6).fill(0);
  const planes = planesOf(part, scene.lumaHalf, scene.half.data);
  const middle = planes.map((each) => each.slice().sort()[each.length >> 1]);
  return [...joint(planes, middle, FACE_STEPS), ...momentsOf(planes)[1]];
}

function planesOf(part, luma, data) {
  const planes = [0, 1, 2].map(() => new Int16Array(part.size));
  let to = 0;
  visit(part, luma.width, (place) => {
    planes[0][to] = luma.data[place];
    planes[1][to] = redGreen(data, place);
    planes[2][to++] = yellowBlue(data, place);
  });
  return planes;
}

const quarters = (of) => [0, 1, 2, 3].map((quarter) =>
  total(histogram(of).slice(64 * quarter, 64 * quarter + 64)) / of.data.length);

/** Share of the pixels in each of 4 × 4 × 4 cells; values outside fall into the outermost. */
function joint(planes, middle, steps) {
  const out = new Array(CELLS).fill(0);
  planes[0].forEach((_, place) => {
    const cell = planes.reduce((before, each, axis) => before * LEVELS +
      clip(Math.floor((each[place] - middle[axis]) / steps[axis]) + 2, 0, LEVELS - 1), 0);
    out[cell] += 1;
  });
  return out.map((count) => count / planes[0].length);
}

/** Means; then the spread of each channel and the covariance of each pair. */
function momentsOf(planes) {
  const size = planes[0].length, mean = planes.map((each, axis) => total(each) / size / UNITS[axis]);
  const covariance = (one, other) => {
    let sum = 0;
    for (let place = 0; place < size; place++) {
      sum += (planes[one][place] / UNITS[one] - mean[one]) * (planes[other][place] / UNITS[other] - mean[other]);
    }
    return sum / size;
  };
  const spreads = [0, 1, 2].map((axis) => Math.sqrt(covariance(axis, axis)));
  return [mean, [...spreads, covariance(0, 1), covariance(0, 2), covariance(1, 2)]];
}
