// Verdicts and fates as labels.

import { el } from "./elements.js";
import { plain } from "./visible.js";

const MEANING = {
  correct: ["✓", "good", "The answer is right."],
  incorrect: ["✕", "bad", "The answer is wrong."],
  unparsable: ["?", "odd", "No final answer could be read, or it is not in the grader's language."],
  truncated: ["✂", "odd", "Cut at the token limit, or its thinking never closed."],
  error: ["!", "bad", "The program raised, or ended by a signal."],
  syntax: ["!", "bad", "The program does not parse or compile."],
  timeout: ["◷", "odd", "The program ran past its time limit."],
  memory: ["▣", "odd", "The program ran past its memory limit."],
  output_limit: ["▤", "odd", "The program wrote too much."],
  no_majority: ["≁", "odd", "There is no gold, and too few candidates agree."],
  infra: ["⚠", "odd", "The machine's fault, after retries."],
};

/** Kind of a verdict for its colour: `good`, `bad`, `odd`, or `none` for another word. */
export const kindOf = (verdict) => MEANING[verdict]?.[1] ?? "none";

/** The verdict's sign alone. */
export const signOf = (verdict) => MEANING[verdict]?.[0] ?? "•";

/** A badge: sign and word, what it means in its title. */
export function badge(verdict) {
  return el("span", { class: `badge ${kindOf(verdict)}`, title: MEANING[verdict]?.[2] },
    el("span", { class: "sign", "aria-hidden": "true" }, signOf(verdict)),
    plain(words(verdict) || "no verdict"));
}

/** What became of a candidate: a row of the dataset, or the reason it was dropped. */
export function fate(reason) {
  if (!reason) return el("span", { class: "fate" }, "–");
  const kept = reason === "kept";
  return el("span", { class: kept ? "fate kept" : "fate", title: kept ? "A row of the dataset" : "The reason it was dropped" },
    plain(words(reason)));
}

/** `mixed_language` as `mixed language`. */
export const words = (name) => String(name ?? "").replaceAll("_", " ");
