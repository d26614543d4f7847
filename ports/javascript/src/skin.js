// How much bare skin there is, where, and whether an arm reaches the frame.
import { boxSum, clip, folded, gridSums, total, wholePixels } from "./sampling.js";
import { components } from "./scene.js";

const SIDE = 4; // pixels of the picture a pixel of the mask
// Left, top, right and bottom in shares of the face's box.
const INNER = [0.15, 0.15, 0.85, 0.9], AROUND = [-0.6, -0.5, 1.6, 1.2], BELOW = [-0.5, 1.1, 1.5, 2.2];

export function skin(scene) {
  const { skin: mask, skinSums: sums } = scene;
  const { width, height, data } = mask;
  const frame = sums.total / data.length;
  const [x, y, w, h] = scene.face.bbox.map((value) => value / SIDE);
  const [[inner, innerArea], [around, aroundArea], [below, belowArea]] = [INNER, AROUND, BELOW].map(
    ([left, top, right, bottom]) => boxSum(sums, [x + left * w, y + top * h, x + right * w, y + bottom * h]));
  const at = (row, column) => data[row * width + column];
  // Lines of a region that hold skin.
  const rowsWith = ([top, bottom], columns) => count(top, bottom, (row) => columns.some((column) => at(row, column)));
  const columnsWith = (rows) => count(0, width, (column) => rows.some((row) => at(row, column)));
  const beside = wholePixels(y + 0.8 * h, scene.height, height);
  const sides = [[0, 1], [width - 2, width - 1]].map((columns) => rowsWith(beside, columns) / h);
  const [edge, area, widening, away, body] = traceArm(mask, [x, y, w, h]);
  const [xs, ys] = scene.window().map((edges) => edges.map((value) => value / SIDE));
  const grid = gridSums(sums, xs, ys).map((row) => row.map((value) => value / (xs[1] - xs[0]) ** 2));
  return [
    frame, inner / Math.max(1, innerArea), (around - inner) / Math.max(1, aroundArea - innerArea),
    below / Math.max(1, belowArea), Math.min(columnsWith([height - 2, height - 1]) / w, 6),
    Math.min(Math.max(...sides), 6), Math.min(...sides, 6), columnsWith([0, 1]) / width,
    area, edge, widening, away, body, ...folded(grid),
  ];
}

const count = (start, end, test) => {
  let found = 0;
  for (let index = start; index < end; index++) found += Boolean(test(index));
  return found;
};

/** The skin below the eyes but that of the face, neck and hair: rows and columns in shares of the box. */
export function bodyOf({ width, height, data }, [x, y, w, h], below) {
  const body = { width, height, data: data.slice() };
  const blacken = ([top, bottom], [left, right]) => {
    for (let row = top; row < bottom; row++) body.data.fill(0, row * width + left, row * width + right);
  };
  blacken(wholePixels(0, y + 0.4 * h, height), [0, width]);
  blacken(wholePixels(y, y + below * h, height), wholePixels(x - 0.15 * w, x + 1.15 * w, width));
  return body;
}

/** Find skin below the eyes that runs into the frame: width there, area, widening, side, body's area. */
function traceArm(mask, [x, y, w, h]) {
  const { width, height } = mask;
  const body = bodyOf(mask, [x, y, w, h], 1.15);
  const bodyArea = Math.min(total(body.data) / (w * h), 8);
  const edges = [[h, ([px]) => px], [h, ([px]) => width - 1 - px], [w, ([, py]) => height - 1 - py]];
  let best = [0, 0, 0, 0, bodyArea];
  for (const part of components(body).filter(({ area }) => area >= 0.04 * w * h)) {
    for (const [length, distance] of edges) {
      const away = part.places.map(distance);
      if (Math.min(...away)) continue;
      const depth = Math.max(...away) + 1, third = Math.max(1, Math.floor(depth / 3));
      const having = (test) => away.filter(test).length;
      const near = having((each) => each < third), far = having((each) => each >= depth - third);
      const arm = [
        Math.min(having((each) => !each) / length, 4), Math.min(part.area / (w * h), 6),
        clip(Math.log2((near / third + 0.5) / (far / third + 0.5)), -3, 3),
        Math.min(Math.abs(part.x + 0.5 - (x + w / 2)) / w, 4), bodyArea,
      ];
      if ((arm.map((value, index) => value - best[index]).find((value) => value) ?? 0) > 0) best = arm;
    }
  }
  return best;
}
