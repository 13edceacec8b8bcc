// Marking a row for review: a note, saved to the file of marks.

import * as api from "./api.js";
import { el, say } from "./elements.js";
import { plain } from "./visible.js";

/** Open the dialog wherever a row asks for it; `counted(marks)` learns how many there are. */
export function marking(dialog, counted) {
  addEventListener("retort:mark", async ({ detail }) => {
    try {
      open(dialog, await withNote(detail), counted);
    } catch (error) {
      say(error.message);
    }
  });
}

/** A row of the list says that it is marked, but not with which note. */
async function withNote(row) {
  if (!row.marked || row.note !== undefined) return row;
  const mark = (await api.marks()).find((one) => one.candidate_id === row.candidate_id);
  return { ...row, note: mark?.note ?? "" };
}

function open(dialog, row, counted) {
  const note = el("textarea", { rows: "3", maxlength: "2000", "aria-label": "Note", placeholder: "A note, if you like" });
  note.value = row.note ?? "";
  const save = (marked) => async () => {
    try {
      const answer = await api.saveMark({
        candidate_id: row.candidate_id, problem_id: row.problem_id, note: note.value.trim(), marked,
      });
      counted(answer.marks);
      dispatchEvent(new CustomEvent("retort:marked", {
        detail: { candidate_id: row.candidate_id, marked, note: marked ? note.value.trim() : "" },
      }));
      dialog.close();
      say(marked ? `Marked; ${answer.marks.file}` : "The mark is taken away");
    } catch (error) {
      say(error.message);
    }
  };
  const form = el("form", { method: "dialog" },
    el("h2", { id: "mark-title" }, row.marked ? "Marked for review" : "Mark for review"),
    el("p", { class: "id" }, plain(row.candidate_id)), note,
    el("p", { class: "hush" }, "Saved to the file of marks, which ", el("code", {}, "[select] exclude"), " takes."),
    el("div", { class: "buttons" },
      row.marked ? el("button", { type: "button", class: "quiet", on: { click: save(false) } }, "Take the mark away") : null,
      el("button", { type: "button", class: "quiet", on: { click: () => dialog.close() } }, "Cancel"),
      el("button", { type: "submit", class: "strong" }, "Save")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save(true)();
  });
  note.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  dialog.replaceChildren(form);
  const back = document.activeElement;
  dialog.onclose = () => back?.focus?.({ preventScroll: true });
  dialog.showModal();
  note.focus();
}
