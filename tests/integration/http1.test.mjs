// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 and 1.0, with TLS and without: by curl, Node's https, fetch, wget and openssl, and by hand.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';

import { run } from './support/run.mjs';
import { KEY, startServer } from './support/server.mjs';
import { eventually, within } from './support/wait.mjs';

const PYTHON = new URL('../../build/python/bin/python', import.meta.url).pathname;
const CONNECT = '/sse/demo/connect';
const HOST = 'Host: localhost\r\n';
const GET = `GET /health/live HTTP/1.1\r\n${HOST}\r\n`;
const authorization = `Bearer ${KEY}`;

let server;
before(async () => {
  server = await startServer({
    listen: null,
    variables: {
      SSE_SERVER_LISTENERS_0_ADDRESS: '127.0.0.1:0',
      SSE_SERVER_LISTENERS_1_ADDRESS: '127.0.0.1:0',
      SSE_SERVER_LISTENERS_1_TLS: 'false',
      SSE_SERVER_LISTENERS_2_ADDRESS: '127.0.0.1:0',
      SSE_SERVER_LISTENERS_2_ROLE: 'admin',
      SSE_SERVER_LISTENERS_3_ADDRESS: '127.0.0.1:0',
      SSE_SERVER_LISTENERS_3_ROLE: 'admin',
      SSE_SERVER_LISTENERS_3_TLS: 'false',
    },
  });
});
after(() => server.stop());

async function open({ scheme, port }) {
  const socket = scheme === 'https'
    ? tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
    : net.connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  socket.text = '';
  socket.setEncoding('latin1').on('data', (text) => { socket.text += text; });
  await within('a connection', once(socket, scheme === 'https' ? 'secureConnect' : 'connect'));
  socket.heard = (pattern) => within(`${pattern}`, new Promise((resolve) => {
    const look = () => (pattern.test(socket.text) ? resolve(socket.text) : socket.once('data', look));
    look();
  }));
  socket.whole = within('the end of the connection', new Promise((resolve) => { socket.once('close', () => resolve(socket.text)); }));
  socket.whole.catch(() => {});
  return socket;
}

function request({ scheme, port }, path, { method = 'GET', headers = {}, body, agent } = {}) {
  return new Promise((resolve, reject) => {
    const { request: ask } = scheme === 'https' ? https : http;
    const asked = ask({ host: '127.0.0.1', port, path, method, headers, agent, rejectUnauthorized: false }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part)).on('error', reject)
        .on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, version: answer.httpVersion, text: Buffer.concat(parts).toString(), socket: asked.socket }));
    });
    asked.on('error', reject).end(body);
  });
}

// Of all workers.
async function metric(listener, name) {
  const { text } = await request(listener, '/metrics', { headers: { authorization } });
  return [...text.matchAll(new RegExp(`^${name}\\{.*\\} (\\d+)$`, 'mg'))].reduce((sum, [, value]) => sum + Number(value), 0);
}

for (const [index, name] of [[0, 'TLS'], [1, 'cleartext']]) {
  describe(`HTTP/1.1 by ${name}`, () => {
    let listener;
    let url;
    before(() => {
      listener = server.listeners[index];
      url = listener.origin;
    });

    const curl = (...args) => run('curl', ['-sSk', '--http1.1', '--max-time', '60', ...args]);

    test('an event stream and what is sent to it', async () => {
      const socket = await open(listener);
      socket.write(`GET ${CONNECT}?userId=${name} HTTP/1.1\r\n${HOST}Accept: text/event-stream\r\n\r\n`);
      const text = await socket.heard(/connect-finish[^]*\n\n/);
      assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
      assert.match(text, /\r\ntransfer-encoding: chunked\r\n/);
      assert.doesNotMatch(text, /content-length|connection:/);
      const { status } = await request(listener, '/sse/demo/send', {
        method: 'POST', headers: { authorization, 'content-type': 'application/json' }, body: JSON.stringify({ event: 'hello', data: 1, userId: name }),
      });
      assert.equal(status, 200);
      assert.match(await socket.heard(/event:hello\n[^]*\n\n\r\n$/), /\r\n[0-9a-f]+\r\nid:[^\n]+\nevent:hello\ndata:1\n\n\r\n$/);
      socket.destroy();
    });

    test('a stream whose client leaves, or says that it says no more, is noticed', async () => {
      const streams = () => metric(listener, 'sse_server_connections');
      await eventually('the end of earlier streams', async () => await streams() === 0);
      for (const leave of [(socket) => socket.destroy(), (socket) => socket.end()]) {
        const socket = await open(listener);
        socket.write(`GET ${CONNECT}?userId=leaves HTTP/1.1\r\n${HOST}\r\n`);
        await socket.heard(/connect-finish/);
        assert.equal(await streams(), 1);
        leave(socket);
        await eventually('the end of the stream', async () => await streams() === 0);
      }
    });

    test('requests one after the other on one connection', async () => {
      const agent = new (listener.scheme === 'https' ? https : http).Agent({ keepAlive: true, maxSockets: 1 });
      const first = await request(listener, '/health/live', { agent });
      const second = await request(listener, '/sse/demo/send', { agent, method: 'POST', headers: { authorization, 'content-type': 'application/json' }, body: '{"event":"a","data":1,"userId":"nobody"}' });
      const third = await request(listener, '/nothing', { agent });
      assert.deepEqual([first.status, second.status, third.status], [200, 200, 404]);
      assert.equal(first.socket, third.socket);
      agent.destroy();
    });

    test('HEAD has the fields of GET and no body', async () => {
      const socket = await open(listener);
      socket.write(`HEAD /sse/demo HTTP/1.1\r\n${HOST}\r\n${GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')}`);
      const [head, get] = (await socket.whole).split(/(?=HTTP\/1\.1 )/);
      assert.match(head, /content-length: [1-9]/);
      assert.match(head, /\r\n\r\n$/);
      assert.match(get, /connection: close\r\n/);
    });

    test('HTTP/1.0, whose streams end with the connection', async () => {
      const socket = await open(listener);
      socket.write(`GET ${CONNECT}?userId=old HTTP/1.0\r\n\r\n`);
      const text = await socket.heard(/connect-finish[^]*\n\n/);
      assert.match(text, /connection: close\r\n\r\nid:/);
      assert.doesNotMatch(text, /chunked/);
      socket.destroy();
      const once = await open(listener);
      once.write('GET /health/live HTTP/1.0\r\n\r\n');
      assert.match(await once.whole, /connection: close\r\n/);
    });

    test('curl is asked for its body when that is wanted, and not else', async () => {
      const send = ['-v', '-H', 'Expect: 100-continue', '-H', 'content-type: application/json', '-d', '{"event":"a","data":1,"userId":"x"}', `${url}/sse/demo/send`];
      const wanted = await curl('-H', `authorization: ${authorization}`, ...send);
      assert.match(wanted.stderr, /< HTTP\/1\.1 100 Continue[^]*< HTTP\/1\.1 200/);
      const refused = await curl('-H', 'authorization: Bearer wrong-wrong-wrong', ...send);
      assert.doesNotMatch(refused.stderr, /100 Continue/);
      assert.match(refused.stderr, /< HTTP\/1\.1 401/);
    });

    test('pipelined requests wait for their turn', async () => {
      const socket = await open(listener);
      socket.write(GET.repeat(50) + GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
      assert.equal((await socket.whole).match(/HTTP\/1\.1 200 OK/g).length, 51);
    });

    test('absolute targets, by their own authority', async () => {
      const { stdout } = await curl('--request-target', 'http://example.test/health/live', `${url}/`);
      assert.match(stdout, /true|live|ok/i);
    });

    test('wget sees success and failure', async () => {
      assert.equal((await run('wget', ['-q', '-O', '-', '--no-check-certificate', `${url}/health/live`])).code, 0);
      assert.equal((await run('wget', ['-q', '-O', '-', '--no-check-certificate', `${url}/nothing`])).code, 8);
    });

    test('an admin listener is scraped and probed', async () => {
      const admin = server.listeners[index + 2];
      const { stdout } = await curl('-H', `authorization: ${authorization}`, '-w', '%{http_code} %{http_version}', '-o', '/dev/null', `${admin.origin}/metrics`);
      assert.equal(stdout, '200 1.1');
      for (const path of ['/health/live', '/health/ready']) {
        assert.equal((await request(admin, path)).status, 200);
      }
      assert.equal((await request(admin, `${CONNECT}?userId=1`)).status, 404);
    });

    test('fetch, requests, urllib3 and httpx send', async () => {
      const body = JSON.stringify({ event: 'a', data: 'é', userId: 'nobody' });
      if (listener.scheme === 'http') { // it takes no certificate that it does not know
        const answer = await fetch(`${url}/sse/demo/send`, { method: 'POST', headers: { authorization, 'content-type': 'application/json' }, body });
        assert.equal(answer.status, 200);
        assert.equal((await answer.json()).data.count, 0);
      }
      const program = `
import requests, urllib3, httpx, sys, warnings
warnings.simplefilter('ignore')
url, authorization, body = sys.argv[1:]
headers = {'authorization': authorization, 'content-type': 'application/json'}
pool = urllib3.PoolManager(cert_reqs='CERT_NONE')
said = [pool.request('POST', url, body=body.encode(), headers=headers).status for _ in range(3)]
with requests.Session() as session:
    said += [session.post(url, data=part, headers=headers, verify=False).status_code for part in (body.encode(), iter([body.encode()]))]
with httpx.Client(verify=False) as client:
    answer = client.post(url, content=body, headers=headers)
    said += [answer.status_code, answer.http_version]
print(*said)
`;
      const { stdout, stderr } = await run(PYTHON, ['-c', program, `${url}/sse/demo/send`, authorization, body]);
      assert.equal(stdout.trim(), '200 200 200 200 200 200 HTTP/1.1', stderr);
    });

    test('what could be read in two ways is answered once, and ends the connection', async () => {
      const post = `POST /sse/demo/send HTTP/1.1\r\n${HOST}authorization: ${authorization}\r\ncontent-type: application/json\r\n`;
      const behind = GET;
      for (const octets of [
        `${post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        `${post}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n`,
        `${post}Content-Length: 0\r\nContent-Length: 4\r\n\r\n`,
        `${post}Content-Length: 0, 4\r\n\r\n`,
        `${post}Content-Length : 4\r\n\r\n`,
        `${post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
        `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
        `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
        `${post}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n`,
        `${post}Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n`,
        `${post}Transfer-Encoding: chunked\r\n\r\n0\r\nA : b\r\n\r\n`,
        `GET / HTTP/1.1\n${HOST}\n`,
        `GET / HTTP/1.1\r\n${HOST}\rX`,
        `GET / HTTP/1.1\r\n${HOST}A: b\0c\r\n\r\n`,
        'GET / HTTP/1.1\r\n\r\n',
        `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`,
        'GET /\r\n\r\n',
      ]) {
        const socket = await open(listener);
        socket.write(octets + behind);
        const answers = (await socket.whole).match(/HTTP\/1\.1 \d+/g);
        assert.equal(answers.length, 1, `${octets}: ${socket.text}`);
        assert.match(answers[0], /(400|501)$/, octets);
        assert.match(socket.text, /\r\nconnection: close\r\n/);
      }
    });

    test('an upload of 20 MB, in a length and in chunks', async () => {
      const file = `${server.stateDirectory}/large`;
      await run('truncate', ['-s', '20M', file]);
      for (const how of [[], ['-H', 'Transfer-Encoding: chunked']]) {
        const { stdout, stderr } = await curl(...how, '-F', `file=@${file}`, '-w', '%{http_code}', `${url}${CONNECT}/upload/large.do?userId=1`);
        assert.match(stdout, /200$/, stdout + stderr);
      }
    });
  });
}

test('metrics say what is spoken', async () => {
  const [, clear] = server.listeners;
  const others = async () => await metric(clear, 'sse_server_sessions_opened_total') - await metric(clear, 'sse_server_http1_sessions_total');
  const before = await others();
  await run('curl', ['-sS', '--http2-prior-knowledge', `${clear.origin}/health/live`]);
  assert.equal(await others(), before + 1);
  assert.ok(await metric(clear, 'sse_server_http1_streams_total') > await metric(clear, 'sse_server_http1_sessions_total'));
});
