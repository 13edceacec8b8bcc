// The left of the problem view: statement, gold, and where the problem comes from.

import { codeBlock } from "./code.js";
import { copyButton } from "./copying.js";
import { el } from "./elements.js";
import { counted, percent } from "./numbers.js";
import { answer, show } from "./rendered.js";
import { plain } from "./visible.js";

const FACTS = [["domain", "Domain"], ["source", "Source"], ["category", "Category"], ["level", "Level"],
  ["grader", "Grader"], ["license", "Licence"], ["author", "Author"]];
const SHOWN = new Set([...FACTS.map(([name]) => name), "problem_id", "statement", "gold", "history", "solution", "reasoning"]);

/** Everything about a problem; the columns that this page does not know come last, as they are. */
export function statement(found) {
  const problem = found.problem;
  const made = document.createDocumentFragment();
  const text = el("div", { class: "text statement" });
  show(text, String(problem.statement ?? problem.problem ?? ""));
  const turns = (problem.history ?? []).map((turn) => {
    const said = el("div", { class: "text" });
    show(said, String(turn.content ?? ""));
    return el("div", { class: "turn" }, el("span", { class: "stage" }, plain(String(turn.role ?? ""))), said);
  });
  made.append(...turns, text);
  if (problem.gold) made.append(el("h3", {}, "Gold"), gold(problem));
  if (problem.solution) {
    const solution = el("div", { class: "text" });
    const folded = el("details", { class: "solution" }, el("summary", {}, "Solution of the source"), solution);
    folded.addEventListener("toggle", () => folded.open && !solution.hasChildNodes() && show(solution, problem.solution));
    made.append(folded);
  }
  const list = el("dl", { class: "about" });
  const row = (name, ...value) => list.append(el("dt", {}, name), el("dd", {}, ...value));
  if (found.pass_rate !== null && found.pass_rate !== undefined) {
    row("Pass rate", `${percent(found.pass_rate)} of ${counted(found.candidates.length, "candidate")}`);
  }
  for (const [name, title] of FACTS) {
    if (problem[name]) row(title, el("bdi", {}, plain(String(problem[name]))));
  }
  for (const [name, value] of Object.entries(problem)) {
    if (SHOWN.has(name) || value === null || value === "" || (Array.isArray(value) && !value.length)) continue;
    const shown = typeof value === "string" ? value : JSON.stringify(value);
    row(name.replaceAll("_", " "), el("bdi", {}, plain(shown.slice(0, 400))));
  }
  row("Problem", el("bdi", { class: "id" }, plain(problem.problem_id ?? "")), " ",
    copyButton("Copy id", "Copy the problem's id", () => problem.problem_id));
  made.append(list);
  return made;
}

/** The gold: a formula, or the tests of a program, folded where they are long. */
function gold(problem) {
  const text = String(problem.gold);
  let value = null;
  if (/^\s*[{[]/.test(text)) {
    try {
      value = JSON.parse(text);
    } catch {
      value = null;
    }
  }
  if (value === null) {
    if (text.length <= 2_000) return el("p", { class: "gold", dir: "auto" }, answer(text));
    const long = el("div", { class: "text gold" });
    show(long, text, { raw: true });
    return long;
  }
  const cases = value.cases ?? value.tests;
  const tests = Array.isArray(cases) ? counted(cases.length, "test case") : "as JSON";
  const pretty = JSON.stringify(value, null, 2);
  return el("details", { class: "gold", open: pretty.length <= 700 },
    el("summary", {}, tests), codeBlock(pretty.slice(0, 50_000), "json"));
}
