// Prism serves published descriptions, each on a free port of loopback, from one process (starting Prism takes longer
// than all that is asked of it). `node prism.mjs NAME…`, or all of them. Prints {"urls": {NAME: url}} when they listen;
// ends when its standard input closes. `GET /.asked` tells what was asked of that one, and what Prism said to it.
import { createServer as createHttp, request as requestHttp } from 'node:http';
import { once } from 'node:events';
import { getHttpOperationsFromSpec } from '@stoplight/prism-http';
import { createServer } from '@stoplight/prism-http-server';
import { descriptions } from './descriptions.mjs';

const silent = { info() {}, warn() {}, error() {}, debug() {}, trace() {}, success() {}, start() {}, child: () => silent };

async function prism(description) {
  const operations = await getHttpOperationsFromSpec(description);
  const config = {
    isProxy: false, validateRequest: true, validateResponse: true, checkSecurity: true, errors: false,
    upstreamProxy: undefined, mock: { dynamic: false, ignoreExamples: false },
  };
  return createServer(operations, { cors: false, config, components: { logger: silent } }).listen(0, '127.0.0.1');
}

async function whole(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** In front of Prism: passes everything on, and keeps it. */
async function recorded(url) {
  const asked = [];
  const server = createHttp(async (request, response) => {
    if (request.url === '/.asked') return response.setHeader('content-type', 'application/json').end(JSON.stringify(asked));
    const { method, url: path, headers } = request;
    const body = await whole(request);
    const passed = requestHttp(`${url}${path}`, { method, headers }).end(body);
    const [answer] = await once(passed, 'response');
    const said = await whole(answer);
    asked.push({ method, path, headers, body: body.toString(), status: answer.statusCode, said: said.toString() });
    return response.writeHead(answer.statusCode, answer.headers).end(said);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${server.address().port}`;
}

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(descriptions);
const urls = {};
for (const name of names) urls[name] = await recorded(await prism(descriptions[name]()));
console.log(JSON.stringify({ urls }));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
