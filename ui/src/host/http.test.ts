import { describe, expect, test, vi } from "vitest";
import { httpHost, takeToken } from "./http";
import { type FeedMessage, HostUnreachable } from "./types";

const storage = (token?: string) => {
  const kept = new Map<string, string>(token ? [["countersign.token", token]] : []);
  return { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value) };
};

function stream(...chunks: string[]): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(encoder.encode(chunk));
      controller.close();
    },
  });
  return new Response(body, { status: 200 });
}

/** A stream that stays open until it is aborted. */
function open(signal: AbortSignal, ...chunks: string[]): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(encoder.encode(chunk));
      signal.addEventListener("abort", () => controller.error(new DOMException("aborted", "AbortError")));
    },
  });
  return new Response(body, { status: 200 });
}

const change = (id: number) => `id: ${id}\nevent: change\ndata: {"id":${id},"kind":"document","subject":"${id}"}\n\n`;

describe("the token", () => {
  test("is taken out of the address and kept", () => {
    const kept = storage();
    const history = { replaceState: vi.fn() };
    takeToken({ hash: "#token=a%2Bb", pathname: "/", search: "" }, history, kept);
    expect(kept.getItem("countersign.token")).toBe("a+b");
    expect(history.replaceState).toHaveBeenCalledWith(null, "", "/");
  });

  test("leaves a route alone", () => {
    const history = { replaceState: vi.fn() };
    takeToken({ hash: "#/documents/1", pathname: "/", search: "" }, history, storage());
    expect(history.replaceState).not.toHaveBeenCalled();
  });

  test("goes along as a bearer token", async () => {
    const doFetch = vi.fn(async () => new Response("{}", { headers: { "content-type": "application/json" } }));
    await httpHost({ fetch: doFetch as typeof fetch, storage: storage("secret") }).request("POST", "/api/v1/x", { a: 1 });
    const [, init] = doFetch.mock.calls[0] as unknown as [string, RequestInit];
    expect(init.headers).toEqual({ Authorization: "Bearer secret", "Content-Type": "application/json" });
    expect(init.body).toBe('{"a":1}');
  });
});

test("an engine that does not answer is told apart from one that refuses", async () => {
  const down = httpHost({ fetch: () => Promise.reject(new TypeError("refused")), storage: storage() });
  await expect(down.request("GET", "/")).rejects.toBeInstanceOf(HostUnreachable);
  const refuses = httpHost({
    fetch: async () => new Response('{"code":"conflict"}', { status: 409, headers: { "content-type": "application/problem+json" } }),
    storage: storage(),
  });
  expect((await refuses.request("GET", "/")).status).toBe(409);
});

test("a PDF comes as bytes", async () => {
  const doFetch = async () => new Response(new Uint8Array([37, 80, 68, 70]), { headers: { "content-type": "application/pdf" } });
  const answer = await httpHost({ fetch: doFetch, storage: storage() }).request("GET", "/print");
  expect([...(answer.bytes ?? [])]).toEqual([37, 80, 68, 70]);
});

describe("the change feed", () => {
  async function run(answers: ((init: RequestInit) => Response | Promise<Response>)[], count: number) {
    const messages: FeedMessage[] = [];
    const asked: (string | undefined)[] = [];
    const waits: number[] = [];
    await new Promise<void>((done) => {
      const host = httpHost({
        storage: storage("t"),
        fetch: async (_url, init = {}) => {
          asked.push((init.headers as Record<string, string>)["Last-Event-ID"]);
          const answer = answers[asked.length - 1];
          if (!answer) return new Promise<Response>(() => undefined);
          return answer(init);
        },
        wait: async (ms) => void waits.push(ms),
        silenceMs: 200,
      });
      const stop = host.subscribe((message) => {
        messages.push(message);
        if (messages.length === count) {
          stop();
          done();
        }
      });
    });
    return { messages, asked, waits };
  }

  test("resumes after the last event that it saw", async () => {
    const { messages, asked } = await run([() => stream(change(4), change(5)), () => stream(change(6))], 6);
    expect(messages.map((one) => one.type)).toEqual(["open", "change", "change", "closed", "open", "change"]);
    expect(asked.slice(0, 2)).toEqual([undefined, "5"]);
  });

  test("waits longer after each failure, and shortly again after it was open", async () => {
    const down = () => Promise.reject(new TypeError("down"));
    const { waits } = await run([down, down, down, () => stream(), () => stream()], 7);
    expect(waits.slice(0, 4)).toEqual([500, 1000, 2000, 500]);
  });

  test("says when events were missed", async () => {
    const { messages } = await run([() => stream("event: lagged\ndata: 12\n\n")], 2);
    expect(messages[1]).toEqual({ type: "lagged" });
  });

  test("a refused subscription is a closed one", async () => {
    const { messages } = await run([() => new Response("", { status: 401 })], 1);
    expect(messages[0]).toMatchObject({ type: "closed" });
  });

  test("a silent connection is dropped", async () => {
    const { messages } = await run([(init) => open(init.signal as AbortSignal, change(1))], 3);
    expect(messages.map((one) => one.type)).toEqual(["open", "change", "closed"]);
  });
});
