// Prism serves published descriptions, each on a free port of loopback, from one process (starting Prism takes longer
// than all that is asked of it). `node prism.mjs NAME…`, or all of them. Prints {"urls": {NAME: url}} when they listen;
// ends when its standard input closes. `GET /.violations` tells what Prism found wrong with requests and with its own
// examples since it was last asked.
import { getHttpOperationsFromSpec } from '@stoplight/prism-http';
import { createServer } from '@stoplight/prism-http-server';
import { descriptions } from './descriptions.mjs';

const silent = { info() {}, warn() {}, error() {}, debug() {}, trace() {}, success() {}, start() {}, child: () => silent };

async function serve(description) {
  const operations = await getHttpOperationsFromSpec(description);
  const config = {
    isProxy: false, validateRequest: true, validateResponse: true, checkSecurity: true, errors: false,
    upstreamProxy: undefined, mock: { dynamic: false, ignoreExamples: false },
  };
  const server = createServer(operations, { cors: false, config, components: { logger: silent } });
  return server.listen(0, '127.0.0.1');
}

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(descriptions);
const urls = {};
for (const name of names) urls[name] = await serve(descriptions[name]());
console.log(JSON.stringify({ urls }));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
