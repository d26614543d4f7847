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

/** Read what stands before and behind the pixels. */
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
  return trying(() => paint(blob, format === "JPEG" ? size : null),
    "the picture is damaged, or of a kind that this browser cannot show");
}

/** Paint a picture upright; `jpeg` is the size of one that may be decoded at a smaller scale. */
async function paint(blob, jpeg) {
  const isScaled = jpeg && typeof ImageDecoder !== "undefined" && "rotation" in VideoFrame.prototype;
  const { picture, width, height, size } = await (isScaled ? decodeScaled(blob, jpeg) : decodeWhole(blob));
  try {
    const canvas = typeof OffscreenCanvas === "undefined"
      ? Object.assign(document.createElement("canvas"), { width, height }) : new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(picture, 0, 0); // a frame is turned as its Exif says
    return { pixels: fromRgba(context.getImageData(0, 0, width, height)), size };
  } finally {
    picture.close();
  }
}

/** Decode a JPEG at the smallest of its scales that keeps the working size, as Python does. */
async function decodeScaled(blob, size) {
  const eighths = Math.min(8, Math.ceil((8 * WORKING_SIZE) / Math.max(...size)));
  const [desiredWidth, desiredHeight] = size.map((side) => Math.ceil((side * eighths) / 8));
  const data = await blob.arrayBuffer();
  const decoder = new ImageDecoder({ data, type: "image/jpeg", desiredWidth, desiredHeight });
  try {
    const { image } = await decoder.decode();
    const { displayWidth: width, displayHeight: height, rotation } = image;
    return { picture: image, width, height, size: rotation % 180 ? [...size].reverse() : size };
  } finally {
    decoder.close();
  }
}

/** Decode any picture, and shrink it to twice the working size where it is large. */
async function decodeWhole(blob) {
  let picture = await createImageBitmap(blob, { imageOrientation: "from-image" });
  const size = [picture.width, picture.height], ratio = WORKING_SIZE / Math.max(...size);
  if (ratio < 0.25) {
    const [resizeWidth, resizeHeight] = size.map((side) => 2 * Math.max(1, rint(side * ratio)));
    const small = await createImageBitmap(picture, { resizeWidth, resizeHeight, resizeQuality: "high" });
    picture.close();
    picture = small;
  }
  return { picture, width: picture.width, height: picture.height, size };
}
