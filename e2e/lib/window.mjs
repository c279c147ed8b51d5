// The desktop program in a real window: Xvfb, a session bus of its own, tauri-driver and WebKitWebDriver.
import { createServer } from "node:net";
import { join } from "node:path";
import { once } from "node:events";
import { Page } from "./page.mjs";
import { artifacts, desktop, scratch, tauriDriver, webkitDriver } from "./places.mjs";
import { says, start, stop } from "./processes.mjs";
import { until } from "./wait.mjs";
import { WebDriver } from "./webdriver.mjs";

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** A screen and a session bus. The desktop program finds both in `env`. */
export async function startScreen() {
  const dir = artifacts("window");
  const log = join(dir, "screen.log");
  const args = ["-displayfd", "1", "-screen", "0", "1440x900x24", "-nolisten", "tcp"];
  const xvfb = start("Xvfb", args, { log });
  const bus = start("dbus-daemon", ["--session", "--nofork", "--print-address=1"], { log });
  const [, display] = await says(xvfb, /^(\d+)$/);
  const [address] = await says(bus, /^unix:.*/);
  const home = scratch("home");
  const env = {
    DISPLAY: `:${display}`,
    DBUS_SESSION_BUS_ADDRESS: address,
    NO_AT_BRIDGE: "1",
    GDK_BACKEND: "x11",
    // The driver takes pictures only of what is composed, also where there is no graphics card.
    WEBKIT_DISABLE_COMPOSITING_MODE: "0",
    // Nothing of the person who runs the tests is read or written.
    HOME: home,
    XDG_CONFIG_HOME: join(home, "config"),
    XDG_DATA_HOME: join(home, "data"),
    XDG_CACHE_HOME: join(home, "cache"),
    LANG: "C.UTF-8",
  };
  return {
    env,
    dir,
    async stop() {
      await stop(bus);
      await stop(xvfb);
    },
  };
}

/** Opens the window on the data of `home`. One at a time: a driver serves one session. */
export async function openWindow(screen, home, more = []) {
  const port = await freePort();
  const native = await freePort();
  const save = join(home, "saved");
  // In a group of its own: an orphaned WebKitWebDriver would block every later session.
  const driver = start(
    tauriDriver,
    ["--port", String(port), "--native-port", String(native), "--native-driver", webkitDriver],
    { env: screen.env, log: join(screen.dir, "driver.log") },
  );
  const base = `http://127.0.0.1:${port}`;
  try {
    await until("the driver listens", async () => (await fetch(`${base}/status`)).status < 500);
    const args = ["--data-dir", join(home, "data"), "--partners-dir", join(home, "partners"), "--save-dir", save];
    const session = await WebDriver.open(base, {
      browserName: "wry",
      "tauri:options": { application: desktop, args: [...args, ...more] },
    });
    return {
      page: new Page(session, screen.dir),
      save,
      args,
      async close() {
        await session.close().catch(() => {});
        await stop(driver);
      },
    };
  } catch (error) {
    await stop(driver);
    throw error;
  }
}
