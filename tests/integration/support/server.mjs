// SPDX-License-Identifier: Apache-2.0
// One server process for a test: started on a port of its own with a state directory of its own,
// and at the end asked to stop, which it must do with exit code 0 and silent sanitizers.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { connect } from './client.mjs';
import { endWithFile } from './leftovers.mjs';
import { run } from './run.mjs';
import { TestClock } from './test_clock.mjs';
import { eventually, within } from './wait.mjs';

const SANITIZER = /(Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error:/;
const LISTENING = /listening scheme=(https?):\/\/ address=(unix:\S+|\S+:(\d+))/g;
const READY = / ready /;

const CLOCK_DESCRIPTOR = 3;

export const KEY = 'integration-test-key';

export function serverBinary() {
  return process.env.SSE_SERVER_BINARY ?? new URL('../../../build/dev/sse-server', import.meta.url).pathname;
}

// What the child sees: nothing of our own SSE_SERVER_… but what the test says.
function environment(extra) {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('SSE_SERVER_'));
  return { ...Object.fromEntries(inherited), ...extra };
}

// Runs one of the program's commands to its end.
export function runCommand(args, variables = {}) {
  return run(serverBinary(), args, { env: environment(variables) });
}

class Server {
  #child;
  #output = '';
  #exit;
  #watchers = new Set();
  #keepsState;
  #clock;
  #isHurried;
  #command;

  constructor(child, stateDirectory, { keepsState, isHurried, command }) {
    this.#child = child;
    this.#clock = new TestClock(child.stdio[CLOCK_DESCRIPTOR]);
    this.#keepsState = keepsState;
    this.#isHurried = isHurried;
    this.#command = command;
    this.stateDirectory = stateDirectory;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        this.#output += text;
        this.#notify();
      });
    }
    this.#exit = new Promise((resolve) => {
      child.on('close', (code, signal) => resolve({ code, signal }));
    });
    this.#exit.then((status) => {
      this.exited = status;
      this.#notify();
    });
  }

  #notify() {
    for (const watcher of this.#watchers) {
      watcher();
    }
  }

  get pid() {
    return this.#child.pid;
  }

  get output() {
    return this.#output;
  }

  get hasComplained() {
    return SANITIZER.test(this.#output);
  }

  // Resolves with {code, signal} whenever it ends.
  get end() {
    return this.#exit;
  }

  // Resolves with what look() returns as soon as that is true, looking again at each output.
  saw(what, look) {
    return within(what, new Promise((resolve, reject) => {
      const watcher = () => {
        const found = look(this.#output);
        if (found) {
          this.#watchers.delete(watcher);
          resolve(found);
        } else if (this.exited) {
          this.#watchers.delete(watcher);
          reject(new Error(`the server ended with ${JSON.stringify(this.exited)}:\n${this.#output}`));
        }
      };
      this.#watchers.add(watcher);
      watcher();
    }));
  }

  // Waits for the start-up lines and reads the addresses from them.
  async listening() {
    await this.saw('start-up lines', (text) => READY.test(text));
    this.listeners = [...this.#output.matchAll(LISTENING)].map(([, scheme, address, port]) => (
      { scheme, address, port: Number(port), origin: `${scheme}://${address}` }));
    [{ port: this.port, origin: this.origin }] = this.listeners;
  }

  // Throws unless the server answers that it is ready.
  async ready() {
    const client = await connect(this.origin);
    const answer = await client.get('/health/ready');
    await client.close();
    if (answer.status !== 200) {
      throw new Error(`/health/ready answered ${answer.status}: ${answer.text}`);
    }
  }

  signal(name) {
    this.#child.kill(name);
  }

  // Another text for the configuration file that it was started with.
  configure(config) {
    return writeFile(this.#command.file, typeof config === 'string' ? config : JSON.stringify(config));
  }

  // What the command reload says: {code, stdout, stderr}. config: configure() first.
  async reload(config) {
    if (config !== undefined) {
      await this.configure(config);
    }
    const { binary, args, env } = this.#command;
    return run(binary, [...args, 'reload'], { env });
  }

  // The same, which must succeed.
  async mustReload(config) {
    const { code, stdout, stderr } = await this.reload(config);
    if (code !== 0) {
      throw new Error(`the reload ended with ${code}: ${stderr}`);
    }
    return stdout;
  }

  // The server's clock (src/base/test_clock.h), of builds with faults. Resolves when all that is due in
  // the ms milliseconds, step by step, has been done; a timer is due up to 100 ms late.
  advance(ms, step = 100) {
    return this.#clock.say(`advance ${ms} ${step}`);
  }

  // What Date.now() would be there.
  now() {
    return this.#clock.now();
  }

  // As eventually(), but time goes on by step milliseconds from one look to the next. There may be less
  // than that between looks for others to do what they have to: clients, back ends.
  asTimePasses(what, ask, step = 500) {
    return eventually(what, async () => (await ask()) || (await this.advance(step), false));
  }

  // Time goes on, by step milliseconds at a time, until the promise is settled; then what that is.
  async meanwhile(promise, step = 100) {
    let isSettled = false;
    const settled = promise.finally(() => { isSettled = true; });
    settled.catch(() => {}); // it is thrown below
    while (!isSettled) {
      await this.advance(step);
    }
    return settled;
  }

  // Time stands still but for advance(): what is due later does not come, however slow the machine is.
  stopClock() {
    return this.#clock.say('stop');
  }

  startClock() {
    return this.#clock.say('go');
  }

  // It looks a few times a second whether all have gone, by its clock. A test that sets a drain time
  // gets what it asked for.
  async #hurry() {
    for (let n = 0; n < 5 && !this.exited; n++) {
      await Promise.race([this.advance(100).catch(() => {}), this.#exit]); // which has a clock, or not
    }
  }

  exit() {
    return within('the server to exit', this.#exit);
  }

  async kill() {
    this.#child.kill('SIGKILL');
    await this.#exit;
  }

  // expected: the status that it must end with.
  async stop(expected = 0) {
    try {
      if (!this.exited) {
        await this.#clock.release();
        this.signal('SIGTERM');
        if (this.#isHurried) {
          await this.#hurry();
        }
      }
      const { code, signal } = await this.exit();
      if (code !== expected || this.hasComplained) {
        throw new Error(`the server ended with ${signal ?? code} and said:\n${this.#output}`);
      }
    } finally {
      await this.kill();
      await this.forget();
    }
  }

  async forget() {
    if (!this.#keepsState) {
      await rm(this.stateDirectory, { recursive: true, force: true });
    }
  }
}

// listen: as SSE_SERVER_LISTEN; environment: further variables; args: of the program. A test that
// says no address in its environment listens where its configuration file says (listen: null).
// config: the text of such a file, or an object that becomes one; listeners and API keys are then those that it has.
// stateDirectory: one that is there, and stays. stopped: its time stands still from the start, so that
// a limit that is set low catches nobody but those that a test lets it catch.
export async function startServer({
  binary,
  config,
  listen = config ? null : '127.0.0.1:0',
  variables = {},
  args = [],
  stateDirectory: kept,
  stopped = false,
} = {}) {
  const stateDirectory = kept ?? await mkdtemp(join(tmpdir(), 'sse-server-'));
  const command = { binary: binary ?? serverBinary(), file: join(stateDirectory, 'sse-server.yaml') };
  if (config) {
    await writeFile(command.file, typeof config === 'string' ? config : JSON.stringify(config));
    args = ['--config', command.file, ...args];
  }
  command.args = args;
  command.env = environment({
    ...(config ? {} : { SSE_SERVER_API_KEY: KEY }),
    SSE_SERVER_STATE_DIRECTORY: stateDirectory,
    SSE_SERVER_WORKERS: '2',
    // Streams that a test leaves open end at once instead of over the usual span, and those of a
    // test that gives them time end at its beginning.
    SSE_SERVER_DRAIN_TIME: '0',
    SSE_SERVER_STOP_NOTICE: '0',
    SSE_SERVER_DRAIN_SPREAD: '0',
    // With sanitizers, on a busy machine, the last seconds of a stop are not enough, nor are the five of a
    // handshake while hundreds are made.
    FAULT_PATIENCE: '15',
    SSE_SERVER_LIMITS_HANDSHAKE_TIMEOUT: '1m',
    ...(listen === null ? {} : { SSE_SERVER_LISTEN: listen }),
    ...variables,
  });
  const child = endWithFile(spawn(command.binary, args, {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...command.env, TEST_CLOCK: String(CLOCK_DESCRIPTOR) },
  }));
  const server = new Server(child, stateDirectory, {
    keepsState: kept !== undefined,
    isHurried: !('SSE_SERVER_DRAIN_TIME' in variables),
    command,
  });
  try {
    await server.listening();
    if (stopped) {
      await server.stopClock();
    }
    await server.ready();
  } catch (error) {
    await server.kill();
    await server.forget();
    throw Object.assign(error, { hasComplained: server.hasComplained });
  }
  return server;
}
