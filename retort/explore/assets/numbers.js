// Numbers as people read them.

const WHOLE = new Intl.NumberFormat("en");

/** `18,800`; a dash where there is none. */
export const whole = (n) => (n === null || n === undefined ? "–" : WHOLE.format(n));

/** `83 %`; a dash where there is none. */
export const percent = (share) =>
  share === null || share === undefined ? "–" : `${Math.round(share * 100)} %`;

/** `8 s`, `3 min`, from seconds. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 1) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  return seconds < 90 ? `${Math.round(seconds * 10) / 10} s` : `${Math.round(seconds / 60)} min`;
}

/** `1 candidate`, `2 candidates`. */
export const counted = (n, word) => `${whole(n)} ${word}${n === 1 ? "" : "s"}`;
