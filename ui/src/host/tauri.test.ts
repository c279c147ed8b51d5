import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { asProblem } from "../api/client";
import { classify, told } from "../errors/table";
import { ResponseError } from "./http";
import { tauriHost, unframe } from "./tauri";
import { type FeedMessage, HostUnreachable } from "./types";

const shell = vi.hoisted(() => ({
  invoke: vi.fn<(command: string, args?: Record<string, unknown>) => Promise<unknown>>(),
}));
vi.mock("@tauri-apps/api/core", () => ({
  invoke: shell.invoke,
  Channel: class {
    onmessage: (message: unknown) => void = () => undefined;
  },
}));

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  shell.invoke.mockReset();
});

const frame = (head: object, body: string | number[]) => {
  const start = [...new TextEncoder().encode(`${JSON.stringify(head)}\n`)];
  const rest = typeof body === "string" ? [...new TextEncoder().encode(body)] : body;
  return new Uint8Array([...start, ...rest]);
};

test("text and bytes come out of the frame", () => {
  expect(unframe(frame({ status: 200, mediaType: "application/json" }, '{"a":"ü\\n"}'))).toEqual({
    status: 200,
    mediaType: "application/json",
    text: '{"a":"ü\\n"}',
  });
  const pdf = unframe(frame({ status: 200, mediaType: "application/pdf" }, [37, 10, 80]));
  expect([...(pdf.bytes ?? [])]).toEqual([37, 10, 80]);
  expect(() => unframe(new Uint8Array([1, 2]))).toThrow(HostUnreachable);
});

test("a shell that fails is an engine that cannot be reached", async () => {
  shell.invoke.mockRejectedValue("the engine stopped");
  await expect(tauriHost().request("GET", "/api/v1/counters")).rejects.toThrow("the engine stopped");
});

test("the engine's refusal of a PDF keeps its code", async () => {
  shell.invoke.mockRejectedValue('{"code":"not_found","status":404,"detail":"gone"}');
  await expect(tauriHost().openPdf("/x", "x.pdf")).rejects.toBeInstanceOf(ResponseError);
});

test("a file that cannot be written says so, in the shell's words, and not that the screen failed", async () => {
  shell.invoke.mockRejectedValue("/mnt/PO-1-v1.pdf cannot be written: Permission denied (os error 13)");
  for (const failed of [tauriHost().saveFile("/x", "x.pdf"), tauriHost().openPdf("/x", "x.pdf")]) {
    const problem = asProblem(await failed.catch((error: unknown) => error));
    expect(problem.code).toBe("file.failed");
    expect(told(problem.message, classify(problem.code))).toBe(
      "/mnt/PO-1-v1.pdf cannot be written: Permission denied (os error 13). Choose another folder, close the program that has it open, or ask IT.",
    );
  }
});

test("subscribes again until the engine is there, and passes changes on", async () => {
  const messages: FeedMessage[] = [];
  let channel: { onmessage: (message: unknown) => void } | undefined;
  shell.invoke.mockRejectedValueOnce("starting").mockImplementation(async (_command, args) => {
    channel = args?.["channel"] as typeof channel;
  });
  const stop = tauriHost().subscribe((message) => messages.push(message));
  await vi.advanceTimersByTimeAsync(10);
  expect(messages).toEqual([{ type: "closed", reason: "starting" }]);
  await vi.advanceTimersByTimeAsync(1_000);
  const change = { id: 1, kind: "document", subject: "1", document: 1 };
  channel?.onmessage({ event: "change", data: change });
  channel?.onmessage({ event: "lagged" });
  stop();
  channel?.onmessage({ event: "lagged" });
  expect(messages.slice(1)).toEqual([{ type: "open", complete: true }, { type: "change", change }, { type: "lagged" }]);
});
