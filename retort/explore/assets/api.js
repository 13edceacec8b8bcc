// What the server answers. Errors carry the server's own words.

export class Refused extends Error {
  constructor(status, body) {
    super(body?.error || `the server answered ${status}`);
    this.status = status;
    this.body = body;
  }
}

async function asked(address, options = {}) {
  let answer;
  try {
    answer = await fetch(address, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, { error: "the server does not answer: is `retort explore` still running?" });
  }
  if (!answer.ok) throw new Refused(answer.status, await answer.json().catch(() => null));
  return answer;
}

const json = async (address, options) => (await asked(address, options)).json();

export const about = () => json("/api/about");

export function rows(query, limit, signal) {
  const wanted = new URLSearchParams(query);
  wanted.set("limit", limit);
  return json(`/api/rows?${wanted}`, { signal });
}

export const problem = (id, signal) => json(`/api/problem?${new URLSearchParams({ id })}`, { signal });

export const wholeText = async (id) =>
  (await asked(`/api/text?${new URLSearchParams({ id })}`)).text();

export const marks = () => json("/api/marks");

/** Save or take away a mark; the page's own header keeps other sites from asking. */
export const saveMark = (mark) =>
  json("/api/marks", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Retort": "1" },
    body: JSON.stringify(mark),
  });
