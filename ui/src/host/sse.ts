/** Parser of a server-sent event stream (WHATWG HTML, 9.2.6), fed in pieces of any size. */

export interface ServerEvent {
  event: string;
  data: string;
  id: string | undefined;
  retry: number | undefined;
}

/** No event of ours is longer; a stream that is has something wrong with it. */
const MAX_BUFFER_CHARS = 1_000_000;

export function eventParser(on: (event: ServerEvent) => void): (chunk: string) => void {
  let buffer = "";
  let event = "";
  let data: string[] = [];
  let id: string | undefined;
  let retry: number | undefined;

  const dispatch = () => {
    if (data.length > 0 || event !== "" || retry !== undefined) {
      on({ event: event || "message", data: data.join("\n"), id, retry });
    }
    event = "";
    data = [];
    retry = undefined;
  };

  const line = (text: string) => {
    if (text === "") return dispatch();
    if (text.startsWith(":")) return;
    const colon = text.indexOf(":");
    const field = colon < 0 ? text : text.slice(0, colon);
    let value = colon < 0 ? "" : text.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "event") event = value;
    else if (field === "data") data.push(value);
    else if (field === "id" && !value.includes("\0")) id = value;
    else if (field === "retry" && /^\d+$/.test(value)) retry = Number(value);
  };

  return (chunk) => {
    buffer += chunk;
    if (buffer.length > MAX_BUFFER_CHARS) throw new Error("an event is longer than a megabyte");
    for (;;) {
      const end = buffer.search(/\r\n|\n|\r/);
      // A lone \r at the end may be the first half of \r\n.
      if (end < 0 || (buffer[end] === "\r" && end === buffer.length - 1)) return;
      const text = buffer.slice(0, end);
      buffer = buffer.slice(end + (buffer.startsWith("\r\n", end) ? 2 : 1));
      line(text);
    }
  };
}
