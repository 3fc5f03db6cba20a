// SPDX-License-Identifier: Apache-2.0
// Section E: TLS, by openssl.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { run } from '../integration/support/run.mjs';

const client = (server, ...args) => run('openssl', ['s_client', '-connect', `127.0.0.1:${server.port}`, '-alpn', 'h2', ...args]);

async function withDirectory(action) {
  const directory = await mkdtemp(join(tmpdir(), 'sse-server-tls-'));
  try {
    return await action(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

// The session ticket of a TLS 1.3 connection comes behind the handshake: wait until it has.
const saveSession = (server, file) => run('sh', ['-c',
  '(for i in $(seq 200); do [ -s "$1" ] && break; sleep 0.05; done) | '
  + 'openssl s_client -connect "$0" -alpn h2 -tls1_3 -sess_out "$1"', `127.0.0.1:${server.port}`, file]);

export const TLS = {
  async unknownServerName({ server }) {
    for (const name of ['unknown.example', 'localhost', `${'a'.repeat(63)}.${'b'.repeat(63)}.example`]) {
      const { output } = await client(server, '-servername', name);
      assert.match(output, /ALPN protocol: h2/, name);
    }
    return 'the one certificate, whatever the name';
  },

  tickets: ({ server }) => withDirectory(async (directory) => {
    const session = join(directory, 'session.pem');
    await saveSession(server, session);
    let reused = 0;
    const tries = 8; // whichever worker accepts it
    for (let n = 0; n < tries; n++) {
      const { output } = await client(server, '-tls1_3', '-sess_in', session);
      assert.match(output, /ALPN protocol: h2/);
      reused += /^Reused, TLSv1.3/m.test(output) ? 1 : 0;
    }
    assert.ok(reused > 0, 'no ticket was taken');
    return `${reused} of ${tries} resumed`;
  }),

  earlyData: ({ server, office }) => withDirectory(async (directory) => {
    const session = join(directory, 'session.pem');
    const early = join(directory, 'early');
    await writeFile(early, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    await saveSession(server, session);
    const before = await office.metric('sse_server_sessions_opened_total');
    const { output } = await client(server, '-tls1_3', '-sess_in', session, '-early_data', early);
    assert.doesNotMatch(output, /Early data was accepted/);
    assert.ok(await office.metric('sse_server_sessions_opened_total') >= before);
    return output.match(/Early data was .*/)?.[0] ?? 'no early data was offered by the ticket';
  }),
};
