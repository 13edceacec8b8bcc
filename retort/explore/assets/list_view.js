// The list: rows that a query names, a page at a time.

import * as api from "./api.js";
import { PAGE_ROWS, changed, go, listAddress, problemAddress } from "./address.js";
import { showChips } from "./chips.js";
import { add, el } from "./elements.js";
import { side } from "./facets.js";
import { counted, percent, whole } from "./numbers.js";
import { piecesOf } from "./prose.js";
import { math } from "./rendered.js";
import { inSlices } from "./slices.js";
import { badge, fate } from "./verdicts.js";
import { plain } from "./visible.js";

const COLUMNS = [["", "Verdict"], ["", "Problem"], ["", "Fate"], ["pass_rate", "Pass rate"],
  ["tokens", "Tokens"], ["chars", "Characters"]];

/** The list in `host`: `show(query)`, `keys(event)`, `focusOn(candidate)`, `rows()` of the page
 * shown. */
export function listView(host, about, searchState) {
  let query = new URLSearchParams();
  let shown = null;
  let rows = [];
  let asked = null;
  const count = el("p", { class: "total", role: "status" });
  const chips = el("div", { class: "chips" });
  const body = el("tbody");
  const pager = el("nav", { class: "pager", "aria-label": "Pages" });
  const message = el("p", { class: "message", role: "alert", hidden: true });
  const aside = el("aside", { class: "side", "aria-label": "Filters", id: "side" });
  const toggle = el("button", { type: "button", class: "quiet toggle", "aria-expanded": "false", "aria-controls": "side" }, "Filters");
  toggle.addEventListener("click", () => {
    const open = aside.classList.toggle("open");
    toggle.setAttribute("aria-expanded", String(open));
  });
  const marked = el("button", { type: "button", class: "quiet", "aria-pressed": "false", id: "only-marked" }, "Only marked");
  marked.addEventListener("click", () => go(listAddress(changed(query, { marked: query.get("marked") ? null : "1" }))));
  const heads = COLUMNS.map(([sort, title], n) => head(sort, title, n, () => query));
  const table = el("table", { class: "rows" }, el("thead", {}, el("tr", {}, heads)), body);
  const show_side = side(aside, about, () => query);
  host.append(aside, el("div", { class: "found" },
    el("div", { class: "bar" }, toggle, count, marked), chips, message, table, pager));

  async function show(wanted, { again = false } = {}) {
    query = wanted;
    show_side(query);
    showChips(chips, query);
    marked.setAttribute("aria-pressed", String(Boolean(query.get("marked"))));
    heads.forEach((one) => one.show(query));
    if (!again && shown === String(query)) return;
    asked?.abort();
    asked = new AbortController();
    const { signal } = asked;
    table.setAttribute("aria-busy", "true");
    try {
      const found = await api.rows(query, PAGE_ROWS, signal);
      shown = String(query);
      message.hidden = true;
      fill(found);
    } catch (error) {
      if (signal.aborted) return;
      shown = null;
      message.textContent = error.status === 503 ? "The text index is being built; the rows come when it is ready." : error.message;
      message.hidden = false;
      if (error.status === 503) searchState.wait(() => show(query, { again: true }));
      else fill({ total: 0, rows: [], took_ms: null });
    } finally {
      if (!signal.aborted) table.removeAttribute("aria-busy");
    }
  }

  function fill(found) {
    rows = found.rows;
    const all = found.total === about.rows;
    count.replaceChildren(el("b", {}, whole(found.total)), all ? ` ${about.kind === "run" ? "candidates" : "rows"}` : ` of ${whole(about.rows)}`,
      found.took_ms === null ? "" : el("span", { class: "took" }, ` ${Math.max(1, Math.round(found.took_ms))} ms`));
    body.replaceChildren(...rows.map(rowOf));
    inSlices(formulas(rows, body), asked.signal);
    if (!rows.length && message.hidden) {
      body.append(el("tr", {}, el("td", { colspan: COLUMNS.length, class: "empty" }, found.total ? "The rows end before this page." : "No row has all of these. Take a filter off.")));
    }
    showPager(pager, query, found.total, rows.length);
  }

  function keys(event) {
    const links = [...body.querySelectorAll("a.open")];
    const at = links.indexOf(document.activeElement);
    if (event.key === "j" || event.key === "k") {
      const to = at < 0 ? 0 : Math.min(links.length - 1, Math.max(0, at + (event.key === "j" ? 1 : -1)));
      links[to]?.focus();
      return true;
    }
    if (event.key === "m" && at >= 0) {
      dispatchEvent(new CustomEvent("retort:mark", { detail: rows[at] }));
      return true;
    }
    if (event.key === "]" || event.key === "[") {
      pager.querySelector(event.key === "]" ? "a[rel=next]" : "a[rel=prev]")?.click();
      return true;
    }
    return false;
  }

  addEventListener("retort:marked", ({ detail }) => {
    const at = rows.findIndex((row) => row.candidate_id === detail.candidate_id);
    if (at >= 0) {
      rows[at].marked = detail.marked;
      rows[at].note = detail.note;
      body.children[at].classList.toggle("marked", detail.marked);
    }
  });
  /** Go on at the row of a candidate, for those who use the keyboard. */
  const focusOn = (id) => {
    const at = rows.findIndex((row) => row.candidate_id === id);
    body.children[at]?.querySelector("a.open").focus({ preventScroll: true });
  };
  return { show, keys, focusOn, rows: () => rows };
}

const statementOf = (row) => (row.statement || row.problem_id).slice(0, 200);

/** Formulas of the statements, in slices: the rows are there before, at the same height. */
function* formulas(rows, body) {
  for (const [n, row] of rows.entries()) {
    const pieces = piecesOf(statementOf(row));
    if (!pieces.some((piece) => piece.kind === "math")) continue;
    const line = pieces.map((piece) => piece.kind === "math" ? math({ ...piece, display: false }) : plain(piece.text));
    body.children[n]?.querySelector("a.open bdi").replaceChildren(...line);
    yield;
  }
}

function rowOf(row) {
  const facts = [`№ ${row.index ?? "–"}`, row.source, row.category, row.level, row.round === null || row.round === undefined ? null : `round ${row.round}`]
    .filter((fact) => fact !== null && fact !== undefined && fact !== "");
  const link = el("a", { class: "open", href: problemAddress({ id: row.problem_id, candidate: row.candidate_id }) },
    el("bdi", {}, plain(statementOf(row))));
  const rate = el("span", { class: "rate", "aria-hidden": "true" });
  rate.style.setProperty("--rate", row.pass_rate ?? 0);
  return el("tr", { class: row.marked ? "marked" : null, data: { candidate: row.candidate_id } },
    el("td", { class: "verdict" }, badge(row.verdict)),
    el("td", { class: "problem-cell" }, link,
      el("span", { class: "facts" }, facts.map((fact, n) => [n ? " · " : null, el("bdi", {}, plain(String(fact)))]))),
    el("td", { class: "fate-cell" }, fate(row.reason)),
    el("td", { class: "number pass" }, row.pass_rate === null || row.pass_rate === undefined ? "–" : [rate, percent(row.pass_rate)]),
    el("td", { class: "number" }, whole(row.tokens)),
    el("td", { class: "number" }, whole(row.chars)));
}

function head(sort, title, n, current) {
  const made = el("th", { scope: "col", class: n >= 3 ? "number" : null });
  made.show = () => {};
  if (!sort) {
    add(made, title);
    return made;
  }
  const button = el("button", { type: "button" }, title, el("span", { class: "arrow", "aria-hidden": "true" }));
  button.addEventListener("click", () => {
    const query = current();
    const was = query.get("sort") === sort ? query.get("order") ?? "asc" : null;
    const next = was === null ? "desc" : was === "desc" ? "asc" : null;
    go(listAddress(changed(query, { sort: next && sort, order: next })));
  });
  made.append(button);
  made.show = (query) => {
    const order = query.get("sort") === sort ? query.get("order") ?? "asc" : null;
    if (order) made.setAttribute("aria-sort", order === "asc" ? "ascending" : "descending");
    else made.removeAttribute("aria-sort");
  };
  return made;
}

function showPager(host, query, total, on_page) {
  const offset = Number(query.get("offset") ?? 0);
  const link = (rel, text, to, on) =>
    on ? el("a", { rel, href: listAddress(changed(query, { offset: to > 0 ? to : null })) }, text)
      : el("span", { class: "off" }, text);
  host.replaceChildren(
    link("prev", "← Before", offset - PAGE_ROWS, offset > 0),
    el("span", {}, on_page ? `${whole(offset + 1)} to ${whole(offset + on_page)} of ${counted(total, "row")}` : ""),
    link("next", "Next →", offset + PAGE_ROWS, offset + PAGE_ROWS < total));
}
