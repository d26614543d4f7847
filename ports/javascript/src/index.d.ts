/** From where on a photo is called a selfie. */
export type Threshold = "strict" | "sensitive" | number;

/** Upright pixels, four bytes each (red, green, blue, alpha), row by row. */
export interface Rgba {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
}

export interface Reason {
  signal: string;
  /** A clause for people, such as "the head is tilted". */
  sentence: string;
  /** To the decision value; above 0 it speaks for a selfie. */
  contribution: number;
}

/** In pixels of the upright original. */
export interface Face {
  /** Left, top, width and height. */
  bbox: [number, number, number, number];
  /** Right eye, left eye, nose, right and left corner of the mouth: x and y. */
  landmarks: [number, number][];
  score: number;
}

/** What `classicselfie check --json` tells of a photo. */
export interface Verdict {
  path: null;
  label: "selfie" | "not_selfie" | "unknown";
  confidence: "clear" | "maybe" | null;
  /** Calibrated, 0 to 1; null where the photo cannot be judged, as are `confidence`, `threshold` and `size`. */
  probability: number | null;
  threshold: number | null;
  /** The verdict and its reasons in a sentence or two. */
  summary: string;
  /** Whether the file says that a front camera took it. */
  front_camera: boolean | null;
  reasons: Reason[];
  faces: Face[];
  /** Width and height of the upright original. */
  size: [number, number] | null;
  stage: "pixels" | "header";
  timings_ms: Record<string, number>;
  model: string;
  /** Of a photo that cannot be judged: what the decoder said. */
  detail: string | null;
}

export class SelfieDetector {
  /** Of the files that `classicselfie export` writes: port.json, weights.json and yunet.bin. */
  constructor(data: { port: object; weights: object; numbers: Float32Array; threshold?: Threshold });

  /** Load these files; by default from `data/` beside this module. A text is an absolute address that ends in "/". */
  static load(folder?: string | URL, options?: { threshold?: Threshold }): Promise<SelfieDetector>;

  readonly threshold: number;

  /** Judge an empty picture with a made-up face, so that the first photo does not wait for the compiler. */
  warmUp(): void;

  /** Judge one photo. No picture rejects: one that cannot be read is "unknown", with a reason. */
  check(photo: Blob | Rgba): Promise<Verdict>;
}
