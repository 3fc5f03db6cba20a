// SPDX-License-Identifier: Apache-2.0
// A client of others' making, in a process of its own. Called with an address and the file of the
// certificate that it is to trust, it says on stdout what it has received, an event a line, as
// {"id", "event", "data"} in JSON; it goes on, over all ends of streams and connections, until it is killed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { endWithFile } from '../../integration/support/leftovers.mjs';
import { eventually } from '../../integration/support/wait.mjs';

const here = new URL('..', import.meta.url).pathname;
const built = new URL('../../../build/', import.meta.url).pathname;
const jars = join(built, 'clients/java');

const npm = { file: process.execPath, needs: join(here, 'node/node_modules/.installed') };

// Each: a program with its arguments, and what script/bootstrap has written last for it.
const CLIENTS = {
  eventsource: { ...npm, args: [join(here, 'node/eventsource.mjs')] },
  'fetch-event-source': { ...npm, args: [join(here, 'node/fetch-event-source.mjs')] },
  'httpx-sse': {
    file: join(built, 'python/bin/python'),
    args: [join(here, 'python/httpx_sse_client.py')],
    needs: join(built, 'python/.installed'),
  },
  r3labs: { file: join(built, 'clients/go/client'), args: [], needs: join(built, 'clients/go/.installed') },
  'okhttp-sse': {
    file: 'java',
    // Most of its time would go into compiling itself better.
    args: ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', `${jars}:${jars}/*`, 'Client'],
    needs: join(jars, '.installed'),
  },
};

export const names = Object.keys(CLIENTS);

class ForeignClient {
  events = []; // all that it has said
  complaints = '';

  constructor(child) {
    this.child = child;
    this.exited = once(child, 'exit');
    createInterface(child.stdout).on('line', (line) => this.events.push(JSON.parse(line)));
    child.stderr.setEncoding('utf8').on('data', (text) => { this.complaints += text; });
  }

  #isOver() {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  named(name) {
    return this.events.filter(({ event }) => event === name);
  }

  // Resolves when there are at least count events of this name; then they are exactly those.
  async heard(name, count) {
    try {
      await eventually(`${count} events ${name}`, () => this.named(name).length >= count || this.#isOver());
      assert.ok(!this.#isOver(), 'the client has ended');
    } catch (error) {
      const last = JSON.stringify(this.events.slice(-5)).slice(-2000);
      throw new Error(`${error.message}: ${this.named(name).length} have come; it said\n${this.complaints}${last}`);
    }
    return this.named(name);
  }

  async kill() {
    this.child.kill('SIGKILL');
    await this.exited;
  }
}

export function startClient(name, address, certificate) {
  const { file, args, needs } = CLIENTS[name];
  if (!existsSync(needs)) {
    throw new Error(`there is no ${needs}: run script/bootstrap`);
  }
  const child = spawn(file, [...args, address, certificate], { stdio: ['ignore', 'pipe', 'pipe'] });
  return new ForeignClient(endWithFile(child));
}
