// SPDX-License-Identifier: Apache-2.0
// The commands that ask a running server: whom they ask, by which key, what they print, and with which status.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { connect } from './support/client.mjs';
import { freePort } from './support/port.mjs';
import { endWithFile } from './support/leftovers.mjs';
import { run } from './support/run.mjs';
import { KEY, serverBinary, startServer } from './support/server.mjs';
import { within } from './support/wait.mjs';

const HOSTILE = 'Ann\u202eb';

let server;
let origin; // of the listener for back ends
let page;
let stream;
let file; // settings of the same listener, with a key that is there as text
before(async () => {
  const apiKeys = [
    { name: 'only-send', key: 'a-key-that-may-send', permissions: 'send' },
    { name: 'hashed', hash: `sha256:${'0'.repeat(64)}` },
    { name: 'office', key: KEY },
    { name: 'inspector', key: 'a-key-that-may-inspect', permissions: 'inspect' },
  ];
  const port = await freePort();
  const listeners = [{ address: '127.0.0.1:0', role: 'public', tls: false }, { address: `127.0.0.1:${port}` }];
  const config = { listeners, apiKeys, services: [{ name: 'demo' }] };
  server = await startServer({ config });
  origin = server.listeners[1].origin;
  file = join(server.stateDirectory, 'client.yaml');
  await writeFile(file, JSON.stringify({ stateDirectory: server.stateDirectory, ...config }));
  page = await connect(origin);
  stream = await page.connect({ userId: '7', name: HOSTILE, listeners: 'bell', channel: 'red' });
});
after(async () => {
  await page.close();
  await server.stop();
});

const environment = (variables = {}) => (
  { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SSE_'))), ...variables });

function command(args, { input, variables } = {}) {
  return run(serverBinary(), args, { input, env: environment(variables) });
}

// With the settings, which must succeed.
async function ask(...args) {
  const { code, stdout, stderr } = await command(['--config', file, ...args]);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
  return stdout;
}

const rows = (text) => text.trimEnd().split('\n').map((line) => line.split(/ {2,}/));

describe('who is there', () => {
  test('users, as a table in which names do no harm', async () => {
    const [head, ...users] = rows(await ask('users'));
    assert.deepEqual(head, ['USER', 'NAME', 'TENANT', 'TOKEN', 'CONNECTIONS', 'ONLINE']);
    assert.equal(users.length, 1);
    assert.deepEqual(users[0].slice(0, 2), ['7', 'Ann\\u202eb']);
  });

  test('as one JSON document', async () => {
    const { total, list } = JSON.parse(await ask('users', '--json'));
    assert.deepEqual([total, list[0].id, list[0].name], [1, '7', HOSTILE]);
  });

  test('as JSON that does no harm to a terminal', async () => {
    const args = ['-qec', `'${serverBinary()}' --config '${file}' users --json`, '/dev/null'];
    const { code, stdout } = await run('script', args, { env: environment() });
    assert.equal(code, 0, stdout);
    assert.match(stdout, /"Ann\\u202[Ee]b"/);
    assert.equal(JSON.parse(stdout).list[0].name, HOSTILE);
  });

  test('connections, and only those that are asked for', async () => {
    const text = await ask('connections');
    assert.match(text, new RegExp(`^${stream.id.slice(0, 24)} +7 +.* +red +bell`, 'm'));
    for (const [option, value, count] of [['--user', '7', 1], ['--user', '8', 0], ['--event', 'bell', 1], ['--event', 'Bell', 0],
      ['--channel', 'red', 1], ['--name', 'ann', 1], ['--id', stream.id.slice(0, 24), 1], ['--tenant', 'none', 0]]) {
      const { total } = JSON.parse(await ask('connections', option, value, '--json'));
      assert.equal(total, count, `${option} ${value}`);
    }
  });

  test('more than one answer has', async () => {
    const pages = await Promise.all([1, 2, 3].map(() => page.connect({ userId: 'many' })));
    assert.equal(JSON.parse(await ask('connections', '--user', 'many', '--json', '--limit', '2')).list.length, 2);
    assert.match(await ask('connections', '--user', 'many', '--limit', '2'), /\n2 of 3; --limit N shows more\n$/);
    const users = (...args) => ask('users', '--json', '--sort', ...args).then((text) => JSON.parse(text).list.map(({ id }) => id));
    assert.deepEqual(await users('connections', '--reverse'), ['many', '7']);
    assert.deepEqual(await users('connections'), ['7', 'many']);
    await ask('kick', 'many', '--stay-away');
    await Promise.all(pages.map((each) => each.end()));
  });
});

describe('send', () => {
  const received = async (event) => (await stream.count(event, 1))[0].data;

  test('data as it is written, of the argument or of standard input', async () => {
    assert.match(await ask('send', 'argument', '{"n": 1}', '--user', '7'), /^written to 1 connection; id \S+\n$/);
    assert.equal(await received('argument'), '{"n": 1}');
    const { stdout } = await command(['--config', file, 'send', 'input', '-', '--channel', 'red', '--json'], { input: 'one\ntwo\n' });
    assert.equal(JSON.parse(stdout).count, 1);
    assert.equal(await received('input'), 'one\ntwo');
  });

  test('to whom, and how', async () => {
    const away = JSON.parse(await ask('send', 'bell', 'x', '--user', '8,9', '--qos', '1', '--ttl', '60', '--id', 'mine', '--json'));
    assert.deepEqual(away, { id: 'mine', count: 0, stored: 2 });
    assert.match(await ask('send', 'nobody-listens', '--all', '--listening'), /^written to 0 connections/);
    assert.match(await ask('send', 'handle', '--connection', stream.id.slice(0, 24)), /^written to 1 /);
  });

  test('what the server refuses is said in its words, with status 1', async () => {
    const { code, stderr } = await command(['--config', file, 'send', 'error', '--all']);
    assert.equal(code, 1);
    assert.match(stderr, /^sse-server: the server answers 422: .*error.*\n$/);
  });
});

test('what is no text in UTF-8 is not sent', async () => {
  const shell = (line) => run('sh', ['-c', `exec ${serverBinary()} --config ${file} ${line}`], { env: environment() });
  for (const [line, told] of [['send "$(printf "b\\377")" x --user 7', /argument 1 is no text/],
    ['send bell x --user "$(printf "\\303\\050")"', /--user is no text/], ['kick "$(printf "\\377")"', /argument 1 is no text/]]) {
    const { code, stderr } = await shell(line);
    assert.equal(code, 2, stderr);
    assert.match(stderr, told);
  }
  assert.equal(stream.named('message').length, 0);
});

test('what cannot be printed is a failure, but for a reader that has had enough', async () => {
  const lines = ['--config FILE users', '--config FILE connections --json', 'help', 'version', 'default-config', 'completion bash', 'make-key'];
  for (const line of lines) {
    const text = `${serverBinary()} ${line.replace('FILE', file)}`;
    const full = await run('sh', ['-c', `${text} > /dev/full`], { env: environment() });
    assert.equal(full.code, 1, line);
    assert.match(full.stderr, /^sse-server: .*(written|printed)/, line);
  }
  const { code, stderr } = await run('bash', ['-c', `set -o pipefail; ${serverBinary()} --config ${file} users | true`], { env: environment() });
  assert.deepEqual([code, stderr], [0, '']);
});

test('kick closes what a user has', async () => {
  const other = await page.connect({ userId: 'kicked' });
  assert.equal(await ask('kick', 'kicked', '--reason', 'so long', '--stay-away'), 'closed 1 connection\n');
  const [{ data }] = await other.count('connect-close', 1);
  assert.match(data, /so long/);
});

describe('top', () => {
  test('once, for people', async () => {
    const text = await ask('top', '--once', '--interval', '100ms');
    assert.match(text, /^connections \d+ {2}users /);
    assert.match(text, /loop lag .* ms/);
    assert.match(text, /^USER +EVENTS\/S +CONNECTIONS\n/m);
    assert.match(text, /^red +[\d.]+ +1$/m);
    assert.ok(!text.includes('\u001b'));
  });

  test('as a line of JSON', async () => {
    const figures = JSON.parse(await ask('top', '--once', '--json', '--interval', '100ms', '--service', 'demo'));
    assert.ok(figures.connections >= 1 && figures.loopLagMaxSeconds >= 0, JSON.stringify(figures));
    assert.ok(figures.busiestUsers.some(({ name, connections }) => name === '7' && connections === 1));
  });
});

describe('tail', () => {
  // What it prints, as it comes: until(pattern) resolves with all of it.
  function tail(args, settings = file) {
    const child = endWithFile(spawn(serverBinary(), ['--config', settings, 'tail', ...args], { env: environment() }));
    const ended = new Promise((resolve) => { child.on('close', resolve); });
    let text = '';
    let check = () => {};
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (piece) => {
        text += piece;
        check();
      });
    }
    const until = (pattern) => within(`${pattern} in the tail`, new Promise((resolve) => {
      check = () => pattern.test(text) && resolve(text);
      check();
    }));
    return { child, until, ended };
  }

  // Nobody knows when its stream has begun: until a line comes, something is done again.
  async function seen({ until }, pattern, act) {
    let text;
    const found = until(pattern).then((all) => { text = all; });
    while (text === undefined) {
      await act();
      await Promise.race([found, new Promise((resolve) => { setTimeout(resolve, 200); })]);
    }
    return text;
  }

  test('shows what becomes of a user\'s messages, and nothing of others', async () => {
    const watched = tail(['--user', '7']);
    const text = await seen(watched, / dispatched .* queued=1/, async () => {
      await ask('send', 'watched', 'the payload', '--user', '7');
      await ask('send', 'elsewhere', 'x', '--user', '8');
    });
    assert.match(text, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z sent +.* id=\S+ event=watched .* by=only-send toUsers=7$/m);
    assert.doesNotMatch(text, /elsewhere|the payload/);
    watched.child.kill('SIGTERM');
    await watched.ended;
  });

  test('refusals, as lines of JSON', async () => {
    const watched = tail(['--refusals', '--json']);
    const text = await seen(watched, /\n/, async () => {
      await ask('send', 'sent', 'x', '--all');
      await command(['--config', file, 'users', '--key', 'only-send']);
    });
    for (const line of text.trimEnd().split('\n')) {
      const { kind, rule, by } = JSON.parse(line);
      assert.deepEqual([kind, rule, by], ['refused', 'permission', 'only-send']);
    }
    watched.child.kill('SIGTERM');
    await watched.ended;
  });

  test('what is recorded already', async () => {
    await ask('send', 'recorded', 'x', '--user', '7', '--id', 'a-message-of-the-past');
    const text = await ask('tail', '--past', '--id', 'a-message-of-the-past');
    assert.match(text, / sent .* id=a-message-of-the-past /);
    assert.match(text, / dispatched .* id=a-message-of-the-past /);
    const { kind, event } = JSON.parse((await ask('tail', '--past', '--json', '--id', 'a-message-of-the-past')).split('\n')[0]);
    assert.deepEqual([kind, event], ['sent', 'recorded']);
  });

  test('ends with the server, and says so', async () => {
    const port = await freePort();
    const listeners = [{ address: `127.0.0.1:${port}` }];
    const apiKeys = [{ name: 'inspector', key: 'a-key-that-may-inspect', permissions: 'inspect, send' }];
    const other = await startServer({ config: { listeners, apiKeys, services: [{ name: 'demo' }] } });
    const settings = join(other.stateDirectory, 'client.yaml');
    await writeFile(settings, JSON.stringify({ stateDirectory: other.stateDirectory, listeners, apiKeys, services: [{ name: 'demo' }] }));
    const watched = tail([], settings);
    await seen(watched, / sent /, () => command(['--config', settings, 'send', 'e', 'x', '--all']));
    await other.stop();
    assert.equal(await within('its end', watched.ended), 1);
    assert.match(await watched.until(/./), /sse-server: .*(the server has ended the stream|no answer|the answer broke off)/);
  });
});

describe('why', () => {
  test('the cause, a paragraph, and the connections of now', async () => {
    await ask('send', 'chime', 'x', '--user', '7', '--listening');
    const text = await ask('why', '7', 'chime');
    assert.match(text, /^user 7: notListening\n\n\w[^]*\n\nCONNECTION +AGE +LISTENERS +CHANNELS\n/);
    assert.match(text, new RegExp(`^${stream.handle} +\\d.* +bell +red$`, 'm'));
    assert.ok(text.split('\n').every((line) => line.length <= 100), text);
    assert.equal(JSON.parse(await ask('why', '7', 'chime', '--json')).cause, 'notListening');
  });

  test('of a message, each recipient', async () => {
    await ask('send', 'bell', 'x', '--user', '7,nobody', '--id', 'why-of-this');
    const text = await ask('why', '--id', 'why-of-this');
    assert.match(text, /^user 7: delivered$/m);
    assert.match(text, /^user nobody: offline$/m);
    assert.match(await ask('why', 'nobody', '--id', 'why-of-this'), /^user nobody: offline$/m);
  });

  test('of nobody, nothing', async () => {
    const { code, stderr } = await command(['--config', file, 'why']);
    assert.equal(code, 2);
    assert.match(stderr, /why needs a user/);
  });
});

describe('bench', () => {
  test('runs the load program at that server, with that key', async () => {
    const { code, stdout, stderr } = await command(['--config', file, 'bench', '--json', '--',
      '--scenario', 'unicast', '--sessions', '2', '--messages', '20', '--settle', '0']);
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout.slice(stdout.indexOf('{'))).scenario, 'unicast');
    assert.ok(!stdout.includes(KEY));
  });

  test('not in clear text', async () => {
    const { code, stderr } = await command(['bench', '--url', 'http://127.0.0.1:1/sse/demo'], { variables: { SSE_API_KEY: KEY } });
    assert.equal(code, 2);
    assert.match(stderr, /bench speaks TLS/);
  });
});

describe('which server, and who asks', () => {
  const url = () => `${origin}/sse/demo`;

  test('by a URL, and a key of the environment or of a file', async () => {
    const authority = join(server.stateDirectory, 'development-cert.pem');
    const keyFile = join(server.stateDirectory, 'key');
    await writeFile(keyFile, `${KEY}\n`, { mode: 0o600 });
    const ways = [
      [['--url', url(), '--cacert', authority], { SSE_API_KEY: KEY }],
      [['--url', `${origin}/`, '--service', 'demo', '--insecure', '--key-file', keyFile], {}],
      [[], { SSE_URL: url(), SSE_API_KEY: KEY, SSE_CA_FILE: authority }],
      [['--url', url(), '--insecure', '--config', file, '--key', 'office'], {}],
    ];
    for (const [args, variables] of ways) {
      const { code, stderr } = await command(['users', ...args], { variables });
      assert.equal(code, 0, stderr);
    }
  });

  const faults = [
    ['the certificate is not believed', () => ['--url', url()], { SSE_API_KEY: KEY }, 1, /certificate.*--cacert .*--insecure/],
    ['no key', () => ['--url', url()], {}, 2, /no API key to show; give it in SSE_API_KEY, or --key-file/],
    ['a key that is none', () => ['--url', url(), '--insecure'], { SSE_API_KEY: 'none' }, 1, /answers 401: /],
    ['a key without the permission', () => ['--config', file, '--key', 'only-send'], {}, 1, /answers 403: .*query/],
    ['a key of which only the hash is known', () => ['--config', file, '--key', 'hashed'], {}, 2, /--key names one of apiKeys/],
    ['a URL without a path', () => ['--url', origin], { SSE_API_KEY: KEY }, 2, /has no path; .*--service/],
    ['a text that is no URL', () => ['--url', 'localhost:8443'], { SSE_API_KEY: KEY }, 2, /is no URL/],
    ['http to a listener with TLS', () => ['--url', url().replace('https', 'http')], { SSE_API_KEY: KEY }, 1, /no answer: .*begin the URL with https:/],
    ['https to a listener without', () => ['--url', `${server.origin.replace('http:', 'https:')}/sse/demo`], { SSE_API_KEY: KEY }, 1, /no answer: .*begin the URL with http:/],
    ['authorities in a file that is not there', () => ['--url', url(), '--cacert', '/nowhere.pem'], { SSE_API_KEY: KEY }, 2, /--cacert: "\/nowhere\.pem" holds no certificate/],
    ['a key with a line break', () => ['--url', url(), '--insecure'], { SSE_API_KEY: `${KEY}\nx-other: 1` }, 2, /API key holds .* a line break/],
    ['a file of a key that is something else', () => ['--url', url(), '--insecure', '--key-file', join(server.stateDirectory, 'development-cert.pem')], {}, 2, /API key holds a blank/],
    ['an id that is empty', () => ['--config', file, '--user', ''], {}, 2, /--user is empty/],
    ['a service that is none', () => ['--config', file, '--service', 'hr'], {}, 2, /there is no service "hr"/],
    ['nobody answers', () => ['--url', 'http://127.0.0.1:1/sse/demo'], { SSE_API_KEY: KEY }, 1, /no answer/],
    ['the URL is another program\'s', () => ['--url', `${origin}/none`, '--insecure'], { SSE_API_KEY: KEY }, 1, /answers 404/],
    ['the demo\'s own key', () => [], { SSE_SERVER_STATE_DIRECTORY: '/nowhere' }, 1, /development-cert\.pem cannot be read: .*--config/],
    ['an option of another command', () => ['--config', file, '--qos', '1'], {}, 2, /--qos is for send only/],
  ];
  for (const [what, args, variables, status, told] of faults) {
    test(what, async () => {
      const { code, stdout, stderr } = await command(['users', ...args()], { variables });
      assert.deepEqual([code, stdout], [status, ''], stderr);
      assert.match(stderr, told);
      assert.doesNotMatch(stderr, new RegExp(`${KEY}|a-key-that`));
    });
  }

  test('by any listener that serves back ends', async () => {
    const state = await mkdtemp(join(tmpdir(), 'sse-listeners-'));
    const [clear, behind] = [await freePort(), await freePort()];
    const listeners = [
      { address: `127.0.0.1:${clear}`, tls: false },
      { address: `unix:${state}/admin.sock`, tls: false, role: 'admin' },
      { address: `127.0.0.1:${behind}`, proxyProtocol: true, role: 'admin' },
    ];
    const apiKeys = [{ name: 'office', key: KEY }];
    const services = [{ name: 'other', basePath: '/push' }];
    const many = await startServer({ config: { listeners, apiKeys, services }, stateDirectory: state });
    for (const listener of listeners) {
      const settings = join(state, 'client.yaml');
      await writeFile(settings, JSON.stringify({ stateDirectory: state, listeners: [listener], apiKeys, services }));
      const { code, stdout, stderr } = await command(['--config', settings, 'users', '--json']);
      assert.equal(code, 0, `${listener.address}: ${stderr}`);
      assert.equal(JSON.parse(stdout).total, 0);
    }
    await many.stop();
    await rm(state, { recursive: true, force: true });
  });

  test('another server at that address is not told the key', async () => {
    const other = await startServer({ listen: '127.0.0.1:0' });
    const stolen = join(server.stateDirectory, 'stolen.yaml');
    await writeFile(stolen, (await readFile(file, 'utf8'))
      .replace(new URL(origin).host, `127.0.0.1:${other.port}`));
    const { code, stderr } = await command(['--config', stolen, 'users']);
    assert.equal(code, 1);
    assert.match(stderr, /has not the certificate of these settings/);
    await other.stop();
  });
});
