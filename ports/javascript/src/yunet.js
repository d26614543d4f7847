// YuNet's forward pass in plain JavaScript, and what its outputs mean.
// Activations are Float64Array, which takes two thirds of Float32Array's time: row by row, the channels
// of a cell side by side.
import { clip } from "./sampling.js";

const DIVISOR = 32; // the input's sides are multiples of it
const STRIDES = [8, 16, 32];
const OVERLAP = Math.fround(0.3); // intersection over union from which the weaker candidate goes

export class YuNet {
  #layers;
  #rooms = {}; // each output's numbers, used again by the next look: fresh memory costs as much as a layer

  /** Of the layers of port.json and the float32 numbers of yunet.bin. */
  constructor(layers, numbers) {
    const take = (start, count) => Float64Array.from(numbers.subarray(start, start + count));
    this.#layers = layers.map((layer) => {
      if (!layer.shape) return layer;
      const count = layer.shape.reduce((product, side) => product * side);
      return { ...layer, weights: take(layer.weights, count), bias: take(layer.bias, layer.shape[0]) };
    });
  }

  /** Run the network once: maps, the highest raw score, and faces that score higher than that, best first. */
  look(picture, threshold) {
    const made = { input: patches(picture, this.#make("input")) };
    const kinds = { first: pointwise, pointwise, depthwise, maximum, add };
    for (const layer of this.#layers) {
      const { input, output, kind, smaller, relu, sigmoid } = layer;
      const { data } = made[output] = kinds[kind](made[input], this.#make(output), layer, made[smaller]);
      if (relu && kind !== "depthwise") for (let i = 0; i < data.length; i++) if (data[i] < 0) data[i] = 0;
      if (sigmoid) for (let i = 0; i < data.length; i++) data[i] = 1 / (1 + Math.exp(-data[i]));
    }
    const scores = STRIDES.map((stride) => made[`cls_${stride}`].data.map((value, cell) =>
      Math.sqrt(clip(value, 0, 1) * clip(made[`obj_${stride}`].data[cell], 0, 1))));
    return { maps: mapsOf(made, picture), faces: facesOf(made, scores, threshold),
      bestScore: Math.max(...scores.map((each) => each.reduce((best, score) => Math.max(best, score), 0))) };
  }

  /** Room for an output, of whole blocks of four cells. */
  #make = (name) => (rows, columns, channels) => {
    const cells = rows * columns, length = 4 * Math.ceil(cells / 4) * channels;
    if (!(this.#rooms[name]?.length >= length)) this.#rooms[name] = new Float64Array(length);
    const blocks = this.#rooms[name].subarray(0, length);
    return { rows, columns, channels, blocks, data: blocks.subarray(0, cells * channels) };
  };
}

/** Cut the input into patches of 3 × 3 pixels, blue, green, red, one for each second pixel. */
function patches({ width, height, data }, make) {
  const [rows, columns] = [height, width].map((side) => Math.ceil(side / DIVISOR) * (DIVISOR / 2));
  const out = make(rows, columns, 27);
  out.data.fill(0);
  for (let row = 0, place = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, place += 27) {
      for (let tap = 0; tap < 9; tap++) {
        const y = 2 * row + Math.floor(tap / 3) - 1, x = 2 * column + (tap % 3) - 1;
        if (y < 0 || x < 0 || y >= height || x >= width) continue;
        const pixel = 3 * (y * width + x);
        for (let colour = 0; colour < 3; colour++) out.data[place + 9 * colour + tap] = data[pixel + 2 - colour];
      }
    }
  }
  return out;
}

/** A matrix product in blocks of four cells and two channels, where nearly all time is spent. */
function pointwise({ rows, columns, channels: depth, blocks: data }, make, { weights, bias }) {
  const wide = bias.length, output = make(rows, columns, wide), out = output.blocks;
  for (let from = 0, to = 0; from < data.length; from += 4 * depth, to += 4 * wide) {
    for (let one = 0; one < wide; one += 2) {
      const two = Math.min(one + 1, wide - 1); // of an odd number of channels the last is made twice
      let a0 = bias[one], a1 = a0, a2 = a0, a3 = a0;
      let b0 = bias[two], b1 = b0, b2 = b0, b3 = b0;
      for (let i = from, u = one * depth, v = two * depth, end = from + depth; i < end; i++, u++, v++) {
        const x0 = data[i], x1 = data[i + depth], x2 = data[i + 2 * depth], x3 = data[i + 3 * depth];
        const p = weights[u], q = weights[v];
        a0 += p * x0; a1 += p * x1; a2 += p * x2; a3 += p * x3;
        b0 += q * x0; b1 += q * x1; b2 += q * x2; b3 += q * x3;
      }
      out[to + one] = a0; out[to + wide + one] = a1; out[to + 2 * wide + one] = a2; out[to + 3 * wide + one] = a3;
      out[to + two] = b0; out[to + wide + two] = b1; out[to + 2 * wide + two] = b2; out[to + 3 * wide + two] = b3;
    }
  }
  return output;
}

/** 3 × 3 over each channel by itself; the window slides along a row, so that each value is read once. */
function depthwise({ rows, columns, channels, data }, make, { weights, bias, relu }) {
  const output = make(rows, columns, channels), out = output.data, line = columns * channels;
  for (let row = 0; row < rows; row++) {
    // Beyond the picture all is zero: there the row itself is read, with weights of zero.
    const above = Math.min(row, 1), below = Math.min(rows - 1 - row, 1);
    for (let c = 0, w = 0; c < channels; c++, w += 9) {
      const k0 = above * weights[w], k1 = above * weights[w + 1], k2 = above * weights[w + 2];
      const k3 = weights[w + 3], k4 = weights[w + 4], k5 = weights[w + 5];
      const k6 = below * weights[w + 6], k7 = below * weights[w + 7], k8 = below * weights[w + 8];
      const up = above * line, down = below * line, start = row * line + c, last = start + line - channels;
      let a0 = 0, b0 = 0, c0 = 0, a1 = data[start - up], b1 = data[start], c1 = data[start + down];
      for (let place = start; place <= last; place += channels) {
        const next = Math.min(place + channels, last), inside = place < last ? 1 : 0;
        const a2 = inside * data[next - up], b2 = inside * data[next], c2 = inside * data[next + down];
        const total = k0 * a0 + k1 * a1 + k2 * a2 + k3 * b0 + k4 * b1 + k5 * b2 + k6 * c0 + k7 * c1 + k8 * c2 + bias[c];
        out[place] = relu && total < 0 ? 0 : total;
        a0 = a1; a1 = a2; b0 = b1; b1 = b2; c0 = c1; c1 = c2;
      }
    }
  }
  return output;
}

/** Largest of each 2 × 2 cells. */
function maximum({ rows, columns, channels, data }, make) {
  const output = make(rows / 2, columns / 2, channels), out = output.data, line = columns * channels;
  for (let row = 0, to = 0; row < rows; row += 2) {
    for (let from = row * line, end = from + line; from < end; from += channels) {
      for (let c = 0; c < channels; c++, from++, to++) {
        const upper = Math.max(data[from], data[from + channels]);
        out[to] = Math.max(upper, data[from + line], data[from + line + channels]);
      }
    }
  }
  return output;
}

/** Add a map of half the size, each of its cells to four. */
function add({ rows, columns, channels, data }, make, _, smaller) {
  const output = make(rows, columns, channels), out = output.data;
  for (let cell = 0, to = 0; cell < rows * columns; cell++) {
    let from = ((Math.floor(cell / columns) >> 1) * smaller.columns + ((cell % columns) >> 1)) * channels;
    for (let c = 0; c < channels; c++, to++, from++) out[to] = data[to] + smaller.data[from];
  }
  return output;
}

/** The inner maps of the picture alone, without the padding; one of each scale. */
function mapsOf(made, { width, height }) {
  return ["fine", "middle", "coarse"].map((name, scale) => {
    const { columns: all, channels, data } = made[name];
    const [rows, columns] = [height, width].map((side) => Math.ceil(side / STRIDES[scale]));
    const wide = columns * channels, step = all * channels, out = new Float32Array(rows * wide);
    for (let row = 0, at = 0; row < rows; row++, at += step) out.set(data.subarray(at, at + wide), row * wide);
    return { rows, columns, data: out };
  });
}

/** Keep the best of overlapping candidates. */
function facesOf(made, scores, threshold) {
  const kept = [], found = STRIDES.flatMap((stride, scale) => candidates(made, scores[scale], stride, threshold));
  for (const face of found.sort((one, other) => other.score - one.score)) {
    const box = face.bbox.map(Math.trunc); // OpenCV compares whole pixels
    if (kept.every((other) => overlap(other.box, box) <= OVERLAP)) kept.push({ face, box });
  }
  return kept.map(({ face }) => face).filter(({ bbox: [, , w, h] }) => w > 1 && h > 1);
}

function candidates(made, scores, stride, threshold) {
  const { columns, data: boxes } = made[`bbox_${stride}`], points = made[`kps_${stride}`].data;
  return Array.from(scores.keys()).filter((cell) => scores[cell] > threshold).map((cell) => {
    const x = cell % columns, y = Math.floor(cell / columns);
    const [across, down, wide, tall] = boxes.subarray(4 * cell);
    const w = Math.exp(wide) * stride, h = Math.exp(tall) * stride;
    const landmarks = [0, 2, 4, 6, 8].map((index) => [x, y].map((from, axis) =>
      (points[10 * cell + index + axis] + from) * stride));
    const bbox = [(x + across) * stride - w / 2, (y + down) * stride - h / 2, w, h];
    return { bbox, landmarks, score: scores[cell] };
  });
}

/** Intersection over union. */
function overlap([x, y, w, h], [u, v, p, q]) {
  const across = Math.min(x + w, u + p) - Math.max(x, u), down = Math.min(y + h, v + q) - Math.max(y, v);
  const shared = Math.max(0, across) * Math.max(0, down), all = w * h + p * q;
  return all > 0 ? Math.fround(shared / (all - shared)) : 1;
}
