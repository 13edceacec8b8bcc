// The text index as the search box shows it, asked again while it is being built.

import * as api from "./api.js";
import { duration } from "./numbers.js";

const AGAIN_MS = 700;

/** Show the state in `place`; `wait(act)` runs the latest `act` once, when the index is ready. */
export function searchState(place, input, first) {
  let state = first;
  let waiting = null;
  let timer = null;
  draw();
  if (state.state === "building") timer = setTimeout(again, AGAIN_MS);

  async function again() {
    timer = null;
    try {
      state = (await api.about()).search;
    } catch {
      timer = setTimeout(again, 4 * AGAIN_MS);
      return;
    }
    draw();
    if (state.state === "building") timer = setTimeout(again, AGAIN_MS);
    else if (waiting) {
      const act = waiting;
      waiting = null;
      act();
    }
  }

  function draw() {
    place.className = `index ${state.state}`;
    place.style.setProperty("--done", state.total ? state.done / state.total : 0);
    const share = state.total ? Math.floor((100 * state.done) / state.total) : 0;
    const left = state.left_s === null || state.left_s === undefined ? "" : `, ${duration(Math.ceil(state.left_s))} left`;
    place.textContent = state.state === "building" ? `indexing ${share} %${left}`
      : state.state === "failed" ? "no text index" : "";
    place.title = state.message ?? "";
    input.disabled = state.state === "failed";
  }

  return {
    get: () => state,
    wait(act) {
      waiting = act;
      timer ??= setTimeout(again, AGAIN_MS);
    },
  };
}
