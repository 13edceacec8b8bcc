// The journey of a candidate through the ledger: stage by stage, what became of it.

import { el } from "./elements.js";
import { plain } from "./visible.js";

/** A list in the order of the stages. */
export function journey(fates) {
  return el("ol", { class: "journey" }, fates.map((fate) =>
    el("li", {},
      el("span", { class: "stage" }, plain(fate.stage ?? "")),
      el("bdi", { class: "what" }, plain(fate.what ?? "")),
      fate.detail ? el("bdi", { class: "detail" }, plain(fate.detail)) : null)));
}
