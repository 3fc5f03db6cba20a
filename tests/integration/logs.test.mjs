// SPDX-License-Identifier: Apache-2.0
// What the log says of requests, in which form, and the id by which an answer is found there.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { after, before, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { MULTIPART, multipart } from './support/multipart.mjs';
import { KEY, startServer } from './support/server.mjs';
import { startTarget } from './support/target.mjs';
import { SECRET, token } from './support/tokens.mjs';
import { eventually, within } from './support/wait.mjs';

const BASE = '/sse/demo';
const CONNECT = `${BASE}/connect`;
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const HOSTILE = 'a"\\ \u009b31m=\u2028';

let directory; // of the access log
let server;
let office;
let page; // through what is taken for a proxy
let stranger; // not

const settings = (log = {}, service = {}, format = 'json') => JSON.stringify({
  workers: 1,
  log: { level: 'debug', ...log },
  accessLog: { file: join(directory, 'log', 'access'), format },
  trustedProxies: ['127.0.0.1'],
  listeners: [{ address: '127.0.0.1:0' }],
  apiKeys: [{ name: 'office', key: KEY }, { name: 'meter', key: 'the-key-of-a-meter', permissions: ['metrics'] }],
  tokenKeys: [{ algorithm: 'HS256', secret: SECRET }],
  services: [{ name: 'demo', auth: 'jwt', origins: ['https://app.test'], ...service }],
});
const bearer = (text = token({ sub: '7' })) => ({ authorization: `Bearer ${text}` });

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'access-'));
  server = await startServer({ config: settings() });
  page = await connect(server.origin);
  stranger = await connect(server.origin, {
    createConnection: () => tls.connect({
      port: server.port, host: '127.0.0.1', localAddress: '127.0.0.2', rejectUnauthorized: false, ALPNProtocols: ['h2'],
    }),
  });
  office = await backend(server);
});
after(async () => {
  await Promise.all([office.close(), page.close(), stranger.close()]);
  await server.stop();
  await rm(directory, { recursive: true });
});

// The line with all of these, of what ask() has led to.
async function lineOf(ask, ...parts) {
  await server.advance(1000); // a few lines of a kind are written each second
  const from = server.output.length;
  await ask();
  let line;
  await eventually(`a line with ${parts.join(' and ')}`, () => {
    line = server.output.slice(from).split('\n').slice(0, -1)
      .find((each) => parts.every((part) => (part.test ? part.test(each) : each.includes(part))));
    return line !== undefined;
  });
  return line;
}

const idOf = (answer) => answer.headers['x-request-id'];

test('every answer has an id, which no other has', async () => {
  const stream = await page.connect({}, { headers: bearer() });
  const answers = await Promise.all([
    page.get('/health/live'), page.get('/nowhere'), page.get(CONNECT), page.get(`${BASE}/sse.js`),
    page.postJson(`${BASE}/send`, { all: true, data: 1 }, bearer(KEY)), page.get('/', { 'x-large': 'y'.repeat(9000) }),
    page.request('HEAD', CONNECT, { headers: bearer() }), page.request('OPTIONS', CONNECT), page.get('/a/%ff'),
  ]);
  const ids = [...answers, stream].map(idOf);
  for (const id of ids) {
    assert.match(id, /^[0-9a-f]{16}$/);
  }
  assert.equal(new Set(ids).size, ids.length);
  await stream.close();
});

test('of HTTP/1.1, too, well-formed or not', async () => {
  for (const request of ['GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n', 'GET nonsense HTTP/1.1\r\nhost: a\r\n\r\n']) {
    const socket = tls.connect({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
    let text = '';
    socket.on('error', () => {});
    socket.setEncoding('utf8').on('data', (more) => { text += more; });
    socket.end(request);
    await within('the answer', new Promise((resolve) => socket.on('close', resolve)));
    assert.match(text, /\r\nx-request-id: [0-9a-f]{16}\r\n/);
  }
});

test('a trusted proxy gives it, nobody else, and nothing that is no id', async () => {
  const given = 'AbC-1.2/3+4_5~!"\'';
  const ask = (client, id) => client.get('/health/live', { 'x-request-id': id });
  assert.equal(idOf(await ask(page, given)), given);
  assert.equal(idOf(await ask(page, 'x'.repeat(64))), 'x'.repeat(64));
  for (const [client, id] of [[stranger, given], [page, 'x'.repeat(65)], [page, 'a b'], [page, 'a\tb'], [page, 'ä'], [page, ''],
    [page, 'eyJhbGciOiJub25lIn0.e30.x']]) {
    assert.match(idOf(await ask(client, id)), /^[0-9a-f]{16}$/, id);
  }
});

test('scripts of other origins may read it', async () => {
  const answer = await page.get('/sse/demo/connect', { origin: 'https://app.test' });
  assert.match(answer.headers['access-control-expose-headers'], /\bx-request-id\b/);
});

test('who is refused is told with the id and the trace', async () => {
  let answer;
  const line = await lineOf(async () => {
    answer = await page.get('/nowhere', { traceparent: TRACE });
  }, ' refused ', 'path=/nowhere');
  assert.match(line, new RegExp(` info refused .* status=404 .* request=${idOf(answer)} trace=0af7651916cd43dd8448eb211c80319c `));
  assert.doesNotMatch(await lineOf(() => page.get('/nowhere', { traceparent: `${TRACE}x` }), ' refused '), /trace=/);
});

test('a back end that is known is worth a warning, who is not is none, and a user is named', async () => {
  await lineOf(() => page.get(`${BASE}/users`, bearer('the-key-of-a-meter')), ' warn refused ', 'status=403');
  await lineOf(() => page.postJson(`${BASE}/send`, {}, bearer(KEY)), ' warn refused ', 'status=422');
  await lineOf(() => page.get(`${BASE}/users`, bearer('wrong-wrong-wrong')), ' info refused ', 'status=401');
  await lineOf(() => page.get(CONNECT, { ...bearer(token({ sub: HOSTILE })), accept: 'text/html' }), ' info refused ', 'status=406',
    'user="a\\"\\\\ \\xc2\\x9b31m=\u2028" ');
});

test('who connects, and leaves: when, why, for how long', async () => {
  let stream;
  const opened = await lineOf(async () => {
    stream = await page.connect({}, { headers: { ...bearer(), 'x-forwarded-for': '192.0.2.7' } });
  }, ' debug connected ');
  const [handle] = / address=192\.0\.2\.7 service=demo user=7 connection=(\S+) request=[0-9a-f]{16}$/.exec(opened).slice(1);
  assert.ok(stream.id.startsWith(handle) && stream.id.length > handle.length);
  await lineOf(() => stream.close(), ' debug disconnected ', `connection=${handle} reason=`, /duration_us=\d+ messages=\d+$/);
  assert.ok(!server.output.includes(stream.id), 'the secret part of a connectionId is in the log');
});

test('answers, at debug', async () => {
  await lineOf(() => office.send({ event: 'e', data: 1, all: true }), ' debug answered ', 'status=200', `path=${BASE}/send`);
});

test('back ends that are asked because of a request get its traceparent, if it is one', async () => {
  const target = await startTarget();
  const url = target.url('/');
  target.answer = ({ url: path }) => ({ status: path === '/auth' ? 200 : 204, json: { id: '7' } });
  await server.mustReload(settings({}, {
    handlers: { messageUrl: url, uploadUrl: url, uploadStreams: true, withoutConnection: true }, webhookSecret: 's',
  }));
  const seen = async (ask, headers) => {
    const from = target.requests.length;
    await ask({ ...bearer(), ...headers });
    await eventually('the question', () => target.requests.length > from);
    return target.requests.at(-1).headers.traceparent;
  };
  const message = (headers) => page.postJson(`${CONNECT}/message/a.do`, {}, headers);
  const upload = (headers) => page.post(`${CONNECT}/upload/a.do`, multipart([{ name: 'f', fileName: 'a', data: 'x' }]),
    { 'content-type': MULTIPART, ...headers });
  for (const ask of [message, upload]) {
    assert.equal(await seen(ask, { traceparent: TRACE }), TRACE);
    for (const traceparent of ['', `${TRACE}x`, TRACE.toUpperCase(), TRACE.replace(/0af\w+/, '0'.repeat(32)), [TRACE, TRACE]]) {
      assert.equal(await seen(ask, { traceparent }), undefined, String(traceparent));
    }
  }
  target.answer = () => ({ status: 500, json: {} });
  let answer;
  const line = await lineOf(async () => { answer = await message(bearer()); }, 'gave no usable answer');
  assert.match(line, new RegExp(` warn .* request=${idOf(answer)} host=127\\.0\\.0\\.1 `));
  await target.close();
});

test('a reload makes it JSON with the names of ECS; a slow request is a warning', async () => {
  const target = await startTarget();
  let give;
  target.answer = () => new Promise((resolve) => { give = () => resolve({ status: 200, json: 1 }); });
  await server.mustReload(settings({ format: 'json', slowRequest: '1s' }, { handlers: { messageUrl: target.url('/'), withoutConnection: true } }));
  await server.stopClock();
  let answer;
  const line = await lineOf(async () => {
    const asked = page.postJson(`${CONNECT}/message/s%22%c2%9blow.do`, {}, bearer(token({ sub: HOSTILE })));
    await eventually('the question', () => give !== undefined);
    await server.advance(1100);
    give();
    answer = await asked;
  }, 'slow request');
  assert.equal(answer.status, 200);
  const { '@timestamp': time, 'event.duration': duration, ...rest } = JSON.parse(line);
  assert.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.ok(duration >= 1_000_000_000 && duration < 3_000_000_000, `${duration} ns`);
  assert.deepEqual(rest, {
    'log.level': 'warn', message: 'slow request', 'client.address': '127.0.0.1', 'http.response.status_code': 200,
    'sse_server.protocol': 'HTTP/2', 'user.id': HOSTILE, 'http.request.id': idOf(answer), 'http.request.method': 'POST',
    'url.path': `${CONNECT}/message/s"\u009blow.do`, 'ecs.version': '8.11.0',
  });
  await server.startClock();
  await target.close();
});

test('logfmt', async () => {
  await server.mustReload(settings({ format: 'logfmt' }));
  const line = await lineOf(() => page.get('/no%22%c2%9bwhere'), 'msg=refused');
  assert.match(line, /^time=\S+ level=info msg=refused address=127\.0\.0\.1 reason=".*" status=404 protocol=HTTP\/2 request=[0-9a-f]{16} method=GET path="\/no\\"\\xc2\\x9bwhere"$/);
});

// ---- the access log ----

const accessText = (name = 'access') => readFile(join(directory, 'log', name), 'utf8').catch(() => '');

// The line of this request, whose id its answer has.
async function accessLine(answer, name) {
  let line;
  await eventually('a line of the access log', async () => {
    line = (await accessText(name)).split('\n').slice(0, -1).find((each) => each.includes(idOf(answer)));
    return line !== undefined;
  });
  return line;
}

test('the access log has a line for each request, with no secrets in it', async () => {
  await server.mustReload(settings());
  const id = 'f'.repeat(56);
  const own = token({ sub: 'a"b' });
  const answer = await page.get(`${BASE}/n%22%c2%9bo?access-token=hidden-1&connectionId=${id}&x=%22%0a&next=${encodeURIComponent(`/?jwt=${own}`)}`, {
    ...bearer(own), 'user-agent': Buffer.from(HOSTILE).toString('latin1'), referer: 'https://app.test/?token=hidden-2&y=1', traceparent: TRACE, 'x-forwarded-for': '192.0.2.7',
  });
  const { '@timestamp': time, 'event.duration': duration, ...rest } = JSON.parse(await accessLine(answer));
  assert.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.ok(duration > 0 && duration < 10_000_000_000, `${duration} ns`);
  assert.deepEqual(rest, {
    'log.level': 'info', message: 'request', 'client.address': '192.0.2.7', 'http.response.status_code': 404,
    'http.response.body.bytes': answer.body.length, 'service.name': 'demo', 'sse_server.protocol': 'HTTP/2',
    'http.request.id': idOf(answer), 'trace.id': TRACE.slice(3, 35), 'http.request.method': 'GET',
    'url.path': `${BASE}/n"\u009bo`, 'url.query': 'access-token=***&connectionId=***&x=%22%0a&next=***',
    'http.request.referrer': 'https://app.test/?token=***&y=1', 'user_agent.original': HOSTILE, 'ecs.version': '8.11.0',
  });
  const stream = await page.connect({}, { headers: bearer(own) });
  assert.equal(JSON.parse(await accessLine(stream))['user.id'], 'a"b');
  const sent = await page.postJson(`${BASE}/send`, { all: true, event: 'e', data: 'hidden-3' }, bearer(KEY));
  assert.equal(JSON.parse(await accessLine(sent))['sse_server.sender'], 'office');
  const bad = await page.get('/', { 'x-large': 'y'.repeat(9000) });
  assert.equal(JSON.parse(await accessLine(bad))['http.response.status_code'], 431);
  const all = await accessText();
  for (const secret of ['hidden-', id, own, KEY, stream.id]) {
    assert.ok(!all.includes(secret), secret);
  }
  await stream.close();
});

test('a path that is no service\'s shows nothing that one of them holds for secret', async () => {
  await server.mustReload(settings({}, { secretNames: ['ticket'] }));
  for (const path of ['/sse/demoo/connect', '/', `${BASE}/nothing`]) {
    const answer = await page.get(`${path}?ticket=hidden&x=1`, { referer: 'https://app.test/?ticket=hidden' });
    const { 'url.query': query, 'http.request.referrer': referer } = JSON.parse(await accessLine(answer));
    assert.deepEqual([query, referer], ['ticket=***&x=1', 'https://app.test/?ticket=***'], path);
  }
  await server.mustReload(settings());
});

test('a file that was moved away is made anew, at the next line or with a reload', async () => {
  const file = join(directory, 'log', 'access');
  await rename(file, `${file}.1`);
  await accessLine(await page.get('/health/live'));
  await rename(file, `${file}.2`);
  await server.mustReload(settings());
  await accessLine(await page.get('/health/live'));
  assert.equal(await office.metric('sse_server_access_lines_lost_total'), 0);
});

test('combined, as Apache and nginx write it', async () => {
  await server.mustReload(settings({}, {}, 'combined'));
  const answer = await page.get('/n%22%20%c2%9bo?x=1', { 'user-agent': 'a "b" [c]', referer: 'http://a/' });
  assert.equal(answer.status, 404);
  let line;
  await eventually('the line', async () => {
    line = (await accessText()).split('\n').find((each) => each.includes('?x=1'));
    return line !== undefined;
  });
  assert.match(line, /^127\.0\.0\.1 - - \[\d\d\/[A-Z][a-z]{2}\/\d{4}(:\d\d){3} \+0000\] "GET \/n\\x22\\x20\\xc2\\x9bo\?x=1 HTTP\/2" 404 \d+ "http:\/\/a\/" "a \\x22b\\x22 \[c\]"$/);
});
