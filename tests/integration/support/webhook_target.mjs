// SPDX-License-Identifier: Apache-2.0
// A back end that is told things by POST: what it was told, and how it answers. It can stop and come
// back on the same port.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';

import { freePort } from './port.mjs';

export const SECRET = 'webhook-test-secret';

// As README says: HMAC-SHA256 of "<time>.<body>".
export function isSigned({ headers, body }, secret = SECRET) {
  const [, time, given] = headers['sse-signature']?.match(/^t=(\d+),v1=([0-9a-f]{64})$/) ?? [];
  if (!time || Math.abs(Date.now() / 1000 - Number(time)) > 300) {
    return false;
  }
  const expected = createHmac('sha256', secret).update(`${time}.`).update(body).digest();
  return timingSafeEqual(Buffer.from(given, 'hex'), expected);
}

class WebhookTarget {
  requests = []; // all, in order: {headers, body, json, id, status}
  underWay = 0;
  mostUnderWay = 0;

  constructor(answer) {
    this.answer = answer;
  }

  get url() {
    return `http://127.0.0.1:${this.port}/hook?key=1`;
  }

  async start() {
    this.server = http.createServer((request, response) => this.#take(request, response));
    this.port ??= await freePort();
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
  }

  async #take(request, response) {
    this.underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    response.on('close', () => {
      this.underWay -= 1;
    });
    const parts = [];
    for await (const part of request) {
      parts.push(part);
    }
    const body = Buffer.concat(parts);
    const got = {
      method: request.method,
      path: request.url,
      headers: request.headers,
      body,
      json: JSON.parse(body.toString()),
      id: request.headers['idempotency-key'],
    };
    this.requests.push(got);
    // Undefined: no answer; the sender has to lose its patience.
    const said = await this.answer(got, this.requests.length);
    const { status, headers = {} } = typeof said === 'number' ? { status: said } : said ?? {};
    got.status = status;
    if (status) {
      response.writeHead(status, headers).end();
    }
  }

  // Those that it accepted: {type, userId, …}.
  get accepted() {
    return this.requests.filter(({ status }) => status >= 200 && status < 300).map(({ json }) => json);
  }

  async stop() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

export async function webhookTarget(answer = () => 204) {
  const target = new WebhookTarget(answer);
  await target.start();
  return target;
}

// Whom a notification is about.
export const userOf = ({ userId, connection }) => userId ?? connection.accessUserId;
