// SPDX-License-Identifier: Apache-2.0
// What bench/drain runs.
import { connect } from '../tests/integration/support/client.mjs';
import { freePort } from '../tests/integration/support/port.mjs';
import { startServer } from '../tests/integration/support/server.mjs';

const PAGES = Number(process.argv[2] ?? 2000);
const STREAMS = 25; // of one connection
const SPREAD_S = 12; // the default, as the others

const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const address = `127.0.0.1:${await freePort()}`;
const start = () => startServer({
  listen: `http://${address}`,
  variables: { SSE_SERVER_STOP_NOTICE: '5s', SSE_SERVER_DRAIN_SPREAD: `${SPREAD_S}s`, SSE_SERVER_DRAIN_TIME: '20s' },
});
const session = () => connect(`http://${address}`);

const ended = [];
const due = []; // when each page was told to come back,
const back = []; // and when it was
const failed = []; // of what was let in

// Waits as long as it was told, and again as long while nobody is there.
async function page(client, user) {
  const stream = await client.connect({ userId: user, reasons: 'true' });
  const { reconnect } = await stream.next('connect-close');
  ended.push(Date.now());
  due.push(Date.now() + reconnect);
  for (;;) {
    await sleep(reconnect);
    const next = await session().catch(() => null);
    const again = await next?.connect({ userId: user, reasons: 'true' }).catch(({ message }) => { failed.push(message); });
    if (again) {
      back.push(Date.now());
      return next;
    }
  }
}

const busiest = (times, since) => {
  const seconds = new Map();
  for (const time of times) {
    const second = Math.floor((time - since) / 1000);
    seconds.set(second, (seconds.get(second) ?? 0) + 1);
  }
  return Math.max(...seconds.values());
};

const before = await start();
const clients = await Promise.all(Array.from({ length: Math.ceil(PAGES / STREAMS) }, session));
const pages = Array.from({ length: PAGES }, (_, n) => page(clients[Math.floor(n / STREAMS)], `u${n}`));
await sleep(3000);
const signalled = Date.now();
before.signal('SIGTERM');
const { code } = await before.exit();
const stopSeconds = (Date.now() - signalled) / 1000;
await before.stop();
const after = await start();
const open = await Promise.all(pages);

const report = {
  pages: PAGES,
  back: back.length,
  failed: failed.length,
  status: code,
  stopSeconds,
  endedInOneSecond: busiest(ended, signalled),
  dueInOneSecond: busiest(due, signalled),
  backInOneSecond: busiest(back, signalled),
  allowedInOneSecond: PAGES / SPREAD_S * 1.5,
};
console.log(JSON.stringify(report, null, 2));
await Promise.all(open.map((client) => client.close()));
await after.stop();
process.exitCode = failed.length === 0 && code === 0 && report.backInOneSecond <= report.allowedInOneSecond ? 0 : 1;
