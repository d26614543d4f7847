// YuNet's forward pass in plain JavaScript, and what its outputs mean.
// Activations are Float64Array, which takes two thirds of Float32Array's time: row by row, the channels
// of a cell side by side; what a depthwise layer reads has a ring of zeros around it.

const DIVISOR = 32; // the input's sides are multiples of it
const STRIDES = [8, 16, 32];
const OVERLAP = Math.fround(0.3); // intersection over union from which the weaker candidate goes
const MOST_CANDIDATES = 5000;

/** @typedef {{rows: number, columns: number, channels: number, ring: number, data: Float64Array}} Activation */
/** @typedef {{bbox: number[], landmarks: number[][], score: number}} Face */

const make = (rows, columns, channels, ring = 0) => ({
  rows, columns, channels, ring,
  data: new Float64Array((rows + 2 * ring) * (columns + 2 * ring) * channels),
});

export class YuNet {
  /**
   * @param {object[]} layers of port.json
   * @param {Float32Array} numbers of yunet.bin
   */
  constructor(layers, numbers) {
    const take = (start, count) => Float64Array.from(numbers.subarray(start, start + count));
    this.layers = layers.map((layer) => {
      if (!layer.shape) return layer;
      const count = layer.shape.reduce((product, side) => product * side, 1);
      return { ...layer, weights: take(layer.weights, count), bias: take(layer.bias, layer.shape[0]) };
    });
  }

  /**
   * Run the network once.
   * @param {import("./picture.js").Picture} picture
   */
  look(picture) {
    const made = { input: patches(picture) };
    for (const layer of this.layers) {
      const input = made[layer.input];
      if (layer.kind === "first") {
        made[layer.output] = activated(pointwise(input, layer.weights, layer.bias, 0), layer);
      } else if (layer.kind === "pointwise") {
        made[layer.output] = pointwise(input, layer.weights, layer.bias, 1);
      } else if (layer.kind === "depthwise") {
        made[layer.output] = depthwise(input, layer);
      } else if (layer.kind === "maximum") {
        made[layer.output] = maximum(input);
      } else {
        made[layer.output] = sum(input, made[layer.smaller]);
      }
    }
    return new Look(made, picture);
  }
}

/** Cut the input into patches of 3 × 3 pixels, blue, green, red, one for each second pixel. */
function patches({ width, height, data }) {
  const rows = Math.ceil(height / DIVISOR) * (DIVISOR / 2);
  const columns = Math.ceil(width / DIVISOR) * (DIVISOR / 2);
  const out = make(rows, columns, 27);
  let place = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, place += 27) {
      for (let tap = 0; tap < 9; tap++) {
        const y = 2 * row + Math.floor(tap / 3) - 1;
        const x = 2 * column + (tap % 3) - 1;
        if (y < 0 || x < 0 || y >= height || x >= width) continue;
        const pixel = 3 * (y * width + x);
        out.data[place + tap] = data[pixel + 2];
        out.data[place + 9 + tap] = data[pixel + 1];
        out.data[place + 18 + tap] = data[pixel];
      }
    }
  }
  return out;
}

/** A matrix product in blocks of four cells and two channels, where nearly all time is spent. */
function pointwise(input, weights, bias, ring) {
  const { rows, columns, channels: depth, data } = input;
  const wide = bias.length;
  const output = make(rows, columns, wide, ring);
  const out = output.data;
  for (let row = 0; row < rows; row++) {
    let from = row * columns * depth;
    let to = ((row + ring) * (columns + 2 * ring) + ring) * wide;
    for (let column = 0; column < columns; column += 4, from += 4 * depth, to += 4 * wide) {
      if (columns - column < 4) {
        for (let left = 0; left < columns - column; left++) {
          for (let o = 0; o < wide; o++) {
            let total = bias[o];
            for (let i = 0; i < depth; i++) total += weights[o * depth + i] * data[from + left * depth + i];
            out[to + left * wide + o] = total;
          }
        }
        break;
      }
      let o = 0;
      for (; o + 1 < wide; o += 2) {
        let a0 = bias[o], a1 = a0, a2 = a0, a3 = a0;
        let b0 = bias[o + 1], b1 = b0, b2 = b0, b3 = b0;
        let u = o * depth, v = u + depth;
        for (let i = from, end = from + depth; i < end; i++, u++, v++) {
          const x0 = data[i], x1 = data[i + depth], x2 = data[i + 2 * depth], x3 = data[i + 3 * depth];
          const p = weights[u], q = weights[v];
          a0 += p * x0; a1 += p * x1; a2 += p * x2; a3 += p * x3;
          b0 += q * x0; b1 += q * x1; b2 += q * x2; b3 += q * x3;
        }
        out[to + o] = a0; out[to + wide + o] = a1; out[to + 2 * wide + o] = a2; out[to + 3 * wide + o] = a3;
        out[to + o + 1] = b0; out[to + wide + o + 1] = b1; out[to + 2 * wide + o + 1] = b2; out[to + 3 * wide + o + 1] = b3;
      }
      if (o < wide) {
        let a0 = bias[o], a1 = a0, a2 = a0, a3 = a0;
        for (let i = from, u = o * depth, end = from + depth; i < end; i++, u++) {
          const p = weights[u];
          a0 += p * data[i]; a1 += p * data[i + depth]; a2 += p * data[i + 2 * depth]; a3 += p * data[i + 3 * depth];
        }
        out[to + o] = a0; out[to + wide + o] = a1; out[to + 2 * wide + o] = a2; out[to + 3 * wide + o] = a3;
      }
    }
  }
  return output;
}

/** 3 × 3 over each channel by itself; the window slides along a row, so that each value is read once. */
function depthwise(input, layer) {
  const { rows, columns, channels, data } = input;
  const { weights, bias, relu } = layer;
  const output = make(rows, columns, channels);
  const out = output.data;
  const line = (columns + 2) * channels;
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < channels; c++) {
      const w = 9 * c;
      const k0 = weights[w], k1 = weights[w + 1], k2 = weights[w + 2], k3 = weights[w + 3], k4 = weights[w + 4];
      const k5 = weights[w + 5], k6 = weights[w + 6], k7 = weights[w + 7], k8 = weights[w + 8];
      let place = row * line + c;
      let a = data[place], d = data[place + line], g = data[place + 2 * line];
      place += channels;
      let b = data[place], e = data[place + line], h = data[place + 2 * line];
      let to = row * columns * channels + c;
      for (let column = 0; column < columns; column++, to += channels) {
        place += channels;
        const f = data[place + line], i = data[place + 2 * line], cc = data[place];
        const total = bias[c] + k0 * a + k1 * b + k2 * cc + k3 * d + k4 * e + k5 * f + k6 * g + k7 * h + k8 * i;
        out[to] = relu && total < 0 ? 0 : total;
        a = b; b = cc; d = e; e = f; g = h; h = i;
      }
    }
  }
  return activated(output, { sigmoid: layer.sigmoid });
}

function activated(activation, { relu, sigmoid }) {
  const { data } = activation;
  if (relu) for (let i = 0; i < data.length; i++) if (data[i] < 0) data[i] = 0;
  if (sigmoid) for (let i = 0; i < data.length; i++) data[i] = 1 / (1 + Math.exp(-data[i]));
  return activation;
}

/** Largest of each 2 × 2 cells. */
function maximum({ rows, columns, channels, data }) {
  const output = make(rows / 2, columns / 2, channels);
  const line = columns * channels;
  let to = 0;
  for (let row = 0; row < rows; row += 2) {
    for (let column = 0; column < columns; column += 2) {
      let from = row * line + column * channels;
      for (let c = 0; c < channels; c++, from++, to++) {
        const upper = Math.max(data[from], data[from + channels]);
        output.data[to] = Math.max(upper, data[from + line], data[from + line + channels]);
      }
    }
  }
  return output;
}

/** Add a map of half the size, each of its cells to four. */
function sum({ rows, columns, channels, data }, smaller) {
  const output = make(rows, columns, channels);
  for (let row = 0, to = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let from = ((row >> 1) * smaller.columns + (column >> 1)) * channels;
      for (let c = 0; c < channels; c++, to++, from++) output.data[to] = data[to] + smaller.data[from];
    }
  }
  return output;
}

/** What one forward pass saw. */
export class Look {
  constructor(outputs, { width, height }) {
    this.outputs = outputs;
    /** One of each scale, of the picture alone, without the padding. */
    this.maps = ["fine", "middle", "coarse"].map((name, scale) =>
      cropped(outputs[name], Math.ceil(height / STRIDES[scale]), Math.ceil(width / STRIDES[scale])));
    this.scores = STRIDES.map((stride) => {
      const { data: seen } = outputs[`cls_${stride}`];
      return outputs[`obj_${stride}`].data.map((here, cell) => Math.sqrt(clip(seen[cell]) * clip(here)));
    });
  }

  /** The highest raw score anywhere, face or not. */
  get bestScore() {
    return Math.max(...this.scores.map((scores) => scores.reduce((best, each) => Math.max(best, each), 0)));
  }

  /**
   * Keep the best of overlapping candidates, best first.
   * @returns {Face[]}
   */
  faces(threshold) {
    const found = this.scores.flatMap((scores, scale) => this.#decode(scores, STRIDES[scale], threshold));
    found.sort((one, other) => other.score - one.score);
    const kept = [];
    for (const each of found.filter((face) => face.score > threshold).slice(0, MOST_CANDIDATES)) {
      const box = each.bbox.map(Math.trunc); // OpenCV compares whole pixels
      if (kept.every((other) => overlap(other.box, box) <= OVERLAP)) kept.push({ each, box });
    }
    return kept.map(({ each }) => each).filter(({ bbox: [, , w, h] }) => w > 1 && h > 1);
  }

  #decode(scores, stride, threshold) {
    const { columns, data: boxes } = this.outputs[`bbox_${stride}`];
    const points = this.outputs[`kps_${stride}`].data;
    const found = [];
    scores.forEach((score, cell) => {
      if (score < threshold) return;
      const x = cell % columns, y = Math.floor(cell / columns);
      const [across, down, wide, tall] = boxes.subarray(4 * cell, 4 * cell + 4);
      const w = Math.exp(wide) * stride, h = Math.exp(tall) * stride;
      const landmarks = [0, 1, 2, 3, 4].map((index) => [
        (points[10 * cell + 2 * index] + x) * stride, (points[10 * cell + 2 * index + 1] + y) * stride,
      ]);
      found.push({ bbox: [(x + across) * stride - w / 2, (y + down) * stride - h / 2, w, h], landmarks, score });
    });
    return found;
  }
}

const clip = (value) => Math.min(Math.max(value, 0), 1);

function cropped({ columns: line, channels, data }, rows, columns) {
  const out = new Float32Array(rows * columns * channels);
  for (let row = 0; row < rows; row++) {
    out.set(data.subarray(row * line * channels, (row * line + columns) * channels), row * columns * channels);
  }
  return { rows, columns, channels, data: out };
}

function overlap([x, y, w, h], [u, v, p, q]) {
  const across = Math.min(x + w, u + p) - Math.max(x, u);
  const down = Math.min(y + h, v + q) - Math.max(y, v);
  const shared = across > 0 && down > 0 ? across * down : 0;
  const all = w * h + p * q;
  return all > 0 ? Math.fround(shared / (all - shared)) : 1;
}
