// What a test does with the screen, the same for the window and for the browser.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "./wait.mjs";

/** The handle of an element: `data-testid`, with further `data-` attributes. See ui/README.md. */
export function by(id, attributes = {}) {
  const rest = Object.entries(attributes).map(([name, value]) => `[data-${name}="${value}"]`);
  return `[data-testid="${id}"]${rest.join("")}`;
}

/** Errors that go away when the screen has settled. */
const PASSING = /stale|no such element|not interactable|intercepted|not attached|not visible|Timeout/i;

export class Page {
  /** `driver` offers js, click, press, type and screenshot. */
  constructor(driver, dir) {
    this.driver = driver;
    this.dir = dir;
  }

  js(fn, ...args) {
    return this.driver.js(fn, ...args);
  }

  press(chord) {
    return this.driver.press(chord);
  }

  count(selector) {
    return this.js((s) => document.querySelectorAll(s).length, selector);
  }

  text(selector) {
    return this.js((s) => document.querySelector(s)?.textContent ?? null, selector);
  }

  /** Waits until the element is there. */
  see(selector, patience) {
    return this.until(`${selector} on the screen`, () => this.count(selector), patience);
  }

  gone(selector, patience) {
    return this.until(`${selector} gone from the screen`, async () => (await this.count(selector)) === 0, patience);
  }

  /** As `until`; leaves a picture of what was there instead. */
  async until(what, look, patience) {
    try {
      return await until(what, look, patience);
    } catch (error) {
      this.failures = (this.failures ?? 0) + 1;
      await this.shot(`failure-${this.failures}`).catch(() => {});
      throw error;
    }
  }

  /** Clicks as a person does: where the element is, once it can be clicked. */
  async click(selector) {
    await this.see(selector);
    await this.until(`a click on ${selector}`, async () => {
      try {
        await this.driver.click(selector);
        return true;
      } catch (error) {
        if (PASSING.test(`${error.code} ${error.message}`)) return false;
        throw error;
      }
    });
  }

  /** Replaces what is in an input by typing. */
  async fill(selector, text) {
    await this.click(selector);
    await this.press("Control+a");
    await this.driver.type(text);
    const value = await this.js((s) => document.querySelector(s).value, selector);
    if (value !== text) throw new Error(`${selector} holds "${value}" after "${text}" was typed`);
  }

  /** Chooses in a select. */
  select(selector, value) {
    return this.js(
      (s, v) => {
        const select = document.querySelector(s);
        const set = Object.getOwnPropertyDescriptor(HTMLSelectElement.prototype, "value").set;
        set.call(select, v);
        select.dispatchEvent(new Event("change", { bubbles: true }));
        return select.value;
      },
      selector,
      value,
    );
  }

  /** Goes to the work list and opens a document, by keyboard as a clerk would. */
  async open(number) {
    const row = by("document-row", { number });
    await this.js(() => document.activeElement?.blur?.());
    await this.click(by("nav-needsAnswer"));
    await this.see(row);
    await this.click(row);
    await this.press("Enter");
    await this.see(by("document", { number }));
  }

  delivery(state) {
    return this.see(by("delivery-state", { state }));
  }

  async theme(theme) {
    await this.js((t) => document.documentElement.setAttribute("data-theme", t), theme);
  }

  /** A picture of the screen as it is now, after it was painted. */
  async shot(name) {
    await this.driver.jsAsync(
      () =>
        new Promise((done) => {
          let frames = 3;
          const next = () => (frames-- > 0 ? requestAnimationFrame(next) : done(true));
          next();
        }),
    );
    writeFileSync(join(this.dir, `${name}.png`), await this.driver.screenshot());
  }

  /** The same screen in both themes. */
  async shots(name) {
    for (const theme of ["dark", "light"]) {
      await this.theme(theme);
      await this.shot(`${name}-${theme}`);
    }
  }
}
