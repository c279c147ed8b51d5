/** Routes live behind the `#`, so that the desktop, a browser and a bookmark work the same. */

import { useSyncExternalStore } from "react";
import type { DocumentView } from "../api/types";

export type Tab = "lines" | "versions" | "history" | "delivery";
export type Route =
  | { name: "list"; view: DocumentView }
  | { name: "document"; id: number; tab: Tab; version: number | undefined }
  | { name: "answer"; id: number }
  | { name: "change"; id: number }
  | { name: "despatch"; id: number }
  | { name: "newOrder"; from: number | undefined }
  | { name: "queue"; operation: string | undefined }
  | { name: "quarantine"; id: number | undefined }
  | { name: "partners" }
  | { name: "health" }
  | { name: "configuration"; id: string };

const TABS: readonly Tab[] = ["lines", "versions", "history", "delivery"];
const VIEWS: Record<string, DocumentView> = { answer: "needsAnswer", delivery: "inDelivery", all: "all" };

export function parseRoute(hash: string): Route {
  const [path = "", search = ""] = hash.replace(/^#\/?/, "").split("?");
  const [head, second, third] = path.split("/");
  const params = new URLSearchParams(search);
  const id = /^\d+$/.test(second ?? "") ? Number(second) : undefined;
  if (head === "documents" && id !== undefined) {
    if (third === "answer" || third === "change" || third === "despatch") return { name: third, id };
    const tab = TABS.find((one) => one === third) ?? "lines";
    const version = Number(params.get("v"));
    return { name: "document", id, tab, version: version > 0 ? version : undefined };
  }
  if (head === "orders" && second === "new") {
    const from = Number(params.get("from"));
    return { name: "newOrder", from: from > 0 ? from : undefined };
  }
  if (head === "queue") return { name: "queue", operation: second || undefined };
  if (head === "quarantine") return { name: "quarantine", id };
  if (head === "health") return { name: "health" };
  if (head === "partners") return second ? { name: "configuration", id: decodeURIComponent(second) } : { name: "partners" };
  return { name: "list", view: VIEWS[second ?? ""] ?? "needsAnswer" };
}

export function href(route: Route): string {
  switch (route.name) {
    case "list": {
      const view = Object.entries(VIEWS).find(([, view]) => view === route.view)?.[0] ?? "answer";
      return `#/list/${view}`;
    }
    case "document": {
      const tab = route.tab === "lines" ? "" : `/${route.tab}`;
      return `#/documents/${route.id}${tab}${route.version === undefined ? "" : `?v=${route.version}`}`;
    }
    case "answer":
    case "change":
    case "despatch":
      return `#/documents/${route.id}/${route.name}`;
    case "newOrder":
      return route.from === undefined ? "#/orders/new" : `#/orders/new?from=${route.from}`;
    case "queue":
      return route.operation ? `#/queue/${route.operation}` : "#/queue";
    case "quarantine":
      return route.id === undefined ? "#/quarantine" : `#/quarantine/${route.id}`;
    case "partners":
      return "#/partners";
    case "health":
      return "#/health";
    case "configuration":
      return `#/partners/${encodeURIComponent(route.id)}`;
  }
}

export function go(route: Route, how: "push" | "replace" = "push"): void {
  const target = href(route);
  if (how === "replace") {
    history.replaceState(null, "", target);
    window.dispatchEvent(new HashChangeEvent("hashchange"));
  } else {
    window.location.hash = target;
  }
}

export const openDocument = (id: number): Route => ({ name: "document", id, tab: "lines", version: undefined });

let parsed: { hash: string; route: Route } | undefined;
export function currentRoute(): Route {
  const hash = window.location.hash;
  if (parsed?.hash !== hash) parsed = { hash, route: parseRoute(hash) };
  return parsed.route;
}

export function useRoute(): Route {
  return useSyncExternalStore((changed) => {
    window.addEventListener("hashchange", changed);
    return () => window.removeEventListener("hashchange", changed);
  }, currentRoute);
}
