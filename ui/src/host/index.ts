import { httpHost, takeToken } from "./http";
import { tauriHost } from "./tauri";
import type { Host } from "./types";

export type { ChangeEvent, FeedMessage, Host, HostResponse } from "./types";
export { HostUnreachable } from "./types";
export { ResponseError } from "./http";

function choose(): Host {
  if ("__TAURI_INTERNALS__" in window) return tauriHost();
  takeToken(window.location, window.history, sessionStorage);
  return httpHost();
}

let chosen: Host | undefined;

/** The host that this page runs in. */
export function host(): Host {
  chosen ??= choose();
  return chosen;
}

/** Tests bring a host of their own. */
export function setHost(value: Host): void {
  chosen = value;
}
