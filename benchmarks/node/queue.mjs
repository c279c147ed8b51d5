// node queue.mjs N FILE   plainjob with jobs that do nothing, under WAL and synchronous=FULL (its own default is NORMAL).
import Database from 'better-sqlite3';
import { better, defineQueue, defineWorker } from 'plainjob';
import { rmSync } from 'node:fs';

const count = +process.argv[2];
const file = process.argv[3];
for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
const logger = { debug() {}, info() {}, warn() {}, error: console.error };
const connection = better(new Database(file));
const queue = defineQueue({ connection, logger });
connection.pragma('synchronous = FULL');
const payload = { document: 'PO-00000001', operation: 'confirm', body: 'x'.repeat(200) };
for (let i = 0; i < count; i++) queue.add('send', payload);

let done = 0;
const begun = performance.now();
const cpu = process.cpuUsage();
const worker = defineWorker('send', async () => {}, {
  queue,
  logger,
  onCompleted: () => {
    if (++done < count) return;
    const used = process.cpuUsage(cpu);
    const per_s = count / ((performance.now() - begun) / 1000);
    console.log(JSON.stringify({ what: 'plainjob', n: count, per_s, cpu_us_per: (used.user + used.system) / count }));
    process.exit(0);
  },
});
worker.start();
