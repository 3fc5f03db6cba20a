// SPDX-License-Identifier: Apache-2.0
// Debian's proxies, run by hand: as the current user, in a directory of their own, on a free port.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';

import { endWithFile } from './leftovers.mjs';
import { freePort } from './port.mjs';
import { eventually } from './wait.mjs';

// Each: the program, and what it is called with to run the file in the foreground.
const PROGRAMS = {
  nginx: {
    file: '/usr/sbin/nginx',
    needs: ['/usr/lib/nginx/modules/ngx_stream_module.so'],
    prepare: async (directory, config) =>
      ['-p', directory, '-e', 'stderr', '-c', config, '-g', 'daemon off;'],
  },
  apache: {
    file: '/usr/sbin/apache2',
    needs: [],
    prepare: async (directory, config) => ['-DFOREGROUND', '-f', config],
  },
  envoy: {
    file: new URL('../../../build/python/bin/envoy', import.meta.url).pathname,
    needs: [],
    prepare: async (directory, config) => ['--log-level', 'error', '--concurrency', '2', '--use-dynamic-base-id', '-c', config],
  },
  traefik: {
    file: new URL('../../../build/python/bin/traefik', import.meta.url).pathname,
    needs: [],
    prepare: async (directory, config) => [`--configFile=${config}`],
    isReady: hasCertificate,
  },
  haproxy: {
    file: '/usr/sbin/haproxy',
    needs: [],
    prepare: async (directory, config) => ['-db', '-f', config],
  },
  caddy: {
    file: '/usr/bin/caddy',
    needs: [],
    // Around the recipe: neither the port for redirects nor the one for commands.
    prepare: async (directory, config) => {
      const path = join(directory, 'Caddyfile');
      await writeFile(path, `{\n\tadmin off\n\thttp_port ${await freePort()}\n}\nimport ${config}\n`);
      return ['run', '--adapter', 'caddyfile', '--config', path];
    },
  },
};

// Why this proxy cannot run here; false when it can.
export function missing(name) {
  const { file, needs } = PROGRAMS[name];
  const absent = [file, ...needs].find((path) => !existsSync(path));
  return absent ? `there is no ${absent}; script/bootstrap installs it` : false;
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

// Traefik listens before it has read its second file, and shows one of its own until then.
function hasCertificate(port) {
  return new Promise((resolve) => {
    const socket = tls.connect({ port, host: '127.0.0.1', servername: 'push.example.org', rejectUnauthorized: false });
    socket.on('error', () => resolve(false)).on('secureConnect', () => {
      resolve(socket.getPeerCertificate().subject.CN !== 'TRAEFIK DEFAULT CERT');
      socket.destroy();
    });
  });
}

class Proxy {
  #child;
  #exit;

  constructor(child) {
    this.#child = child;
    this.output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        this.output += text;
      });
    }
    this.#exit = once(child, 'close').then(() => {
      this.exited = true;
    });
  }

  // What it says to itself decides nothing; that it takes connections does.
  async listening(port, { isReady = accepts }) {
    await eventually('the proxy to listen', () => this.exited || isReady(port));
    if (this.exited) {
      throw new Error(`the proxy ended and said:\n${this.output}`);
    }
  }

  async stop() {
    this.#child.kill('SIGTERM');
    await this.#exit;
  }
}

// Runs the configuration file, which must listen on this port of 127.0.0.1.
export async function startProxy(name, { directory, config, port }) {
  const { file, prepare } = PROGRAMS[name];
  const child = endWithFile(spawn(file, await prepare(directory, config), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory },
  }));
  const proxy = new Proxy(child);
  try {
    await proxy.listening(port, PROGRAMS[name]);
  } catch (error) {
    await proxy.stop();
    throw error;
  }
  return proxy;
}
