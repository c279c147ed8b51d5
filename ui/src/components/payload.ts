/**
 * Pretty-prints JSON without reading its values: numbers, strings and repeated names stay as they were written, byte
 * for byte, and the line of every JSON pointer is known, so that it can be marked.
 */

export interface Pretty {
  lines: string[];
  /** Pointer -> index of the line where its value begins. */
  at: ReadonlyMap<string, number>;
}

/** More lines are cut: nobody reads them on a screen, and the payload can be saved. */
const MAX_LINES = 20_000;
/** Deeper nesting is shown as it came. */
const MAX_DEPTH = 200;

const escape = (part: string) => part.replace(/~/g, "~0").replace(/\//g, "~1");
const TOKEN = /\s*("(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+)/y;
const SCALAR = /^(?:"|true$|false$|null$|-?\d)/;

class NotJson extends Error {}

/** Indents a JSON payload and remembers the line of every value. Not JSON: lines as they are, nothing to point at. */
export function pretty(payload: string): Pretty {
  try {
    return new Printer(payload).run();
  } catch (error) {
    if (!(error instanceof NotJson)) throw error;
    return { lines: payload.split(/\r?\n/).slice(0, MAX_LINES), at: new Map() };
  }
}

class Printer {
  private readonly lines: string[] = [];
  private readonly at = new Map<string, number>();
  private place = 0;

  constructor(private readonly text: string) {}

  run(): Pretty {
    this.value("", "", "", 0);
    if (this.peek() !== undefined) throw new NotJson();
    return { lines: this.lines.slice(0, MAX_LINES), at: this.at };
  }

  /** The next token without taking it. */
  private peek(): string | undefined {
    TOKEN.lastIndex = this.place;
    const match = TOKEN.exec(this.text);
    if (!match && this.text.slice(this.place).trim() !== "") throw new NotJson();
    return match?.[1];
  }

  private take(wanted?: string): string {
    const token = this.peek();
    if (token === undefined || (wanted !== undefined && token !== wanted)) throw new NotJson();
    this.place = TOKEN.lastIndex;
    return token;
  }

  /** Prints a value after `prefix`; a comma is added to its last line by the container. */
  private value(pointer: string, indent: string, prefix: string, depth: number): void {
    if (depth > MAX_DEPTH) throw new NotJson();
    this.at.set(pointer, this.lines.length);
    const token = this.take();
    if (token === "{" || token === "[") return this.container(token, pointer, indent, prefix, depth);
    if (!SCALAR.test(token)) throw new NotJson();
    this.lines.push(indent + prefix + token);
  }

  private container(open: "{" | "[", pointer: string, indent: string, prefix: string, depth: number): void {
    const close = open === "{" ? "}" : "]";
    if (this.peek() === close) {
      this.take();
      this.lines.push(indent + prefix + open + close);
      return;
    }
    this.lines.push(indent + prefix + open);
    for (let n = 0; ; n += 1) {
      let name = String(n);
      let label = "";
      if (open === "{") {
        const raw = this.take();
        if (!raw.startsWith('"')) throw new NotJson();
        this.take(":");
        label = `${raw}: `;
        name = unquote(raw);
      }
      this.value(`${pointer}/${escape(name)}`, `${indent}  `, label, depth + 1);
      const next = this.take();
      if (next === close) break;
      if (next !== ",") throw new NotJson();
      this.lines[this.lines.length - 1] += ",";
    }
    this.lines.push(indent + close);
  }
}

function unquote(raw: string): string {
  try {
    return String(JSON.parse(raw));
  } catch {
    throw new NotJson();
  }
}

/** The line of a pointer; of the nearest value around it when it leads to something that is missing. */
export function lineOf(pretty: Pretty, pointer: string): number | undefined {
  for (let rest = pointer; ; rest = rest.slice(0, rest.lastIndexOf("/"))) {
    const line = pretty.at.get(rest);
    if (line !== undefined) return line;
    if (!rest.includes("/")) return undefined;
  }
}
