// Prism serves the published Amazon Vendor descriptions on a free port of loopback: orders and transaction status in
// one document, as one partner has them. Prints {"url": …} when it listens; ends when its standard input closes.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const read = (name) => JSON.parse(readFileSync(join(here, '../../configs/partners/amazon-vendor', name), 'utf8'));
const orders = read('vendorOrders.json');
const transactions = read('vendorTransactionStatus.json');

// The published example of a transaction is one that still runs. Two concrete paths beside it have ended.
// The description's own example of a page lacks the "payload" that its schema has; the published sandbox answer has it.
const page = JSON.parse(readFileSync(join(here, '../../fixtures/peers/amazon-sp/getPurchaseOrders.200.0.response.json'), 'utf8'));
orders.paths['/vendor/orders/v1/purchaseOrders'].get.responses['200'].examples = { 'application/json': page };

const [template, description] = Object.entries(transactions.paths)[0];
const ended = (status, errors) => {
  const copy = structuredClone(description);
  delete copy.parameters;
  const answer = copy.get.responses['200'];
  copy.get.parameters = [];
  answer.examples = { 'application/json': { payload: { transactionStatus: { transactionId: 'ended', status, ...(errors ? { errors } : {}) } } } };
  return copy;
};
const document = {
  ...orders,
  definitions: { ...transactions.definitions, ...orders.definitions },
  paths: {
    ...orders.paths,
    [template]: description,
    [template.replace('{transactionId}', 'ended-well')]: ended('Success'),
    [template.replace('{transactionId}', 'ended-badly')]: ended('Failure', [{ code: 'INVALID', message: 'The purchase order is closed.' }]),
  },
};
const folder = mkdtempSync(join(tmpdir(), 'countersign-prism-'));
const file = join(folder, 'amazon-vendor.json');
writeFileSync(file, JSON.stringify(document));

const free = await new Promise((resolve) => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const { port } = probe.address();
    probe.close(() => resolve(port));
  });
});
const cli = join(here, 'node_modules/@stoplight/prism-cli/dist/index.js');
const prism = spawn(process.execPath, [cli, 'mock', '-h', '127.0.0.1', '-p', String(free), file], { stdio: ['ignore', 'pipe', 'pipe'] });
const end = (code) => {
  prism.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
  process.exit(code);
};
let said = '';
const listen = (chunk) => {
  said += chunk;
  if (said.includes('is listening')) {
    console.log(JSON.stringify({ url: `http://127.0.0.1:${free}` }));
    said = '';
    prism.stdout.removeListener('data', listen);
    prism.stdout.resume();
  }
};
prism.stdout.on('data', listen);
prism.stderr.on('data', (chunk) => process.stderr.write(chunk));
prism.on('exit', (code) => { console.error(`prism ended with ${code}: ${said}`); end(1); });
process.stdin.resume();
process.stdin.on('end', () => end(0));
