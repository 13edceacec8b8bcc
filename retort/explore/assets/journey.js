// The journey of a candidate through the ledger: stage by stage, what became of it.

import { el } from "./elements.js";
import { words } from "./verdicts.js";
import { plain } from "./visible.js";

/** What is known of a candidate, in the order of the stages: its request and its verdict first,
 * where the server's fates begin after them. */
export function fatesOf(candidate) {
  const given = candidate.fates ?? [];
  const has = (stage) => given.some((fate) => fate.stage === stage);
  const known = [];
  if (candidate.round && !has("generate")) {
    known.push({ stage: "generate", what: `requested in round ${candidate.round}`, detail: candidate.teacher });
  }
  if (candidate.verdict && !has("grade")) {
    known.push({ stage: "grade", what: words(candidate.verdict), detail: candidate.method ? `by ${candidate.method}` : "" });
  }
  return [...known, ...given];
}

/** A list in the order of the stages, folded to the last of them. */
export function journey(fates) {
  const last = fates.at(-1);
  const list = el("ol", { class: "journey" }, fates.map((fate) =>
    el("li", {},
      el("span", { class: "stage" }, plain(fate.stage ?? "")),
      el("bdi", { class: "what" }, plain(fate.what ?? "")),
      fate.detail ? el("bdi", { class: "detail" }, plain(fate.detail)) : null)));
  return el("details", { class: "way" },
    el("summary", {}, "Journey", el("bdi", { class: "length" }, plain(String(last.what ?? last.stage ?? "").slice(0, 200)))), list);
}
