// Contributions to reasons: what can be seen, what the file tells, and one last one for the rest.
// The clauses and their bounds: classicselfie/observations.py and classicselfie/reasons.py.
import { rint } from "./picture.js";
import { plane, total } from "./sampling.js";
import { findArm } from "./skin.js";
import { percent } from "./summary.js";

const ARMS_REACH_M = 0.9;
const TOLD = 0.05; // the least that something tells, in log-odds

function distance(metres) {
  if (metres < 0.975) return `${Math.max(5, 5 * rint(20 * metres))} cm`;
  return metres < 3 ? `${metres.toFixed(1)} m` : `${rint(metres)} m`;
}

/** Whether the mean saturation, `255 (max - min) // max`, is nearly none. */
function isGrey({ quarter: { width, height, data } }) {
  const saturation = plane(width, height, (place) => {
    const pixel = data.subarray(3 * place, 3 * place + 3), most = Math.max(...pixel);
    return ((most - Math.min(...pixel)) * 255) / Math.max(most, 1);
  });
  return total(saturation.data) / saturation.data.length < 12;
}

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
    return crowd[3] > 3 ? "the faces stand apart" : null;
  }
  const centres = faces.map(({ bbox: [x, , w] }) => x + w / 2);
  const aside = centres[0] / width - 0.5;
  const outermost = centres[0] === Math.min(...centres) || centres[0] === Math.max(...centres);
  if (outermost && Math.abs(aside) > 0.15 && crowd[2] * 1.3 < 1) {
    return `the nearest of ${faces.length} faces is at the ${aside < 0 ? "left" : "right"}`;
  }
  if (similar.length < 2) return null;
  const places = similar.map(({ bbox: [x, y, w, h] }) => [x + w / 2, y + h / 2]);
  const gaps = places.map((here) => Math.min(...places.filter((there) => there !== here).map((there) =>
    Math.hypot(here[0] - there[0], here[1] - there[1]))));
  const gap = Math.max(...gaps) / Math.max(scene.faceSize, 1);
  return gap > 0.7 && gap < 1.8 ? `${similar.length} heads are close together at one distance` : null;
}

function place({ scene, place: [, below, , side, centre], crowd }, supports) {
  if (!supports) {
    if (scene.similar.length > 1) {
      return below > 2.5 && Math.max(crowd[5], crowd[6]) < 0.5 ? "there is much room around the faces" : null;
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

function background({ backdrop, focus }, supports) {
  if (!backdrop[1]) return null; // too little of it to tell
  if (supports) return backdrop[6] > -0.25 ? "the background is about as sharp as the face" : null;
  if (backdrop[3] > 0.7) return "the background is plain";
  return Math.max(backdrop[6], focus[2]) < -1 ? "the background is plain or blurred behind the face" : null;
}

const colours = ({ scene }, supports) => (!supports && isGrey(scene) ? "the picture is black and white" : null);

const OBSERVATIONS = [
  ["face", ["face"], size], ["crowd", ["crowd"], others], ["place", ["place"], place], ["pose", ["pose"], pose],
  ["arm", ["skin"], arm], ["background", ["focus", "backdrop"], background], ["colours", ["colour"], colours],
];
const DISTANCE = "subject_distance";

/** What observations are made of; `metres` is the distance of the largest face, or null. */
const sightOf = ({ scene, features }, metres) => ({ scene, ...features, height: features.face[2], metres });

/** What each observation would say for a selfie and against one, by signal. */
export function observe(judged, metres) {
  const sight = sightOf(judged, metres);
  return Object.fromEntries(OBSERVATIONS.map(([signal, , describe]) =>
    [signal, [true, false].map((supports) => describe(sight, supports))]));
}

/**
 * Sum the shares per reason and put them into words: that no face was found; what can be seen or read,
 * strongest first; the picture's general look last.
 */
export function explain({ scene, features, shares, metadata, faces }, slope) {
  const left = new Map(shares), file = new Map(metadata.map((item) => [item.signal, item]));
  const first = [], told = [];
  const sumOf = (groups) => total(groups.map((group) => left.get(group) ?? 0));
  const tell = (list, signal, sentence, contribution, groups = []) => {
    list.push({ signal, sentence, contribution });
    groups.forEach((group) => left.delete(group));
  };
  const missing = [...left.keys()].filter((group) => !(group in features)); // without a face
  if (!faces.length) tell(first, "no_face", "no face was found", sumOf(missing), missing);
  const sight = faces.length && sightOf({ scene, features }, file.get(DISTANCE)?.value ?? null);
  for (const [signal, groups, describe] of faces.length ? OBSERVATIONS : []) {
    const share = sumOf(groups) + (signal === "face" ? (file.get(DISTANCE)?.logOdds ?? 0) / slope : 0);
    const clause = Math.abs(share) * slope >= TOLD && describe(sight, share > 0);
    if (!clause) continue;
    tell(told, signal, clause, share, groups);
    if (signal === "face") file.delete(DISTANCE);
  }
  if (faces.length && !told.length) tell(told, "face", describeSize(sight), 0);
  for (const item of file.values()) tell(told, item.signal, sentence(item), item.logOdds / slope);
  told.sort((one, other) => Math.abs(other.contribution) - Math.abs(one.contribution) ||
    (one.signal < other.signal ? -1 : 1));
  const look = total([...left.values()]), last = [];
  tell(last, "look", `the picture's general look speaks ${look > 0 ? "for" : "against"} a selfie`, look);
  return [...first, ...told, ...last].map((reason) => (
    { ...reason, contribution: Number(reason.contribution.toFixed(6)) }));
}

function sentence({ signal, logOdds, value }) {
  const speaks = logOdds > 0 ? "common among" : "not usual for", reach = value <= ARMS_REACH_M ? "within" : "beyond";
  return {
    front_camera: `the file says that ${value ? "the front camera" : "a back camera"} took it`,
    focal_length: `a focal length of ${value.toFixed(1)} mm is ${speaks} front cameras`,
    mirrored: "the camera stored the picture mirrored",
    orientation: "the picture is stored turned the way front cameras turn it",
    [DISTANCE]: `the face is about ${distance(value)} from the camera, ${reach} arm's reach`,
  }[signal];
}
