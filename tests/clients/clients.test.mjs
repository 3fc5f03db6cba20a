// SPDX-License-Identifier: Apache-2.0
// Clients that are not ours read a stream, over TLS and HTTP/2 and a network that is cut, of a server
// that is stopped and killed: what is promised to them (docs/qos.md) comes once, and in order.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { join } from 'node:path';

import { backend } from '../integration/support/backend.mjs';
import { newHost } from '../integration/support/host.mjs';
import { storeIsEmpty } from '../integration/support/qos.mjs';
import { eventually } from '../integration/support/wait.mjs';
import { startWire } from '../integration/support/wire.mjs';
import { names, startClient } from './support/foreign.mjs';

const DATA = [
  '', ' ', 'plain', ' blanks at both ends ', 'two\nlines', 'lines\n\n', 'a\r\nb\rc', ':no comment', 'data: no field',
  'grüße, 漢字, 😀', '"quoted\\"', '\t', 'x'.repeat(50_000),
];
// What clients make of these differs, and is theirs.
const asLines = (text) => text.replace(/\r\n?/g, '\n');
const OWN_NAMES = ['bell', 'connect-finish', 'connect-close', 'sse-gap'];
const COMMENT_MS = 10_000;
const WHILE_CUT = 20;
const DURABLE = 60;
const SEEN = 20; // of those, before the server ends

const wanted = process.env.CLIENT ? [process.env.CLIENT] : names;

for (const name of wanted) {
  describe(name, () => {
    let host;
    let wire;
    let client;
    let office;
    const sent = []; // the data of all events called "bell"

    before(async () => {
      host = await newHost({
        variables: {
          // They acknowledge by coming back; until then nothing is to be written again.
          SSE_SERVER_SERVICES_0_QOS_ACK_TIMEOUT: '1h',
          SSE_SERVER_SERVICES_0_RECONNECT_TIME: '200ms',
          // They have a moment for what takes the server's clock half a minute.
          SSE_SERVER_LIMITS_PING_INTERVAL: '1h',
          SSE_SERVER_SERVICES_0_COMMENT_INTERVAL: `${COMMENT_MS}ms`,
        },
      });
      await host.start();
      wire = await startWire(host.server.port);
      office = await backend(host.server);
      const address = `${wire.origin}/sse/demo/connect?userId=7&name=Ann&listeners=bell`;
      client = startClient(name, address, join(host.stateDirectory, 'development-cert.pem'));
    });
    after(async () => {
      await client?.kill();
      await office?.close();
      await wire?.close();
      await host?.close();
    });

    async function send(data, fields = {}) {
      sent.push(data);
      return office.send({ event: 'bell', data, userId: '7', ...fields });
    }

    // It has heard all that was sent, once and in order.
    async function hasAll() {
      const heard = await client.heard('bell', sent.length);
      assert.deepEqual(heard.map(({ data }) => data), sent.map(asLines));
    }

    async function connections(count) {
      await client.heard('connect-finish', count);
      await eventually('one connection', async () => (await office.query('counts')).connections === 1);
    }

    // One after the other, each until it is answered: its id makes that harmless.
    async function sendDurably(serverIsBack) {
      for (let n = 0; n < DURABLE; n++) {
        const data = String(sent.length);
        const fields = { qos: 1, id: `m-${data}` };
        try {
          await send(data, fields);
        } catch {
          await serverIsBack;
          await office.send({ event: 'bell', data, userId: '7', ...fields });
        }
      }
    }

    // The server ends while it is sent to, and comes back.
    async function interrupt(how) {
      const already = sent.length;
      let isBack;
      const sending = sendDurably(new Promise((resolve) => { isBack = resolve; }));
      await client.heard('bell', already + SEEN);
      await host[how]();
      office = await backend(host.server);
      isBack();
      await sending;
      await hasAll();
    }

    test('reads a stream', async () => {
      await connections(1);
      for (const data of DATA) {
        assert.equal((await send(data)).count, 1);
      }
      await hasAll();
    });

    test('is cut off, and gets what was sent meanwhile', async () => {
      wire.cut();
      for (let n = 0; n < WHILE_CUT; n++) {
        await send(`cut ${n}`);
      }
      await hasAll();
      await connections(2);
      assert.deepEqual(client.named('sse-gap'), []);
    });

    test('the server is stopped', () => interrupt('restart'));
    test('the server is killed', () => interrupt('crash'));

    test('hears of comments nothing', async () => {
      // r3labs takes the "retry:" of a server that stops for an empty message.
      const others = () => client.events.filter(({ event }) => !OWN_NAMES.includes(event));
      const earlier = others();
      assert.ok(name === 'r3labs' || earlier.length === 0, JSON.stringify(earlier));
      await host.server.advance(3 * COMMENT_MS, 1000);
      await send('behind them');
      await hasAll();
      assert.deepEqual(others(), earlier);
    });

    test('acknowledges by coming back', async () => {
      await send('last', { qos: 1 });
      await hasAll();
      wire.cut();
      await storeIsEmpty(office);
      await hasAll();
    });
  });
}
