// Child processes in groups of their own, so that none outlives its test.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { PATIENCE_MS, sleep } from "./wait.mjs";

const running = new Set();
process.on("exit", () => {
  for (const child of running) kill(child, "SIGKILL");
});

/** Starts a program; what it says goes to `log`. */
export function start(program, args, { env = {}, log, stdio = [] } = {}) {
  const child = spawn(program, args, {
    detached: true,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe", ...stdio],
  });
  running.add(child);
  child.lines = [];
  const out = createWriteStream(log, { flags: "a" });
  const keep = (data) => {
    out.write(data);
    child.lines.push(...data.toString().split("\n").filter(Boolean));
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  child.failed = new Promise((_, reject) => {
    child.once("error", (error) => reject(new Error(`${program} cannot be started: ${error.message}`)));
    child.once("exit", (code, signal) => {
      running.delete(child);
      reject(new Error(`${program} ended (${signal ?? code}):\n${child.lines.slice(-15).join("\n")}`));
    });
  });
  child.failed.catch(() => {});
  return child;
}

/** The first match of `pattern` in what the program says. */
export async function says(child, pattern) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    for (const line of child.lines) {
      const match = pattern.exec(line);
      if (match) return match;
    }
    if (Date.now() > end) throw new Error(`${child.spawnfile} did not say ${pattern}:\n${child.lines.join("\n")}`);
    await Promise.race([sleep(50), child.failed]);
  }
}

function kill(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Nobody of the group is left.
  }
}

/** Ends the whole group, gently first. */
export async function stop(child, signal = "SIGTERM") {
  if (!child?.pid) return;
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, "exit");
    kill(child, signal);
    await Promise.race([ended, sleep(15_000)]);
  }
  kill(child, "SIGKILL");
  running.delete(child);
}
