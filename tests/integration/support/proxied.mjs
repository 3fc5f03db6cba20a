// SPDX-License-Identifier: Apache-2.0
// sse-server behind one of the proxies of docs/behind-a-proxy.md, by the files of docs/recipes.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';

import { backend } from './backend.mjs';
import { connect } from './client.mjs';
import { freePort } from './port.mjs';
import { startProxy } from './proxy.mjs';
import { writeRecipe } from './recipe.mjs';
import { runCommand, startServer } from './server.mjs';

export const HOST = 'push.example.org';
const SERVICE = 'hr';
export const BASE = `/sse/${SERVICE}`;
// An address of this machine that no proxy and no server here has.
export const PAGE_ADDRESS = '127.0.0.77';

// One pair for the proxy and for the server: both are push.example.org for who asks them.
async function makePair(directory) {
  const { code, output } = await runCommand(['make-cert', '--out', directory, HOST]);
  assert.equal(code, 0, output);
  const certificate = join(directory, 'development-cert.pem');
  const key = join(directory, 'development-key.pem');
  const both = join(directory, 'both.pem');
  const ca = await readFile(certificate);
  await writeFile(both, Buffer.concat([ca, await readFile(key)]), { mode: 0o600 });
  return { certificate, key, both, ca };
}

// sse-server and a proxy before it, as one recipe says.
export class Proxied {
  // change: what is to be different in the proxy's file, texts by texts. comments: how often one goes
  // over a silent stream; seldom, so that nothing arrives or ends because of one. service: its name. beside: a
  // second file that the first one names.
  async start({ program, config, kind, change, comments = '1h', service = SERVICE, beside }) {
    this.directory = await mkdtemp(join(tmpdir(), 'sse-proxy-'));
    this.pair = await makePair(this.directory);
    this.port = await freePort();
    this.server = await startServer({
      listen: null,
      args: ['--config', await this.#write(`sse-server/${kind}.yaml`)],
      variables: { SSE_SERVER_SERVICES_0_NAME: service, SSE_SERVER_SERVICES_0_COMMENT_INTERVAL: comments },
    });
    this.upstream = this.server.listeners.at(-1).port;
    this.config = await this.#write(config, change);
    if (beside) {
      await this.#write(beside);
    }
    this.program = program;
    await this.startProxy();
    this.office = await backend(this.server, { base: `/sse/${service}` });
  }

  async startProxy() {
    this.proxy = await startProxy(this.program, { directory: this.directory, config: this.config, port: this.port });
  }

  // What stands in recipes, and what it is here.
  #write(recipe, change) {
    const { certificate, key, both } = this.pair;
    const upstream = `127.0.0.1:${this.upstream ?? 0}`;
    return writeRecipe(this.directory, recipe, {
      ...change,
      'listen 443': `listen ${this.port}`,
      ':443': `:${this.port}`,
      'Listen 443': `Listen ${this.port}`,
      'port_value: 443': `port_value: ${this.port}`,
      'address: 127.0.0.1, port_value: 8080': `address: 127.0.0.1, port_value: ${this.upstream}`,
      '127.0.0.1:8080': upstream,
      '127.0.0.1:8443': upstream,
      '127.0.0.1:9443': '127.0.0.1:0',
      '/etc/sse-server/push.example.org.pem': certificate,
      '/etc/sse-server/push.example.org.key': key,
      ...Object.fromEntries(['apache2', 'caddy', 'envoy', 'nginx', 'traefik'].flatMap((folder) => [
        [`/etc/${folder}/push.example.org.pem`, certificate], [`/etc/${folder}/push.example.org.key`, key]])),
      '/etc/haproxy/push.example.org.pem': both,
      '/etc/traefik/push.yaml': join(this.directory, 'push.yaml'),
      '/etc/ssl/certs/ca-certificates.crt': certificate,
      '/run/nginx.pid': join(this.directory, 'nginx.pid'),
      '/var/log/nginx/error.log': 'stderr',
      '/run/apache2': this.directory,
      '/var/log/apache2/error.log': join(this.directory, 'error.log'),
      // Only root may become somebody else.
      'user haproxy': '',
      'group haproxy': '',
    });
  }

  async stop() {
    await this.office?.close();
    await this.proxy?.stop();
    await this.server?.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  // A browser's session with the proxy, which has to prove its name.
  browser() {
    return connect(`https://${HOST}:${this.port}`, {
      createConnection: () => tls.connect({
        host: '127.0.0.1',
        port: this.port,
        localAddress: PAGE_ADDRESS,
        servername: HOST,
        ALPNProtocols: ['h2'],
        ca: this.pair.ca,
      }),
    });
  }

  async connections() {
    return (await this.office.query('connections')).total;
  }
}
