// A decoded picture to the working size, its borders cut off.
import { cut, resize, rint } from "./picture.js";

export const WORKING_SIZE = 320;
export const MIN_SIDE = 24;
const MIN_WORKING_SIDE = 16, MULTIPLE = 4;
const FLAT = 14, STEP = 20, STEP_SHARE = 0.6, MAX_BAND = 0.42, MIN_BAND = 3;

/**
 * Cut uniform borders off and shrink to the working size.
 * @param {import("./picture.js").Picture} pixels
 * @param {number[]} size width and height of the upright original
 * @returns {{image: import("./picture.js").Picture, size: number[], offset: number[], scale: number[]}}
 */
export function toWorkingSize(pixels, size) {
  const whole = [pixels.width, pixels.height];
  let image = shrink(pixels);
  let corner = [0, 0];
  const [left, top, right, bottom] = findBorders(image);
  if (left || top || right || bottom) {
    const x = (place) => rint((place * whole[0]) / image.width), y = (place) => rint((place * whole[1]) / image.height);
    corner = [x(left), y(top)];
    pixels = cut(pixels, ...corner, x(image.width - right) - corner[0], y(image.height - bottom) - corner[1]);
    image = shrink(pixels);
  }
  const ratio = size.map((side, axis) => side / whole[axis]);
  return {
    image, size, offset: corner.map((place, axis) => place * ratio[axis]),
    scale: [(ratio[0] * pixels.width) / image.width, (ratio[1] * pixels.height) / image.height],
  };
}

function shrink(pixels) {
  const ratio = WORKING_SIZE / Math.max(pixels.width, pixels.height);
  const side = (length) => Math.max(MIN_WORKING_SIDE, MULTIPLE * rint((length * ratio) / MULTIPLE));
  return resize(pixels, side(pixels.width), side(pixels.height));
}

/** Widths of the uniform bands (letterbox bars, frames): left, top, right, bottom. */
export function findBorders(image) {
  const { width, height } = image;
  // A line across or down, counted from any side.
  const reader = (lines, length, place) => ({ lines, length, at: (line, index) => 3 * place(line, index) });
  const top = band(image, reader(height, width, (y, x) => y * width + x));
  const bottom = band(image, reader(height, width, (y, x) => (height - 1 - y) * width + x));
  const rows = height - top - bottom;
  const left = band(image, reader(width, rows, (x, y) => (y + top) * width + x));
  const right = band(image, reader(width, rows, (x, y) => (y + top) * width + width - 1 - x));
  return [left, top, right, bottom];
}

function band({ data }, { lines, length, at }) {
  const limit = Math.trunc(lines * MAX_BAND);
  if (limit <= MIN_BAND) return 0;
  const low = [255, 255, 255], high = [0, 0, 0], colour = [0, 0, 0];
  for (let index = 0; index < length; index++) {
    for (let c = 0; c < 3; c++) {
      const value = data[at(0, index) + c];
      low[c] = Math.min(low[c], value);
      high[c] = Math.max(high[c], value);
      colour[c] += value;
    }
  }
  if (high.some((value, c) => value - low[c] > 2 * FLAT)) return 0;
  const mean = colour.map((sum) => Math.trunc(sum / length));
  const far = (line, reach) => {
    let count = 0;
    for (let index = 0; index < length; index++) {
      const place = at(line, index);
      count += Math.max(...mean.map((value, c) => Math.abs(data[place + c] - value))) > reach;
    }
    return count;
  };
  let count = 0;
  while (count < limit + 3 && !far(count, FLAT)) count += 1;
  if (count < MIN_BAND || count > limit) return 0;
  // The first line after the band may be a blend; the second one belongs to the picture.
  return far(Math.min(count + 2, limit + 2), STEP) / length < STEP_SHARE ? 0 : Math.min(count + 1, limit);
}
