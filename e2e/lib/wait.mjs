// Waiting for conditions, never for time to pass.

/** Long enough for a loaded machine with two cores. */
export const PATIENCE_MS = 60_000;

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Calls `look` until it gives something truthy, and gives that. */
export async function until(what, look, patience = PATIENCE_MS) {
  const end = Date.now() + patience;
  let last;
  for (;;) {
    try {
      const found = await look();
      if (found) return found;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) {
      throw new Error(`waited ${patience / 1000} s in vain for: ${what}${last ? ` (${last.message ?? last})` : ""}`);
    }
    await sleep(100);
  }
}
