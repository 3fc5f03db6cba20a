// SPDX-License-Identifier: Apache-2.0
// The back end's side: commands and queries with the API key, on a session of their own.
import assert from 'node:assert/strict';

import { connect } from './client.mjs';
import { KEY } from './server.mjs';

class Backend {
  constructor(client, base, key) {
    this.client = client;
    this.base = base;
    this.authorized = { authorization: `Bearer ${key}` };
  }

  async #data(answer) {
    assert.equal(answer.status, 200, answer.text);
    const { data, ...envelope } = answer.json;
    assert.deepEqual(envelope, { success: true, code: 200, message: null, errorMessage: null });
    return data;
  }

  post(command, body) {
    return this.client.postJson(`${this.base}/${command}`, body, this.authorized);
  }

  get(query) {
    return this.client.get(query.startsWith('/') ? query : `${this.base}/${query}`, this.authorized);
  }

  async command(name, body) {
    return this.#data(await this.post(name, body));
  }

  async query(query) {
    return this.#data(await this.get(query));
  }

  send(message) {
    return this.command('send', message);
  }

  // The value of one metric of /metrics, summed over its series or over those that labels matches; 0
  // when there are none.
  async metric(name, labels = /^/) {
    const answer = await this.client.get('/metrics', this.authorized);
    assert.equal(answer.status, 200, answer.text);
    const family = name.replace(/_(?:bucket|sum|count)$/, '');
    assert.ok([`${name} `, `${family} histogram`].some((type) => answer.text.includes(`# TYPE ${type}`)), `there is no ${name}`);
    const lines = answer.text.split('\n').filter((line) => line.match(/^[a-z_]+/)?.[0] === name && labels.test(line));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  close() {
    return this.client.close();
  }
}

export async function backend(server, { base = '/sse/demo', key = KEY } = {}) {
  return new Backend(await connect(server.origin), base, key);
}
