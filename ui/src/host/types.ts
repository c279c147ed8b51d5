/** What a host gives the UI: requests to the engine's router, its change feed, and a way to hand files to the person. */

export interface HostResponse {
  status: number;
  mediaType: string;
  /** Text of JSON and other text bodies; empty for binary ones. */
  text: string;
  /** Binary bodies. */
  bytes?: Uint8Array<ArrayBuffer>;
}

export interface ChangeEvent {
  id: number;
  kind: string;
  subject: string;
  document?: number | null;
}

export type FeedMessage =
  /** Something changed: read it again. */
  | { type: "change"; change: ChangeEvent }
  /** Events were missed: read everything shown again. */
  | { type: "lagged" }
  /** The feed is open (again). `complete`: what changed since the page's first request is still to come. */
  | { type: "open"; complete?: boolean }
  /** The feed is gone; a new try follows by itself. */
  | { type: "closed"; reason: string };

export interface Host {
  readonly kind: "browser" | "desktop";
  request(method: string, path: string, body?: unknown): Promise<HostResponse>;
  /** Calls `on` for every message until the returned function is called. Reconnects by itself. */
  subscribe(on: (message: FeedMessage) => void): () => void;
  /** Shows a PDF of the API in the system's viewer (desktop) or in a tab of its own (browser). */
  openPdf(path: string, fileName: string): Promise<void>;
  /** Saves a PDF or a zip of the API where the person says. False when they changed their mind. */
  saveFile(path: string, fileName: string): Promise<boolean>;
  /** Hands text to the person as a file; only where the host can without a dialog of its own. */
  saveText?(content: string, fileName: string): void;
  /** A new access token, where the host has a person type one. */
  setToken?(token: string): void;
}

/** A file could not be saved or opened on this machine; the message says which and why. */
export class FileFailed extends Error {
  override name = "FileFailed";
}

/** The engine could not be reached at all. */
export class HostUnreachable extends Error {
  override name = "HostUnreachable";
}
