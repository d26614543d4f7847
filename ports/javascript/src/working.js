// A decoded picture to the working size, its borders cut off.
import { cut, resize, rint } from "./picture.js";
import { plane, total } from "./sampling.js";

export const WORKING_SIZE = 320, MIN_SIDE = 24;
const MIN_WORKING_SIDE = 16, MULTIPLE = 4;
const FLAT = 14, STEP = 20, STEP_SHARE = 0.6, MAX_BAND = 0.42, MIN_BAND = 3;

/** Cut uniform borders off and shrink; `size`, `offset` and `scale` lead back to the upright original. */
export function toWorkingSize(pixels, size) {
  const whole = [pixels.width, pixels.height];
  let image = shrink(pixels), corner = [0, 0];
  const [left, top, right, bottom] = findBorders(image);
  if (left || top || right || bottom) {
    const x = (place) => rint((place * whole[0]) / image.width), y = (place) => rint((place * whole[1]) / image.height);
    corner = [x(left), y(top)];
    pixels = cut(pixels, ...corner, x(image.width - right) - corner[0], y(image.height - bottom) - corner[1]);
    image = shrink(pixels);
  }
  const ratio = size.map((side, axis) => side / whole[axis]);
  const scale = [(ratio[0] * pixels.width) / image.width, (ratio[1] * pixels.height) / image.height];
  return { image, size, scale, offset: corner.map((place, axis) => place * ratio[axis]) };
}

function shrink(pixels) {
  const ratio = WORKING_SIZE / Math.max(pixels.width, pixels.height);
  const side = (length) => Math.max(MIN_WORKING_SIDE, MULTIPLE * rint((length * ratio) / MULTIPLE));
  return resize(pixels, side(pixels.width), side(pixels.height));
}

/** Widths of the uniform bands (letterbox bars, frames): left, top, right, bottom. */
export function findBorders({ width, height, data }) {
  // Where a line's pixel is, of lines that are counted from any side.
  const top = band(data, height, width, (line, index) => line * width + index);
  const bottom = band(data, height, width, (line, index) => (height - 1 - line) * width + index);
  const rows = height - top - bottom;
  const left = band(data, width, rows, (line, index) => (index + top) * width + line);
  const right = band(data, width, rows, (line, index) => (index + top) * width + width - 1 - line);
  return [left, top, right, bottom];
}

function band(data, lines, length, place) {
  const limit = Math.trunc(lines * MAX_BAND);
  if (limit <= MIN_BAND) return 0;
  const channels = [0, 1, 2].map((c) => plane(length, 1, (index) => data[3 * place(0, index) + c]).data);
  if (channels.some((values) => Math.max(...values) - Math.min(...values) > 2 * FLAT)) return 0;
  const mean = channels.map((values) => Math.trunc(total(values) / length));
  const far = (line, reach) => {
    let count = 0;
    for (let index = 0; index < length; index++) {
      const from = 3 * place(line, index);
      count += mean.some((value, c) => Math.abs(data[from + c] - value) > reach);
    }
    return count;
  };
  let count = 0;
  while (count < limit + 3 && !far(count, FLAT)) count += 1;
  if (count < MIN_BAND || count > limit) return 0;
  // The first lines after the band may be a blend; the third one belongs to the picture.
  return far(Math.min(count + 2, limit + 2), STEP) / length < STEP_SHARE ? 0 : Math.min(count + 1, limit);
}
