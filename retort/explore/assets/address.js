// The state of the page as its address: what to show is read from it and nowhere else.

export const FACETS = ["domain", "source", "verdict", "reason", "level", "category", "teacher",
  "round", "finish_reason", "grader"];
export const RANGES = ["pass_rate", "tokens", "chars"];
export const PAGE_ROWS = 50;
const LIST_KEYS = [...FACETS, ...RANGES.flatMap((name) => [`${name}_min`, `${name}_max`]),
  "marked", "q", "sort", "order", "offset"];

/** `{view: "list", query}` or `{view: "problem", id, candidate, columns}`. */
export function read(url = new URL(location.href)) {
  if (url.pathname === "/problem") {
    return {
      view: "problem",
      id: url.searchParams.get("id") ?? "",
      candidate: url.searchParams.get("candidate") ?? "",
      columns: ["one", "two"].includes(url.searchParams.get("columns")) ? url.searchParams.get("columns") : "all",
    };
  }
  const query = new URLSearchParams();
  for (const [key, value] of url.searchParams) {
    if (LIST_KEYS.includes(key)) query.append(key, value);
  }
  query.sort();
  return { view: "list", query };
}

/** The address of the rows that a query names; without a query, of all rows. */
export const listAddress = (query) => (query && String(query) ? `/?${query}` : "/");

/** The address of a problem, or of one of its candidates. */
export function problemAddress({ id, candidate = "", columns = "all" }) {
  const query = new URLSearchParams({ id });
  if (candidate) query.set("candidate", candidate);
  if (columns !== "all") query.set("columns", columns);
  return `/problem?${query}`;
}

/** Another query with keys replaced: a list of values, one value, or null for none. The first page
 * again, unless the offset itself is given. */
export function changed(query, values) {
  const made = new URLSearchParams(query);
  if (!("offset" in values)) made.delete("offset");
  for (const [key, value] of Object.entries(values)) {
    made.delete(key);
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined) made.append(key, one);
    }
  }
  made.sort();
  return made;
}

/** Go to an address of this page; `replace`: without a new step of Back. */
export function go(address, { replace = false } = {}) {
  const here = location.pathname + location.search;
  if (address === here) return;
  if (replace) history.replaceState(history.state, "", address);
  else history.pushState({ inside: true }, "", address);
  dispatchEvent(new Event("retort:address"));
}

/** Links within the page change the view without loading anything. */
export function followLinks() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    const plain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    if (!link || !plain || event.defaultPrevented || link.target) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || url.hash || !["/", "/problem"].includes(url.pathname)) return;
    event.preventDefault();
    go(url.pathname + url.search);
  });
  addEventListener("popstate", () => dispatchEvent(new Event("retort:address")));
}
