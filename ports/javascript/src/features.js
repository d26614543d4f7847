// All feature groups to one vector, in the order of the weights.
import { colour } from "./colour.js";
import { crowd, face, place, pose } from "./geometry.js";
import { poolView } from "./maps.js";
import { hogFace } from "./outlines.js";
import { total } from "./sampling.js";
import { backdrop, focus } from "./sharpness.js";
import { skin } from "./skin.js";
import { texture } from "./texture.js";

export const FEATURE_VERSION = 5;
const OF_FACES = { face, place, pose, crowd, skin, focus, texture, backdrop, colour, hog_face: hogFace };

/**
 * Measure a scene; float32, as in Python. Without a face the network's maps tell all there is to tell.
 * @returns {Record<string, Float32Array>} by group; of those that are not measured, all are 0
 */
export function extract(scene, views) {
  const groups = scene.face ? Object.entries(OF_FACES) : [];
  const found = groups.map(([name, measure]) => [name, Float32Array.from(measure(scene))]);
  return withViews(Object.fromEntries(found), scene, views);
}

/** The same features with other views: only the maps' groups change. */
export function withViews(features, scene, views) {
  const looks = views.map((view) => poolView(view, scene));
  const mean = (name) => Float32Array.from(looks[0][name], (_, index) =>
    total(looks.map((look) => look[name][index])) / looks.length);
  return { ...features, maps: mean("pooled"), maps_pairs: mean("pairs") };
}
