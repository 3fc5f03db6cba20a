// SPDX-License-Identifier: Apache-2.0
// Session tickets: with whatever worker, beyond a change of certificates, and by a file of keys beyond a
// restart; but never for another certificate than the one that was shown.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { handshake, makePair, remove, shown, temporaryFolder } from './support/certificates.mjs';
import { runCommand, startServer } from './support/server.mjs';
import { eventually, within } from './support/wait.mjs';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'];
const HOUR = 3600_000;

let folder;
let certificate;
let key;

before(() => {
  folder = temporaryFolder();
  certificate = join(folder, 'used.pem');
  key = join(folder, 'used.key');
});
after(() => remove(folder));

function use({ certificate: from, key: itsKey }) {
  copyFileSync(itsKey, key);
  copyFileSync(from, certificate);
}

const start = (variables = {}) => startServer({
  variables: {
    SSE_SERVER_LISTENERS_0_CERTIFICATE: certificate,
    SSE_SERVER_LISTENERS_0_KEY: key,
    SSE_SERVER_WORKERS: '4',
    ...variables,
  },
});

const by = (version, servername = 'push.example') => ({ servername, minVersion: version, maxVersion: version });

// A ticket, as a client keeps it. In TLS 1.3 it comes after the handshake.
async function ticket(server, options) {
  const socket = await handshake(server, options);
  const [session] = socket.getProtocol() === 'TLSv1.2'
    ? [socket.getSession()] : await within('a ticket', once(socket.resume(), 'session'));
  socket.destroy();
  return session;
}

async function resumes(server, session, options) {
  const socket = await handshake(server, { ...options, session });
  const isReused = socket.isSessionReused();
  socket.destroy();
  return isReused;
}

for (const version of VERSIONS) {
  test(`a ticket is good with every worker, and beyond a renewal (${version})`, async () => {
    use(makePair(folder, 'a1', { names: ['push.example', 'b.example'], serial: 1 }));
    const server = await start();
    const session = await ticket(server, by(version));
    for (let n = 0; n < 24; n++) {
      assert.ok(await resumes(server, session, by(version)), `connection ${n}`);
    }
    use(makePair(folder, 'a2', { names: ['b.example', 'push.example'], serial: 2 }));
    await eventually('the new one', async () => await shown(server, 'push.example') === 2);
    assert.ok(await resumes(server, session, by(version)));
    use(makePair(folder, 'a3', { names: ['other.example'], serial: 3 }));
    // Each worker goes over to it by itself.
    await eventually('no worker to take the ticket any more', async () => {
      let taken = 0;
      for (let n = 0; n < 24; n++) {
        taken += await resumes(server, session, by(version));
      }
      return taken === 0;
    });
    assert.equal(await shown(server, 'push.example'), 3);
    await server.stop();
  });

  test(`a ticket is for one certificate (${version})`, async () => {
    const pairs = ['a', 'b'].map((name, index) => (
      makePair(folder, `${name}-${version}`, { names: [`${name}.example`], serial: index + 1 })));
    const server = await startServer({
      config: `
listeners:
  - address: 127.0.0.1:0
    certificates: [${pairs.map((pair) => `{certificate: ${pair.certificate}, key: ${pair.key}}`).join(', ')}]
services: [{name: demo}]
`,
    });
    const session = await ticket(server, by(version, 'a.example'));
    assert.ok(await resumes(server, session, by(version, 'a.example')));
    const socket = await handshake(server, { ...by(version, 'b.example'), session });
    assert.ok(!socket.isSessionReused());
    assert.equal(Number.parseInt(socket.getPeerCertificate().serialNumber, 16), 2);
    socket.destroy();
    await server.stop();
  });

  test(`keys in a file outlive the process, and are followed (${version})`, async () => {
    const file = join(folder, `keys-${version}`);
    const keys = [randomBytes(80), randomBytes(80), randomBytes(80)];
    writeFileSync(file, keys[0]);
    use(makePair(folder, 'k', { names: ['push.example'], serial: 1 }));
    const variables = { SSE_SERVER_TLS_TICKET_KEY_FILE: file };
    const before = await start(variables);
    const session = await ticket(before, by(version));
    await before.stop();
    const server = await start(variables);
    assert.ok(await resumes(server, session, by(version)));

    writeFileSync(file, Buffer.concat([keys[1], keys[0]]));
    const newer = await eventually('a ticket by the new key', async () => {
      const made = await ticket(server, by(version));
      return made.includes(keys[1].subarray(0, 16)) && made;
    });
    assert.ok(await resumes(server, session, by(version)), 'by the key before');
    writeFileSync(file, Buffer.concat([keys[2], keys[1]]));
    await eventually('the first key to be gone', async () => !await resumes(server, session, by(version)));
    assert.ok(await resumes(server, newer, by(version)));
    writeFileSync(file, 'short');
    await server.saw('a word about the file', (text) => text.includes('has 5 octets'));
    assert.ok(await resumes(server, newer, by(version)));
    await server.stop();

    const without = await start();
    assert.ok(!await resumes(without, newer, by(version)));
    await without.stop();
  });

  test(`keys that are made here change (${version})`, async () => {
    use(makePair(folder, 'r', { names: ['push.example'], serial: 1 }));
    const server = await start();
    const session = await ticket(server, by(version));
    await server.stopClock();
    for (let hours = 0; hours < 36; hours += 12) {
      assert.ok(await resumes(server, session, by(version)), `after ${hours} hours`);
      await server.advance(12 * HOUR, 12 * HOUR);
    }
    assert.ok(!await resumes(server, session, by(version)));
    await server.startClock();
    await server.stop();
  });
}

test('a file without whole keys is refused', async () => {
  const file = join(folder, 'short-keys');
  writeFileSync(file, randomBytes(79));
  const { code, output } = await runCommand([], {
    SSE_SERVER_TLS_TICKET_KEY_FILE: file, SSE_SERVER_STATE_DIRECTORY: folder, SSE_SERVER_LISTEN: '127.0.0.1:0',
  });
  assert.notEqual(code, 0);
  assert.match(output, /tls\.ticketKeyFile: ".*short-keys" has 79 octets; a key has 80, or 48/);
});
