// Stands between the engine and the sandbox partner and plants markup in the texts of chosen orders.
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { join } from "node:path";

export const PLANTED =
  '<img src="x" onerror="window.planted=1"><script>window.planted=2</script><b>steel</b> {{7*7}} javascript:alert(1)';

/** Starts the proxy and points the partner's configuration at it. */
export async function plantMarkup(sandbox) {
  const server = createServer(async (request, response) => {
    try {
      const body = [];
      for await (const piece of request) body.push(piece);
      const { host, connection, ...headers } = request.headers;
      const answer = await fetch(sandbox.url + request.url, {
        method: request.method,
        headers: { ...headers, "accept-encoding": "identity" },
        body: body.length > 0 ? Buffer.concat(body) : undefined,
        redirect: "manual",
      });
      let text = await answer.text();
      if (request.method === "GET" && request.url.startsWith("/api/purchase-orders?")) text = plant(text);
      const kept = Object.fromEntries([...answer.headers].filter(([name]) => !/length|encoding|connection/.test(name)));
      response.writeHead(answer.status, kept).end(text);
    } catch {
      response.destroy();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const file = join(sandbox.partners, "sandbox.json");
  const own = `http://127.0.0.1:${server.address().port}`;
  writeFileSync(file, readFileSync(file, "utf8").replaceAll(sandbox.url, own));
  return {
    stop: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** In the first line's text and the buyer's name of every order with seven lines. */
function plant(text) {
  const page = JSON.parse(text);
  for (const item of page.items ?? []) {
    if (item.lines?.length === 7) {
      item.lines[0].description = PLANTED;
      if (item.buyer) item.buyer.name = PLANTED;
    }
  }
  return JSON.stringify(page);
}
