/** The engine over HTTP: `countersign serve` in a browser. */

import { eventParser } from "./sse";
import { type ChangeEvent, type FeedMessage, type Host, type HostResponse, HostUnreachable } from "./types";

const TOKEN_KEY = "countersign.token";
const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 15_000;
/** The engine sends a comment more often than this; silence means that the connection is dead. */
const SILENCE_MS = 60_000;

export interface HttpHostOptions {
  base?: string;
  fetch?: typeof fetch;
  storage?: Pick<Storage, "getItem" | "setItem">;
  wait?: (ms: number, signal: AbortSignal) => Promise<void>;
  silenceMs?: number;
}

/** Takes the token out of the address (`#token=…`), so that it is in no history and no screenshot. */
export function takeToken(
  location: Pick<Location, "hash" | "pathname" | "search">,
  history: Pick<History, "replaceState">,
  storage: Pick<Storage, "setItem">,
): void {
  const match = /^#token=([^&]+)(?:&(.*))?$/.exec(location.hash);
  if (!match?.[1]) return;
  storage.setItem(TOKEN_KEY, decodeURIComponent(match[1]));
  const rest = match[2] ? `#${match[2]}` : "";
  history.replaceState(null, "", location.pathname + location.search + rest);
}

export function httpHost(options: HttpHostOptions = {}): Host {
  const base = options.base ?? "";
  const doFetch = options.fetch ?? ((input, init) => fetch(input, init));
  const storage = options.storage ?? sessionStorage;
  const wait = options.wait ?? sleep;
  const silenceMs = options.silenceMs ?? SILENCE_MS;

  const headers = (): Record<string, string> => {
    const token = storage.getItem(TOKEN_KEY);
    return token ? { Authorization: `Bearer ${token}` } : {};
  };

  const send = async (method: string, path: string, extra: Pick<RequestInit, "body" | "headers" | "signal"> = {}) => {
    try {
      return await doFetch(base + path, {
        ...extra,
        method,
        cache: "no-store",
        headers: { ...headers(), ...(extra.headers as Record<string, string> | undefined) },
      });
    } catch (error) {
      throw new HostUnreachable(error instanceof Error ? error.message : String(error));
    }
  };

  const request = async (method: string, path: string, body?: unknown): Promise<HostResponse> => {
    const json = { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
    const response = await send(method, path, body === undefined ? {} : json);
    const mediaType = response.headers.get("content-type")?.split(";")[0]?.trim() ?? "";
    if (isText(mediaType)) {
      return { status: response.status, mediaType, text: await response.text() };
    }
    const bytes = new Uint8Array(await response.arrayBuffer());
    return { status: response.status, mediaType, text: "", bytes };
  };

  const file = async (path: string, mediaType?: string): Promise<string> => {
    const response = await request("GET", path);
    if (response.status !== 200) throw responseError(response);
    return URL.createObjectURL(new Blob([response.bytes ?? response.text], { type: mediaType ?? response.mediaType }));
  };

  return {
    kind: "browser",
    request,
    setToken: (token) => storage.setItem(TOKEN_KEY, token),
    subscribe: (on) => subscribe(on, { send, wait, silenceMs }),
    async openPdf(path) {
      // Opened before the answer is there: a window opened later counts as a pop-up.
      const tab = window.open("", "_blank");
      try {
        const url = await file(path, "application/pdf");
        if (tab) tab.location.href = url;
        else window.location.href = url;
        setTimeout(() => URL.revokeObjectURL(url), 60_000);
      } catch (error) {
        tab?.close();
        throw error;
      }
    },
    async saveFile(path, fileName) {
      download(await file(path), fileName);
      return true;
    },
    saveText(content, fileName) {
      download(URL.createObjectURL(new Blob([content], { type: "application/octet-stream" })), fileName);
    },
  };
}

/** A refused request as the client's error table wants it. */
export class ResponseError extends Error {
  constructor(readonly response: HostResponse) {
    super(`the engine answered ${response.status}`);
  }
}

function responseError(response: HostResponse): ResponseError {
  return new ResponseError(response);
}

function download(url: string, fileName: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = fileName;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

export function isText(mediaType: string): boolean {
  return /^text\/|[/+]json$|[/+]xml$/.test(mediaType) || mediaType === "";
}

interface Feed {
  send(method: string, path: string, extra: Pick<RequestInit, "headers" | "signal">): Promise<Response>;
  wait(ms: number, signal: AbortSignal): Promise<void>;
  silenceMs: number;
}

/** Reads `/events` with fetch (EventSource sends no headers), resumes after the last id, and waits longer after each failure. */
function subscribe(on: (message: FeedMessage) => void, feed: Feed): () => void {
  const stop = new AbortController();
  let lastId: string | undefined;
  let waitMs = FIRST_WAIT_MS;

  const once = async () => {
    const attempt = new AbortController();
    const abort = () => attempt.abort();
    stop.signal.addEventListener("abort", abort);
    let watchdog = setTimeout(abort, feed.silenceMs);
    try {
      const headers: Record<string, string> = lastId === undefined ? {} : { "Last-Event-ID": lastId };
      const response = await feed.send("GET", "/api/v1/events", { headers, signal: attempt.signal });
      if (response.status !== 200 || !response.body) throw new Error(`events: status ${response.status}`);
      on({ type: "open" });
      waitMs = FIRST_WAIT_MS;
      const parse = eventParser((event) => {
        if (event.id !== undefined) lastId = event.id;
        if (event.retry !== undefined) waitMs = Math.min(event.retry, MAX_WAIT_MS);
        if (event.event === "lagged") on({ type: "lagged" });
        else if (event.event === "change") on({ type: "change", change: JSON.parse(event.data) as ChangeEvent });
      });
      const reader = response.body.getReader();
      const decoder = new TextDecoder();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) throw new Error("the engine closed the stream");
        clearTimeout(watchdog);
        watchdog = setTimeout(abort, feed.silenceMs);
        parse(decoder.decode(value, { stream: true }));
      }
    } finally {
      clearTimeout(watchdog);
      stop.signal.removeEventListener("abort", abort);
    }
  };

  void (async () => {
    while (!stop.signal.aborted) {
      try {
        await once();
      } catch (error) {
        if (stop.signal.aborted) return;
        on({ type: "closed", reason: error instanceof Error ? error.message : String(error) });
        await feed.wait(waitMs, stop.signal);
        waitMs = Math.min(waitMs * 2, MAX_WAIT_MS);
      }
    }
  })();
  return () => stop.abort();
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
