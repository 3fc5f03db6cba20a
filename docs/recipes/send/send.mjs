// SPDX-License-Identifier: Apache-2.0
// Sends to pages with Node alone: SSE_URL=https://push.example.org/sse/hr SSE_API_KEY=… node send.mjs
// SSE_CA_FILE, if set, holds the certificates to trust instead of the system's.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import { text } from 'node:stream/consumers';

const { SSE_URL, SSE_API_KEY, SSE_CA_FILE } = process.env;

// Keeps one session, and opens another when the server has closed it.
class Sender {
  #url = new URL(SSE_URL);
  #options = SSE_CA_FILE ? { ca: readFileSync(SSE_CA_FILE) } : {};
  #session;

  #connected() {
    if (!this.#session || this.#session.closed || this.#session.destroyed) {
      this.#session = http2.connect(this.#url.origin, this.#options);
      this.#session.on('error', () => {}); // its requests say so as well
    }
    return this.#session;
  }

  // The answer's data: {id, count}, or an array of that for an array.
  async send(message) {
    const request = this.#connected().request({
      ':method': 'POST',
      ':path': `${this.#url.pathname}/send`,
      authorization: `Bearer ${SSE_API_KEY}`,
      'content-type': 'application/json',
    }, { signal: AbortSignal.timeout(10_000) });
    request.end(JSON.stringify(message));
    const [headers] = await once(request, 'response');
    const answer = JSON.parse(await text(request));
    if (headers[':status'] !== 200) {
      throw new Error(`${headers[':status']} ${answer.errorMessage}`);
    }
    return answer.data;
  }

  close() {
    this.#session?.close();
  }
}

const sender = new Sender();
try {
  // To one user, and an array to many.
  console.log(await sender.send({ event: 'hello', data: { n: 1 }, userId: '7' }));
  console.log(await sender.send([
    { event: 'hello', data: { n: 2 }, userId: ['7', '8'] },
    { event: 'hello', data: { n: 3 }, all: true },
  ]));
  // A mistake: whom is this for?
  await sender.send({ event: 'hello', data: { n: 4 } }).catch(({ message }) => console.log(`not sent: ${message}`));
} finally {
  sender.close();
}
