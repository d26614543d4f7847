// A file to what its header says, the end behind its pixels, and the pixels, decoded by the platform.
import { readHeader } from "./exif.js";
import { fromRgba, rint } from "./picture.js";
import { readTrailer } from "./trailer.js";
import { WORKING_SIZE } from "./working.js";

const HEAD_BYTES = 2 ** 20, MAX_BYTES = 512 * 2 ** 20;
const MAX_MEGAPIXELS = { JPEG: 256, PNG: 80, WebP: 50, GIF: 70, BMP: 80, AVIF: 60, HEIC: 70, TIFF: 70 };

/** What a photo is refused for, as a sentence. */
export class PhotoError extends Error {}

/** Try what may fail for any reason, and say what that means for the photo. */
async function trying(work, sentence) {
  try {
    return await work();
  } catch (cause) {
    throw new PhotoError(sentence, { cause });
  }
}

/**
 * Read what stands before and behind the pixels.
 * @param {Blob} blob
 * @returns {Promise<[ReturnType<typeof readHeader>, Uint8Array]>}
 */
export async function open(blob) {
  if (!blob.size) throw new PhotoError("the file is empty");
  if (blob.size > MAX_BYTES) throw new PhotoError(`the file is larger than ${MAX_BYTES / 2 ** 20} MB`);
  return trying(async () => {
    const header = readHeader(new Uint8Array(await blob.slice(0, HEAD_BYTES).arrayBuffer()));
    return [header, await readTrailer(blob, header.format === "JPEG")];
  }, "the file cannot be read");
}

/** Refuse what is no picture, or promises too many pixels; then decode it. */
export async function decode(blob, { format, size }) {
  const limit = MAX_MEGAPIXELS[format];
  if (!limit) throw new PhotoError(`not a picture in a supported format (${Object.keys(MAX_MEGAPIXELS).join(", ")})`);
  if (size && size[0] * size[1] > limit * 1e6) {
    const promised = `${size.join(" × ")} pixels`;
    throw new PhotoError(`its header promises ${promised}, more than the limit of ${limit} megapixels for ${format}`);
  }
  if (typeof createImageBitmap === "undefined") {
    throw new PhotoError("this platform cannot decode pictures: give {data, width, height} of RGBA instead");
  }
  return trying(() => paint(blob), "the picture is damaged, or of a kind that this browser cannot show");
}

/** Paint a picture upright, at no more than twice the working size where it is large. */
async function paint(blob) {
  let bitmap = await createImageBitmap(blob, { imageOrientation: "from-image" });
  const size = [bitmap.width, bitmap.height];
  try {
    const ratio = WORKING_SIZE / Math.max(...size);
    if (ratio < 0.25) {
      const [resizeWidth, resizeHeight] = size.map((side) => 2 * Math.max(1, rint(side * ratio)));
      const small = await createImageBitmap(bitmap, { resizeWidth, resizeHeight, resizeQuality: "high" });
      bitmap.close();
      bitmap = small;
    }
    const { width, height } = bitmap;
    const canvas = typeof OffscreenCanvas === "undefined"
      ? Object.assign(document.createElement("canvas"), { width, height }) : new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    return { pixels: fromRgba(context.getImageData(0, 0, width, height)), size };
  } finally {
    bitmap.close();
  }
}
