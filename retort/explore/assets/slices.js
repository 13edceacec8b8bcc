// Work in slices, so that the page answers between them.

const SLICE_MS = 8;
const queue = [];
let waiting = false;

/** Run the steps of an iterator: at once for up to 8 ms, then some in each frame. A step that
 * finds `signal` aborted is the last. */
export function inSlices(steps, signal) {
  queue.push({ steps, signal });
  if (!waiting) slice();
}

function slice() {
  const until = performance.now() + SLICE_MS;
  while (queue.length && performance.now() < until) {
    const { steps, signal } = queue[0];
    if (signal?.aborted || steps.next().done) queue.shift();
  }
  waiting = queue.length > 0;
  if (waiting) setTimeout(slice, 16);
}
