// The linear model: one weight per feature.
import { FEATURE_VERSION } from "./features.js";
import { clip, total } from "./sampling.js";

const SCHEMA_VERSION = 3, CLIP = 3;

export class LinearModel {
  /** Of what `classicselfie train` wrote. */
  constructor(weights, name) {
    const { schema_version: schema, feature_version: version, detector } = weights;
    if (schema !== SCHEMA_VERSION || version !== FEATURE_VERSION || detector !== "yunet") {
      throw new Error(`these weights have schema ${schema} and features ${version} of ${detector}; this port ` +
        `needs ${SCHEMA_VERSION} and ${FEATURE_VERSION} of yunet: export again or upgrade`);
    }
    const { groups, intercept, calibration, thresholds, margins } = weights;
    Object.assign(this, { name, groups, intercept, calibration, thresholds, margin: margins.first_look ?? Infinity });
  }

  /** Each group's share of the decision value, and that value. */
  score(features, metadata) {
    const shares = this.groups.map(({ group, mean, scale, coef }) => [group, total(coef.map((weight, index) =>
      weight * clip(((features[group]?.[index] ?? 0) - mean[index]) / scale[index], -CLIP, CLIP)))]);
    const told = total(metadata.map(({ logOdds }) => logOdds)) / this.calibration[0];
    return { shares, decision: total(shares.map(([, share]) => share)) + this.intercept + told };
  }

  probability(decision) {
    const [slope, offset] = this.calibration;
    return 1 / (1 + Math.exp(-clip(slope * decision + offset, -60, 60)));
  }

  /** The decision value of a calibrated probability. */
  decision(probability) {
    const [slope, offset] = this.calibration;
    return (Math.log(probability / (1 - probability)) - offset) / slope;
  }
}
