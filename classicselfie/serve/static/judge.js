// Judges photos on this device: in a worker, so that the page stays responsive, or in the page itself.
import { SelfieDetector } from "./port/src/index.js";

const loading = SelfieDetector.load(new URL("port/data/", import.meta.url));
loading.catch(() => {}); // told below, of each photo

export const judge = async (file) => (await loading).check(file);

if (typeof WorkerGlobalScope !== "undefined") {
  loading.then((detector) => detector.warmUp(), () => {}); // nobody waits for it here
  self.addEventListener("message", async ({ data: { id, file } }) => {
    try {
      postMessage({ id, verdict: await judge(file) });
    } catch (error) {
      postMessage({ id, error: String(error) });
    }
  });
}
