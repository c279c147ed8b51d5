// The sandbox partner: a real process, driven through its control side.
import { join } from "node:path";
import { says, start, stop } from "./processes.mjs";
import { countersign } from "./places.mjs";
import { until } from "./wait.mjs";

/** Starts a sandbox partner; its configuration and secret are written into `home`. A quiet one does nothing unasked. */
export async function startSandbox(home, logs, { quiet = true } = {}) {
  const data = join(home, "data");
  const partners = join(home, "partners");
  const args = ["sandbox", ...(quiet ? ["--quiet"] : []), "--port", "0", "--write-partner", partners, "--data-dir", data, "--json"];
  const child = start(countersign, args, { log: join(logs, "sandbox.log") });
  const [, url] = await says(child, /"url":\s*"(http:[^"]+)"/);

  const call = async (method, path, body) => {
    const answer = await fetch(url + path, {
      method,
      headers: { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  };

  const state = () => call("GET", "/sandbox/state");
  return {
    url,
    data,
    partners,
    state,
    stop: () => stop(child),
    async order(spec = {}) {
      const [issued] = await call("POST", "/sandbox/orders", { lines: 3, language: "en", ...spec });
      return issued.number;
    },
    change: (number) => call("POST", `/sandbox/orders/${number}/change`),
    faults: (faults) => call("POST", "/sandbox/faults", { faults }),
    /** The answer to an order, once the partner has applied one of that kind. */
    applied: (number, operation) =>
      until(`the partner applies "${operation}" to ${number}`, async () => {
        const { operations } = await state();
        return operations.find((o) => o.number === number && o.operation === operation && o.status === "APPLIED");
      }),
    /** Fails when an answer had an effect twice. */
    async checkEffects() {
      const { effects } = await state();
      const twice = effects.filter((e) => e.count > 1);
      if (twice.length > 0) throw new Error(`effects that happened twice: ${JSON.stringify(twice)}`);
    },
  };
}
