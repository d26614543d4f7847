// Judges photos beside the page, which stays responsive.
import { SelfieDetector } from "./src/index.js";

const loading = SelfieDetector.load(new URL("data/", import.meta.url));
self.addEventListener("message", async ({ data: { id, file } }) => {
  try {
    const detector = await loading;
    postMessage({ id, verdict: await detector.check(file), threshold: detector.threshold });
  } catch (error) {
    postMessage({ id, error: String(error) });
  }
});
