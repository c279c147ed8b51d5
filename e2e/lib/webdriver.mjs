// As much of W3C WebDriver as the tests need.

/** Keys that are not text, by the names that Playwright uses too. */
const KEYS = {
  Control: "\uE009",
  Shift: "\uE008",
  Alt: "\uE00A",
  Enter: "\uE007",
  Escape: "\uE00C",
  Tab: "\uE004",
  Backspace: "\uE003",
  ArrowDown: "\uE015",
  ArrowUp: "\uE013",
  ArrowLeft: "\uE012",
  ArrowRight: "\uE014",
  Space: " ",
};

const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

export class WebDriver {
  constructor(base, session) {
    this.base = `${base}/session/${session}`;
  }

  static async open(base, capabilities) {
    const { sessionId } = await send("POST", `${base}/session`, { capabilities: { alwaysMatch: capabilities } });
    return new WebDriver(base, sessionId);
  }

  close() {
    return send("DELETE", this.base);
  }

  /** Runs a function in the page and gives what it returns. */
  js(fn, ...args) {
    return send("POST", `${this.base}/execute/sync`, { script: `return (${fn}).apply(null, arguments)`, args });
  }

  /** Runs an async function in the page. */
  async jsAsync(fn, ...args) {
    const script = `const done = arguments[arguments.length - 1];
      (${fn}).apply(null, Array.prototype.slice.call(arguments, 0, -1)).then((v) => done({ v }), (e) => done({ e: String(e) }))`;
    const { v, e } = await send("POST", `${this.base}/execute/async`, { script, args });
    if (e) throw new Error(e);
    return v;
  }

  async element(selector) {
    const found = await send("POST", `${this.base}/element`, { using: "css selector", value: selector });
    return found[ELEMENT];
  }

  async click(selector) {
    const id = await this.element(selector);
    await send("POST", `${this.base}/element/${id}/click`, {});
  }

  /** Presses and lets go a chord such as `Control+Enter`. */
  async press(chord) {
    const keys = chord.split("+").map((name) => KEYS[name] ?? name);
    const actions = [
      ...keys.map((value) => ({ type: "keyDown", value })),
      ...keys.toReversed().map((value) => ({ type: "keyUp", value })),
    ];
    await send("POST", `${this.base}/actions`, { actions: [{ type: "key", id: "keyboard", actions }] });
  }

  async type(text) {
    const actions = [...text].flatMap((value) => [
      { type: "keyDown", value },
      { type: "keyUp", value },
    ]);
    await send("POST", `${this.base}/actions`, { actions: [{ type: "key", id: "keyboard", actions }] });
  }

  async screenshot() {
    return Buffer.from(await send("GET", `${this.base}/screenshot`), "base64");
  }
}

async function send(method, url, body) {
  const answer = await fetch(url, { method, body: body === undefined ? undefined : JSON.stringify(body) });
  const { value } = await answer.json();
  if (!answer.ok) {
    const error = new Error(`${value?.error}: ${value?.message}`);
    error.code = value?.error;
    throw error;
  }
  return value;
}
