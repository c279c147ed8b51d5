import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import { createElement, type ReactNode } from "react";
import type { Host } from "../src/host";
import type { FeedMessage, HostResponse } from "../src/host/types";
import { setHost } from "../src/host";
import { ActionsProvider } from "../src/app/actions";

export interface Call {
  method: string;
  path: string;
  body: unknown;
}

/** What a path answers: a value (status 200), or a problem with a status. */
export type Answer = unknown | { problem: { status: number; code: string; detail?: string; data?: unknown } };

/** An engine of the test: the first route whose key the `METHOD /path` begins with answers. */
export function fakeEngine(routes: Record<string, Answer | ((call: Call) => Answer)>) {
  const calls: Call[] = [];
  let listener: (message: FeedMessage) => void = () => undefined;
  const host: Host = {
    kind: "browser",
    async request(method, path, body): Promise<HostResponse> {
      const call = { method, path: path.replace("/api/v1", ""), body };
      calls.push(call);
      const line = `${method} ${call.path}`;
      const key = Object.keys(routes)
        .filter((one) => line.startsWith(one))
        .sort((a, b) => b.length - a.length)[0];
      if (key === undefined) return { status: 404, mediaType: "application/problem+json", text: JSON.stringify({ code: "not_found", detail: line }) };
      const route = routes[key];
      const answer = typeof route === "function" ? (route as (call: Call) => Answer)(call) : route;
      if (answer && typeof answer === "object" && "problem" in answer) {
        const problem = (answer as { problem: { status: number } }).problem;
        return { status: problem.status, mediaType: "application/problem+json", text: JSON.stringify(problem) };
      }
      return { status: 200, mediaType: "application/json", text: JSON.stringify(answer) };
    },
    subscribe(on) {
      listener = on;
      on({ type: "open" });
      return () => undefined;
    },
    openPdf: async () => undefined,
    saveFile: async () => true,
  };
  setHost(host);
  return { calls, host, emit: (message: FeedMessage) => listener(message) };
}

export function show(element: ReactNode) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Infinity, networkMode: "always" }, mutations: { networkMode: "always" } } });
  return {
    client,
    ...render(createElement(QueryClientProvider, { client }, createElement(ActionsProvider, null, element))),
  };
}
