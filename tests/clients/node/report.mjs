// SPDX-License-Identifier: Apache-2.0
// What both clients of this folder have in common: where they connect to, and how they say what came.
import { readFileSync } from 'node:fs';

import { Agent, fetch as undiciFetch } from 'undici';

const [, , address, authority] = process.argv;
const connect = { ca: readFileSync(authority) };

export { address };

// Node's own fetch, which speaks HTTP/2 where it is told that it may. Requests to an HTTP/2 session that
// has ended hang in the undici that Node 18 can run: each has one of its own.
export function fetch(url, options) {
  return undiciFetch(url, { ...options, dispatcher: new Agent({ allowH2: true, connect }) });
}

export function report(id, event, data) {
  process.stdout.write(`${JSON.stringify({ id, event, data })}\n`);
}
