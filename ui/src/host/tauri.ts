/** The engine in the same process: the desktop shell. */

import { Channel, invoke } from "@tauri-apps/api/core";
import { ResponseError, isText } from "./http";
import { type ChangeEvent, type FeedMessage, FileFailed, type Host, type HostResponse, HostUnreachable } from "./types";

/** What the shell's channel carries: an event of the feed. */
interface ShellMessage {
  event: string;
  data?: ChangeEvent;
}

const NEW_LINE = 10;
/** The engine may still be starting when the page is there already. */
const AGAIN_MS = 1_000;

/** One line of JSON with status and media type, then the body as the engine wrote it. */
export function unframe(bytes: Uint8Array<ArrayBuffer>): HostResponse {
  const end = bytes.indexOf(NEW_LINE);
  if (end < 0) throw new HostUnreachable("the shell's answer has no head");
  const decoder = new TextDecoder();
  const head = JSON.parse(decoder.decode(bytes.subarray(0, end))) as { status: number; mediaType: string };
  const body = bytes.subarray(end + 1);
  if (isText(head.mediaType)) return { ...head, text: decoder.decode(body) };
  return { ...head, text: "", bytes: body.slice() };
}

export function tauriHost(): Host {
  return {
    kind: "desktop",
    async request(method, path, body): Promise<HostResponse> {
      let answer: ArrayBuffer | number[];
      try {
        const text = body === undefined ? null : JSON.stringify(body);
        answer = await invoke<ArrayBuffer | number[]>("request", { method, path, body: text });
      } catch (error) {
        throw new HostUnreachable(String(error));
      }
      return unframe(new Uint8Array(answer));
    },
    subscribe(on: (message: FeedMessage) => void) {
      let stopped = false;
      let again: ReturnType<typeof setTimeout> | undefined;
      const open = () => {
        const channel = new Channel<ShellMessage>();
        channel.onmessage = (message) => {
          if (stopped) return;
          if (message.event === "lagged") on({ type: "lagged" });
          else if (message.event === "change" && message.data) on({ type: "change", change: message.data });
        };
        invoke("subscribe", { channel }).then(
          () => stopped || on({ type: "open", complete: true }),
          (error: unknown) => {
            if (stopped) return;
            on({ type: "closed", reason: String(error) });
            again = setTimeout(open, AGAIN_MS);
          },
        );
      };
      open();
      return () => {
        stopped = true;
        clearTimeout(again);
      };
    },
    async openPdf(path, fileName) {
      await invoke("open_pdf", { path, fileName }).catch(refused);
    },
    async saveFile(path, fileName) {
      return (await invoke<boolean | null>("save_file", { path, fileName }).catch(refused)) !== false;
    },
  };
}

/** The engine's problem document where it refused, the shell's own sentence where something else went wrong. */
function refused(error: unknown): never {
  const text = String(error);
  if (!text.startsWith("{")) throw new FileFailed(text);
  const { status } = JSON.parse(text) as { status: number };
  throw new ResponseError({ status, mediaType: "application/problem+json", text });
}
