// The explorer's page: address -> view. Data comes from the server of `retort explore`.

import * as api from "./api.js";
import { changed, followLinks, go, listAddress, read } from "./address.js";
import { el } from "./elements.js";
import { listView } from "./list_view.js";
import { marking } from "./marking.js";
import { whole } from "./numbers.js";
import { showAbout, showMarks } from "./panels.js";
import { problemView } from "./problem_view.js";
import { searchState } from "./search_state.js";
import { plain } from "./visible.js";

const place = (id) => document.getElementById(id);
const TYPED_MS = 350;

async function start() {
  history.scrollRestoration = "manual";
  let about;
  try {
    about = await api.about();
  } catch (error) {
    place("view").replaceChildren(el("p", { class: "message", role: "alert" }, error.message));
    return;
  }
  const words = place("words");
  const search = searchState(place("index"), words, about.search);
  place("run").replaceChildren(plain(about.title || about.name));
  const countMarks = (marks) => {
    about.marks = marks;
    place("marks-count").textContent = whole(marks.count);
  };
  countMarks(about.marks);

  const views = { list: place("list"), problem: place("problem") };
  const list = listView(views.list, about, search);
  let lastList = new URLSearchParams();
  let scrolled = 0;
  let looked = "";
  const problem = problemView(views.problem, { rows: list.rows, address: () => listAddress(lastList) });
  let now = null;

  async function show() {
    const state = read();
    if (now === "list" && state.view === "problem") scrolled = scrollY;
    const came = now !== state.view;
    now = state.view;
    views.list.hidden = now !== "list";
    views.problem.hidden = now !== "problem";
    document.body.dataset.view = now;
    if (now === "problem") {
      looked = state.candidate;
      await problem.show(state);
      return;
    }
    document.title = `${about.title || about.name} · Retort explorer`;
    const same = String(lastList) === String(state.query);
    lastList = state.query;
    if (document.activeElement !== words) words.value = state.query.get("q") ?? "";
    const shown = list.show(state.query);
    scrollTo(0, came && same ? scrolled : same ? scrollY : 0);
    await shown;
    if (came && looked && document.activeElement !== words) list.focusOn(looked);
  }

  const find = () => {
    clearTimeout(find.timer);
    const text = words.value.trim();
    const query = now === "list" ? lastList : new URLSearchParams();
    if ((query.get("q") ?? "") !== text || now !== "list") {
      go(listAddress(changed(query, { q: text || null })), { replace: now === "list" && find.typing });
    }
    find.typing = true;
  };
  words.addEventListener("input", () => {
    clearTimeout(find.timer);
    if (now === "list") find.timer = setTimeout(find, TYPED_MS);
  });
  words.addEventListener("focus", () => { find.typing = false; });
  place("search").addEventListener("submit", (event) => {
    event.preventDefault();
    find();
    words.blur();
  });

  place("open-about").addEventListener("click", () => showAbout(place("panel"), about, search.get()));
  place("open-marks").addEventListener("click", () => showMarks(place("panel")));
  marking(place("mark"), countMarks);
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.matches?.("input:not([type=checkbox]), textarea, select")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key === "/") {
      words.focus();
      words.select();
    } else if (event.key === "?") showAbout(place("panel"), about, search.get());
    else if (!(now === "problem" ? problem : list).keys(event)) return;
    event.preventDefault();
  });
  addEventListener("retort:address", show);
  followLinks();
  await show();
}

start();
