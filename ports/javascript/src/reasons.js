// Contributions to reasons: what can be seen, what the file tells, and one last one for the rest.
// The clauses and their bounds: classicselfie/observations.py and classicselfie/reasons.py.
import { NEEDS_FACE } from "./features.js";
import { rint } from "./picture.js";
import { histogram, plane, region, total, wholePixels } from "./sampling.js";
import { components } from "./scene.js";
import { bodyOf } from "./skin.js";

const ARMS_REACH_M = 0.9;
const TOLD = 0.05; // the least that something tells, in log-odds

/** Neither 0 % nor 100 % of what is only nearly so. */
export function percent(share, digits = 0) {
  if (!digits && share > 0 && share < 0.01) return "<1 %";
  if (!digits && share > 0.99 && share < 1) return ">99 %";
  return `${digits ? (100 * share).toFixed(digits) : rint(100 * share)} %`;
}

function distance(metres) {
  if (metres < 0.975) return `${Math.max(5, 5 * rint(20 * metres))} cm`;
  return metres < 3 ? `${metres.toFixed(1)} m` : `${rint(metres)} m`;
}

const isGrey = ({ saturation: { data } }) => data.reduce((sum, value) => sum + value, 0) / data.length < 12;

const whichFace = ({ faces }) => (faces.length > 1 ? "the largest face" : "the face");

function describeSize({ scene, height, metres }, supports) {
  const only = height < 0.2 || supports === false ? "only " : "";
  const share = height > 0.95 ? "nearly all" : `${only}${percent(height)}`;
  return `${whichFace(scene)} fills ${share} of the height${metres === null ? "" : `, about ${distance(metres)} away`}`;
}

function size(sight, supports) {
  const { height, metres } = sight;
  const fits = supports ? height >= 0.2 : height < 0.3;
  return fits && (metres === null || metres <= ARMS_REACH_M === supports) ? describeSize(sight, supports) : null;
}

function others({ scene, crowd, height }, supports) {
  const { faces, similar, width } = scene;
  if (faces.length < 2 || similar.some(({ score }) => score < 0.7)) return null;
  if (!supports) {
    if (faces.length >= 4 && height < 0.12) return `${faces.length} faces are in sight, none of them near`;
    return crowd[5] > 3 ? "the faces stand apart" : null;
  }
  const centres = faces.map(({ bbox: [x, , w] }) => x + w / 2);
  const aside = centres[0] / width - 0.5;
  const outermost = centres[0] === Math.min(...centres) || centres[0] === Math.max(...centres);
  if (outermost && Math.abs(aside) > 0.15 && crowd[3] * 1.3 < 1) {
    return `the nearest of ${faces.length} faces is at the ${aside < 0 ? "left" : "right"}`;
  }
  if (similar.length < 2) return null;
  const places = similar.map(({ bbox: [x, y, w, h] }) => [x + w / 2, y + h / 2]);
  const gaps = places.map(([x, y], one) => Math.min(...places.filter((_, other) => other !== one).map(([a, b]) => Math.hypot(x - a, y - b))));
  const gap = Math.max(...gaps) / Math.max(scene.faceSize, 1);
  return gap > 0.7 && gap < 1.8 ? `${similar.length} heads are close together at one distance` : null;
}

function place({ scene, place: [, below, , side, , centre], crowd }, supports) {
  if (!supports) {
    if (scene.similar.length > 1) {
      return below > 2.5 && Math.max(crowd[8], crowd[9]) < 0.5 ? "there is much room around the faces" : null;
    }
    if (Math.min(below, side) > 2.5) return "there is much room around the face";
    return below > 1.5 ? "the face leaves much room below it" : null;
  }
  const [x, y, w, h] = scene.face.bbox;
  const beyond = [["left", -x / w], ["right", (x + w - scene.width) / w], ["lower", (y + h - scene.height) / h]];
  const [edge, most] = beyond.reduce((best, each) => (each[1] > best[1] ? each : best));
  if (most > 0.06) return `the face is cut by the ${edge} edge`;
  if (y < 0.1 * h) return "the head is cut by the upper edge";
  return below < 1 && centre > 0.55 ? "the face is low in the frame" : null;
}

function pose({ scene, pose: [, roll, yaw] }, supports) {
  const which = whichFace(scene);
  if (!supports) return yaw > 0.3 ? `${which} is turned to the side` : null;
  if (roll > 45) return `${which} lies sideways in the picture`;
  if (roll >= 8) return "the head is tilted";
  return yaw < 0.12 ? `${which} is turned straight to the camera` : null;
}

function arm({ scene }, supports) {
  const edge = supports && !isGrey(scene) ? findArm(scene) : null;
  return edge && `an arm, hand or shoulder runs into the ${edge} edge`;
}

/** Which edge of the frame bare skin runs into beside the face: left, right, lower or null. */
function findArm({ skin: mask, face, width }) {
  const { width: columns, height: rows } = mask;
  const [x, y, w, h] = face.bbox.map((value) => (value * columns) / width);
  if (h / rows < 0.25 || h / rows > 0.6) return null;
  const head = wholePixels(x - 0.3 * w, x + 1.3 * w, columns), behind = wholePixels(0, y + 0.8 * h, rows)[1];
  const sides = [region([0, behind], [0, head[0]]), region([0, behind], [head[1], columns])];
  const seen = total(sides.map(({ size }) => size));
  if (seen && total(sides.map((side) => histogram(mask, side)[1])) / seen > 0.06) return null;
  const below = wholePixels(x, x + w, columns);
  let best = null;
  for (const part of components(opened(bodyOf(mask, [x, y, w, h], 1.3)))) {
    const area = part.area / (w * h), count = (test) => part.places.filter(test).length;
    if (area < 0.12 || area > 1.2) continue;
    if (count(([px, py]) => py === rows - 1 && px >= below[0] && px < below[1])) continue; // neck and chest
    const widths = [["left", count(([px]) => px === 0) / h], ["right", count(([px]) => px === columns - 1) / h]];
    const aside = Math.abs(part.x + 0.5 - (x + w / 2)) >= 0.75 * w;
    if (aside) widths.push(["lower", count(([, py]) => py === rows - 1) / w]);
    for (const [edge, wide] of widths) {
      const wins = !best || area > best[0] || (area === best[0] && edge > best[1]);
      if (wide >= 0.15 && wide <= 1.2 && wins) best = [area, edge];
    }
  }
  return best && best[1];
}

/** Morphological opening by 3 × 3; beyond the frame nothing is worn away and nothing grows. */
function opened(mask) {
  const spread = ({ width, height, data }, value) => plane(width, height, (_, x, y) => {
    const columns = [Math.max(0, x - 1), Math.min(width, x + 2)];
    for (let row = Math.max(0, y - 1); row < Math.min(height, y + 2); row++) {
      if (data.subarray(row * width + columns[0], row * width + columns[1]).includes(value)) return value;
    }
    return 1 - value;
  });
  return spread(spread(mask, 0), 1);
}

function background({ backdrop, focus }, supports) {
  if (!backdrop[1]) return null; // too little of it to tell
  if (supports) return backdrop[7] > -0.25 ? "the background is about as sharp as the face" : null;
  if (backdrop[3] > 0.7) return "the background is plain";
  return Math.max(backdrop[7], focus[2]) < -1 ? "the background is plain or blurred behind the face" : null;
}

const colours = ({ scene }, supports) => (!supports && isGrey(scene) ? "the picture is black and white" : null);

const OBSERVATIONS = [
  ["face", ["face"], size], ["crowd", ["crowd"], others], ["place", ["place"], place], ["pose", ["pose"], pose],
  ["arm", ["skin"], arm], ["background", ["focus", "backdrop"], background], ["colours", ["colour"], colours],
];
const DISTANCE = "subject_distance";

/**
 * Sum the shares per reason and put them into words: that no face was found; what can be seen or read,
 * strongest first; the picture's general look last.
 * @returns {{signal: string, sentence: string, contribution: number}[]}
 */
export function explain({ scene, features, shares, metadata, faces }, slope) {
  const sums = new Map(shares), left = new Map(metadata.map((item) => [item.signal, item]));
  const take = (groups) => total(groups.map((group) => {
    const share = sums.get(group) ?? 0;
    sums.delete(group);
    return share;
  }));
  const first = [], told = [];
  if (faces.length) {
    const sight = { scene, ...features, height: features.face[2], metres: left.get(DISTANCE)?.value ?? null };
    for (const [signal, groups, tell] of OBSERVATIONS) {
      const file = signal === "face" && left.has(DISTANCE) ? left.get(DISTANCE).logOdds / slope : 0;
      const share = total(groups.map((group) => sums.get(group) ?? 0)) + file;
      const clause = Math.abs(share) * slope >= TOLD ? tell(sight, share > 0) : null;
      if (!clause) continue;
      take(groups);
      if (signal === "face") left.delete(DISTANCE);
      told.push({ signal, sentence: clause, contribution: share });
    }
    if (!told.length) told.push({ signal: "face", sentence: describeSize(sight), contribution: 0 });
  } else {
    first.push({ signal: "no_face", sentence: "no face was found", contribution: take([...NEEDS_FACE]) });
  }
  for (const item of left.values()) told.push({ signal: item.signal, sentence: sentence(item), contribution: item.logOdds / slope });
  told.sort((one, other) => Math.abs(other.contribution) - Math.abs(one.contribution) || (one.signal < other.signal ? -1 : 1));
  const look = take([...sums.keys()]);
  const last = { signal: "look", sentence: `the picture's general look speaks ${look > 0 ? "for" : "against"} a selfie`, contribution: look };
  return [...first, ...told, last].map((reason) => ({ ...reason, contribution: Number(reason.contribution.toFixed(6)) }));
}

function sentence({ signal, logOdds, value }) {
  if (signal === "front_camera") return `the file says that ${value ? "the front camera" : "a back camera"} took it`;
  if (signal === "focal_length") return `a focal length of ${value.toFixed(1)} mm is ${logOdds > 0 ? "common among" : "not usual for"} front cameras`;
  if (signal === "mirrored") return "the camera stored the picture mirrored";
  if (signal === "orientation") return "the picture is stored turned the way front cameras turn it";
  return `the face is about ${distance(value)} from the camera, ${value <= ARMS_REACH_M ? "within" : "beyond"} arm's reach`;
}

// ---- the verdict in a sentence or two ----

const MOST = 3; // things that are named for one side

/** Join clauses to a list; `last` follows as one more. */
function listed(clauses, last = "") {
  if (last) return [...clauses, last].join(", ");
  const end = clauses.at(-1);
  return clauses.length > 1 ? `${clauses.slice(0, -1).join(", ")} and ${end}` : end;
}

function toldApart(share, cut) {
  for (let digits = 0; digits < 4; digits++) {
    const pair = [percent(share, digits), percent(cut, digits)];
    if (pair[0] !== pair[1]) return pair;
  }
  return [percent(share), percent(cut)];
}

/** The verdict in a sentence or two, as Python's `Verdict.summary`. */
export function summarise({ label, confidence, probability, threshold, faces, reasons }) {
  if (label === "unknown") return `Cannot be judged: ${reasons.map((reason) => reason.sentence).join("; ")}.`;
  const onSide = (side) => reasons.filter((reason) => reason.contribution * side > 0);
  const seenOn = (side) => {
    const found = onSide(side);
    return [found.filter(({ signal }) => signal !== "look").map((reason) => reason.sentence).slice(0, MOST), found.some(({ signal }) => signal === "look")];
  };
  const side = label === "selfie" ? 1 : -1;
  if (!faces.length) {
    const told = onSide(side).filter(({ signal }) => signal !== "no_face" && signal !== "look");
    return "No face was found, so this is not called a selfie (sunglasses, masks or a cut-off face can hide one)" +
      `${told.map((reason) => `; ${reason.sentence}`).join("")}.`;
  }
  let share = percent(probability);
  if (confidence === "maybe" || (side === 1) !== probability >= 0.5) {
    const [told, cut] = toldApart(probability, threshold);
    share = `${told}, from ${cut} on it is called one`;
  }
  if (confidence === "maybe") {
    const named = (which) => {
      const [seen, looks] = seenOn(which), title = which > 0 ? "For it" : "Against it";
      const look = "the picture's general look";
      if (!seen.length && !looks) return `Nothing that is measured speaks ${title.toLowerCase()}.`;
      return `${title}: ${looks ? (seen.length ? listed(seen, `and ${look}`) : look) : listed(seen)}.`;
    };
    return `May be a selfie (${share}). ${named(1)} ${named(-1)}`;
  }
  const [seen, looks] = seenOn(side);
  const head = `${side === 1 ? "Looks" : "Does not look"} like a selfie (${share})`;
  if (seen.length) return `${head}, because ${listed(seen, looks ? "and the picture's general look agrees" : "")}.`;
  const other = reasons.find(({ signal }) => signal !== "look");
  return `${head}${looks ? " by the picture's general look" : ": what is measured is not enough for one"}${other ? `, though ${other.sentence}` : ""}.`;
}
