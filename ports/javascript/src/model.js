// The linear model: one weight per feature.
import { FEATURE_VERSION } from "./features.js";

const SCHEMA_VERSION = 3, CLIP = 3;

export class LinearModel {
  /** @param {object} weights what `classicselfie train` wrote */
  constructor(weights, name) {
    const versions = [weights.schema_version, weights.feature_version];
    if (versions[0] !== SCHEMA_VERSION || versions[1] !== FEATURE_VERSION || weights.detector !== "yunet") {
      throw new Error(`these weights have schema ${versions[0]} and features ${versions[1]} of ${weights.detector}; ` +
        `this port needs ${SCHEMA_VERSION} and ${FEATURE_VERSION} of yunet: export again or upgrade`);
    }
    this.name = name;
    this.groups = weights.groups;
    this.intercept = weights.intercept;
    this.calibration = weights.calibration;
    this.thresholds = weights.thresholds;
    this.margin = weights.margins.first_look ?? Infinity;
  }

  /** Each group's share of the decision value. */
  shares(features) {
    return this.groups.map(({ group, mean, scale, coef }) => {
      let sum = 0;
      features[group].forEach((value, index) => {
        sum += Math.min(Math.max((value - mean[index]) / scale[index], -CLIP), CLIP) * coef[index];
      });
      return [group, sum];
    });
  }

  probability(decision) {
    const [slope, offset] = this.calibration;
    return 1 / (1 + Math.exp(-Math.max(-60, Math.min(60, slope * decision + offset))));
  }

  /** The decision value of a calibrated probability. */
  decision(probability) {
    const [slope, offset] = this.calibration;
    return (Math.log(probability / (1 - probability)) - offset) / slope;
  }
}
