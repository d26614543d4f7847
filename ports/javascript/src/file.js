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
export async function decode(blob, { format, size, exif }) {
  const limit = MAX_MEGAPIXELS[format];
  if (!limit) throw new PhotoError(`not a picture in a supported format (${Object.keys(MAX_MEGAPIXELS).join(", ")})`);
  if (size && size[0] * size[1] > limit * 1e6) {
    const promised = `${size.join(" × ")} pixels`;
    throw new PhotoError(`its header promises ${promised}, more than the limit of ${limit} megapixels for ${format}`);
  }
  if (typeof createImageBitmap === "undefined") {
    throw new PhotoError("this platform cannot decode pictures: give {data, width, height} of RGBA instead");
  }
  return trying(() => paint(blob, format === "JPEG" ? size : null, exif.main.get(0x0112) > 1),
    "the picture is damaged, or of a kind that this browser cannot show");
}

/** Paint a picture upright; `jpeg` is the size of one that may be decoded at a smaller scale. */
async function paint(blob, jpeg, isTurned) {
  const canScale = jpeg && typeof ImageDecoder !== "undefined" && "rotation" in VideoFrame.prototype;
  const eighths = canScale ? 2 ** Math.max(0, Math.ceil(Math.log2((8 * WORKING_SIZE) / Math.max(...jpeg)))) : 8;
  const scaled = eighths < 8 ? await decodeScaled(blob, jpeg, eighths, isTurned) : null;
  const { source, width, height, size } = scaled ?? await decodeWhole(blob);
  try {
    const canvas = typeof OffscreenCanvas === "undefined"
      ? Object.assign(document.createElement("canvas"), { width, height }) : new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(source, 0, 0); // a frame is turned as its Exif says
    return { pixels: fromRgba(context.getImageData(0, 0, width, height)), size };
  } finally {
    source.close();
  }
}

/** Decode a JPEG at the smallest of 1/2, 1/4 and 1/8 that keeps the working size, as Python does. */
async function decodeScaled(blob, size, eighths, isTurned) {
  const [desiredWidth, desiredHeight] = size.map((side) => Math.ceil((side * eighths) / 8));
  const data = await blob.arrayBuffer();
  const decoder = new ImageDecoder({ data, type: "image/jpeg", desiredWidth, desiredHeight });
  try {
    const { image: source } = await decoder.decode();
    const { displayWidth: width, displayHeight: height, rotation, flip } = source;
    if (isTurned && !rotation && !flip) return source.close(); // it is not told how to turn it
    return { source, width, height, size: rotation % 180 ? [...size].reverse() : size };
  } finally {
    decoder.close();
  }
}

/** Decode any picture, and shrink it to twice the working size where it is large. */
async function decodeWhole(blob) {
  let source = await createImageBitmap(blob, { imageOrientation: "from-image" });
  const size = [source.width, source.height], ratio = WORKING_SIZE / Math.max(...size);
  if (ratio < 0.25) {
    const [resizeWidth, resizeHeight] = size.map((side) => 2 * Math.max(1, rint(side * ratio)));
    const small = await createImageBitmap(source, { resizeWidth, resizeHeight, resizeQuality: "high" });
    source.close();
    source = small;
  }
  return { source, width: source.width, height: source.height, size };
}
