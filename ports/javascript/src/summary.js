// The verdict in a sentence or two, as Python's `Verdict.summary`.
import { rint } from "./picture.js";

const MOST = 3; // things that are named for one side
const LOOK = "the picture's general look";

/** Neither 0 % nor 100 % of what is only nearly so. */
export function percent(share, digits = 0) {
  if (!digits && share > 0 && share < 0.01) return "<1 %";
  if (!digits && share > 0.99 && share < 1) return ">99 %";
  return `${digits ? (100 * share).toFixed(digits) : rint(100 * share)} %`;
}

/** Join clauses to a list; `last` follows as one more. */
function listed(clauses, last) {
  if (last) return [...clauses, last].join(", ");
  return [clauses.slice(0, -1).join(", "), clauses.at(-1)].filter(Boolean).join(" and ");
}

/** With as few digits as tell the two apart. */
function toldApart(...shares) {
  const pairs = [0, 1, 2, 3].map((digits) => shares.map((share) => percent(share, digits)));
  return pairs.find(([share, cut]) => share !== cut) ?? pairs[0];
}

export function summarise({ label, confidence, probability, threshold, faces, reasons }) {
  if (label === "unknown") return `Cannot be judged: ${reasons.map((reason) => reason.sentence).join("; ")}.`;
  const side = label === "selfie" ? 1 : -1;
  const seenOn = (which) => {
    const found = reasons.filter((reason) => reason.contribution * which > 0);
    const seen = found.filter(({ signal }) => signal !== "look" && signal !== "no_face");
    return [seen.map((reason) => reason.sentence), found.some(({ signal }) => signal === "look")];
  };
  if (!faces.length) {
    return "No face was found, so this is not called a selfie (sunglasses, masks or a cut-off face can hide one)" +
      `${seenOn(side)[0].map((sentence) => `; ${sentence}`).join("")}.`;
  }
  let share = percent(probability);
  if (confidence === "maybe" || (side === 1) !== probability >= 0.5) {
    const [told, cut] = toldApart(probability, threshold);
    share = `${told}, from ${cut} on it is called one`;
  }
  if (confidence === "maybe") {
    const named = (which, title) => {
      const [seen, looks] = seenOn(which), most = seen.slice(0, MOST);
      if (!seen.length && !looks) return `Nothing that is measured speaks ${title.toLowerCase()}.`;
      return `${title}: ${seen.length ? listed(most, looks && `and ${LOOK}`) : LOOK}.`;
    };
    return `May be a selfie (${share}). ${named(1, "For it")} ${named(-1, "Against it")}`;
  }
  const [seen, looks] = seenOn(side), head = `${side === 1 ? "Looks" : "Does not look"} like a selfie (${share})`;
  if (seen.length) return `${head}, because ${listed(seen.slice(0, MOST), looks && `and ${LOOK} agrees`)}.`;
  const other = reasons.find(({ signal }) => signal !== "look");
  const why = looks ? ` by ${LOOK}` : ": what is measured is not enough for one";
  return `${head}${why}${other ? `, though ${other.sentence}` : ""}.`;
}
