// SPDX-License-Identifier: Apache-2.0
// Libraries of Node that POST a message: send.mjs LIBRARY; SSE_URL and SSE_API_KEY say where and as whom,
// NODE_EXTRA_CA_CERTS whose certificate is to be trusted. Prints the status and the answer.
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';

const url = new URL(`${process.env.SSE_URL}/send`);
const headers = { authorization: `Bearer ${process.env.SSE_API_KEY}`, 'content-type': 'application/json' };
const body = process.env.SSE_MESSAGE;

async function textOf(stream) {
  let text = '';
  for await (const piece of stream.setEncoding('utf8')) {
    text += piece;
  }
  return text;
}

async function byHttp() {
  const request = (url.protocol === 'https:' ? https : http).request(url, { method: 'POST', headers });
  request.end(body);
  const [answer] = await once(request, 'response');
  return [answer.statusCode, await textOf(answer)];
}

async function byHttp2() {
  const session = http2.connect(url.origin);
  const request = session.request({ ':method': 'POST', ':path': url.pathname, ...headers });
  request.end(body);
  const [answer] = await once(request, 'response');
  const text = await textOf(request);
  session.close();
  return [answer[':status'], text];
}

async function byFetch(fetch) {
  const answer = await fetch(url, { method: 'POST', headers, body });
  return [answer.status, await answer.text()];
}

async function byUndici() {
  const { request } = await import('undici');
  const answer = await request(url, { method: 'POST', headers, body });
  return [answer.statusCode, await answer.body.text()];
}

async function byAxios() {
  const { default: axios } = await import('axios');
  const options = { headers, validateStatus: () => true, responseType: 'text', transformResponse: (text) => text };
  const answer = await axios.post(url.href, body, options);
  return [answer.status, answer.data];
}

async function byGot(http2Too) {
  const { default: got } = await import('got');
  const answer = await got.post(url, { headers, body, http2: http2Too, throwHttpErrors: false });
  return [answer.statusCode, answer.body];
}

async function bySuperagent() {
  const { default: superagent } = await import('superagent');
  const answer = await superagent.post(url.href).set(headers).send(body).ok(() => true);
  return [answer.status, answer.text];
}

const LIBRARIES = {
  http: byHttp,
  http2: byHttp2,
  fetch: () => byFetch(fetch),
  undici: byUndici,
  axios: byAxios,
  got: () => byGot(false),
  'got with http2': () => byGot(true),
  'node-fetch': async () => byFetch((await import('node-fetch')).default),
  superagent: bySuperagent,
};

console.log(...await LIBRARIES[process.argv[2]]());
