// All feature groups, in the order of the weights.
import { colour } from "./colour.js";
import { crowd, face, place, pose } from "./geometry.js";
import { poolView } from "./maps.js";
import { hogFace } from "./outlines.js";
import { total } from "./sampling.js";
import { backdrop, focus } from "./sharpness.js";
import { skin } from "./skin.js";
import { texture } from "./texture.js";

export const FEATURE_VERSION = 6;
const OF_FACES = { face, place, pose, crowd, skin, focus, texture, backdrop, colour, hog_face: hogFace };

/** Measure a scene; float32, as in Python. Without a face the network's maps tell all there is to tell. */
export function extract(scene, views) {
  const groups = scene.face ? Object.entries(OF_FACES) : [];
  const found = groups.map(([name, measure]) => [name, Float32Array.from(measure(scene))]);
  return withViews(Object.fromEntries(found), scene, views);
}

/** The same features with other views: only the maps' groups change. */
export function withViews(features, scene, views) {
  const looks = views.map((view) => poolView(view, scene));
  const mean = (group) => Float32Array.from(looks[0][group], (_, index) =>
    total(looks.map((look) => look[group][index])) / looks.length);
  return { ...features, maps: mean("maps"), maps_pairs: mean("maps_pairs") };
}
