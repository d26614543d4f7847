// Judges photos on this device: in a worker, so that the page stays responsive, or in the page itself.
import { SelfieDetector } from "./port/src/index.js";

const inWorker = typeof WorkerGlobalScope !== "undefined";
let loading = null;

/** Load once; what could not be loaded is tried again with the next photo. */
function load() {
  loading ??= SelfieDetector.load(new URL("port/data/", import.meta.url)).catch((error) => {
    loading = null;
    throw error;
  });
  return loading;
}

export const judge = async (file) => (await load()).check(file);

load().then((detector) => inWorker && detector.warmUp()).catch(() => {}); // told below, of each photo

if (inWorker) {
  self.addEventListener("message", async ({ data: { id, file } }) => {
    try {
      postMessage({ id, verdict: await judge(file) });
    } catch (error) {
      postMessage({ id, error: String(error) });
    }
  });
}
