// How large the face is, where it lies, how the head is held, and who else is there.
import { clip, total } from "./sampling.js";

export function face(scene) {
  const [, , w, h] = scene.face.bbox;
  const { width, height, faceSize: size } = scene;
  const diagonal = size / Math.hypot(width, height);
  return [1, scene.face.score, h / height, w / width, diagonal, size / Math.max(width, height),
    size / Math.min(width, height), Math.log2(diagonal) + 6, h / w];
}

export function place(scene) {
  const { width, height, face: { bbox: [x, y, w, h], landmarks } } = scene;
  const left = x / w, right = (width - x - w) / w, top = y / h, bottom = (height - y - h) / h;
  const across = Math.max(0, Math.min(x + w, width) - Math.max(x, 0));
  const down = Math.max(0, Math.min(y + h, height) - Math.max(y, 0));
  return [
    clip(top, -1, 6), clip(bottom, -1, 6), clip(Math.min(left, right), -1, 6), clip(Math.max(left, right), -1, 6),
    Math.abs((x + w / 2) / width - 0.5), (y + h / 2) / height,
    (landmarks[0][1] + landmarks[1][1]) / 2 / height,
    1 - (across * down) / (w * h),
    [left, right, top, bottom].filter((margin) => margin < 0.3 - 1e-9).length,
  ];
}

export function pose(scene) {
  const [rightEye, leftEye, nose, rightMouth, leftMouth] = scene.face.landmarks;
  const [x, , w, h] = scene.face.bbox;
  const across = [leftEye[0] - rightEye[0], leftEye[1] - rightEye[1]];
  const eyeDistance = Math.max(Math.hypot(...across), 1e-3);
  const axis = across.map((value) => value / eyeDistance);
  const middle = (one, other) => [(one[0] + other[0]) / 2, (one[1] + other[1]) / 2];
  const eyes = middle(rightEye, leftEye);
  const fromEyes = ([px, py]) => {
    const dx = px - eyes[0], dy = py - eyes[1];
    return [dx * axis[0] + dy * axis[1], dy * axis[0] - dx * axis[1]];
  };
  const eyeMouth = Math.max(fromEyes(middle(rightMouth, leftMouth))[1], 0.05 * h);
  const [aside, below] = fromEyes(nose);
  const mouthWidth = Math.hypot(leftMouth[0] - rightMouth[0], leftMouth[1] - rightMouth[1]);
  const roll = rollOf(scene.face);
  const side = (x + w / 2) / scene.width - 0.5;
  const told = eyeDistance > 0.05 * w;
  return [
    1, Math.min(Math.abs(roll), 90), Math.min(Math.abs(aside) / eyeDistance, 2), clip(below / eyeMouth, -1, 2),
    eyeDistance / w, told ? eyeMouth / eyeDistance : 4, told ? mouthWidth / eyeDistance : 2, clip(below / h, -1, 1),
    clip(roll / 30, -1, 1) * Math.min(Math.abs(side) * 4, 1) * (side < 0 || Object.is(side, -0) ? -1 : 1),
  ];
}

/** Slope of the line through the eyes in degrees, clockwise. */
const rollOf = ({ landmarks: [right, left] }) => (Math.atan2(left[1] - right[1], left[0] - right[0]) * 180) / Math.PI;

export function crowd(scene) {
  const { width, height } = scene;
  const boxes = scene.faces.map((each) => each.bbox), group = scene.similar.map((each) => each.bbox);
  const sizes = boxes.map(([, , w, h]) => Math.sqrt(w * h));
  const largest = sizes[0], count = boxes.length;
  const centres = boxes.map(([x, y, w, h]) => [x + w / 2, y + h / 2]);
  const across = total(centres.map(([x]) => x)) / count - centres[0][0];
  const down = total(centres.map(([, y]) => y)) / count - centres[0][1];
  const gap = count > 1 ? [0, 1].map((axis) => (centres[1][axis] - centres[0][axis]) / largest) : [0, 0];
  const rolls = scene.similar.map((each) => Math.abs(rollOf(each)));
  const top = Math.min(...group.map(([, y]) => y)), bottom = Math.max(...group.map(([, y, , h]) => y + h));
  const wide = Math.max(...group.map(([x, , w]) => x + w)) - Math.min(...group.map(([x]) => x));
  const mean = total(sizes) / count;
  return [
    Math.min(count, 12), Math.min(group.length, 8), Math.min(count - group.length, 10),
    count > 1 ? sizes[1] / largest : 0, count > 2 ? sizes[2] / largest : 0,
    Math.min(Math.hypot(...gap), 8), clip(gap[1], -4, 4),
    total(sizes.map((size) => size * size)) / (width * height),
    wide / width, (bottom - top) / height, top / height, 1 - bottom / height,
    total(rolls) / rolls.length,
    Math.sqrt(total(sizes.map((size) => (size - mean) ** 2)) / count) / largest,
    Math.abs(across) / width, -down / height,
  ];
}
