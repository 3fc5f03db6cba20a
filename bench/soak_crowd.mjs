// SPDX-License-Identifier: Apache-2.0
// One process of clients of bench/soak: readers, slow ones, or those that come and go. It tells its
// parent what it has seen, and may be stopped and go on at any moment.
import { connect } from '../tests/integration/support/client.mjs';
import { MULTIPART, multipart } from '../tests/integration/support/multipart.mjs';

const BASE = '/sse/demo/connect';
const [role, origin, count] = process.argv.slice(2);
const said = { got: [], problems: [], counts: {} };

function bump(what, by = 1) {
  said.counts[what] = (said.counts[what] ?? 0) + by;
}

function problem(text) {
  bump('problems');
  if (said.problems.length < 20) {
    said.problems.push(`${role}: ${text}`);
  }
}

setInterval(() => {
  process.send({ ...said });
  Object.assign(said, { got: [], problems: [], counts: {} });
}, 200);
process.on('disconnect', () => process.exit());

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const between = (least, most) => least + Math.random() * (most - least);

// Readers: they acknowledge, die with what they have not acknowledged, and come back where they were.

class Reader {
  acknowledged = new Map(); // id: when that was answered
  news; // the number of the last one
  lives = 0;

  constructor(name) {
    this.name = name;
  }

  async live() {
    const began = Date.now();
    const client = await connect(origin);
    const pending = new Set();
    let isTold = false;
    let seenHere = -1;
    const onEvent = ({ event, id, data }) => {
      if (event === 'sse-gap') {
        bump('gaps');
        isTold = true;
      } else if (event === 'order') {
        this.#takeOrder(id, data, began, pending);
      } else if (event === 'news') {
        const { n } = JSON.parse(data);
        if (n <= seenHere) {
          problem(`${this.name} got news ${n} behind ${seenHere} on one connection`);
        } else if (this.news !== undefined && n > this.news + 1 && !isTold) {
          problem(`${this.name} got news ${n} behind ${this.news} and was told of no gap`);
        }
        seenHere = n;
        this.news = Math.max(this.news ?? n, n);
        isTold = false;
      }
    };
    try {
      const reader = await client.connect(
        { userId: this.name, channel: 'news', clientId: `${this.name}-${this.lives++}` },
        { lastId: this.lastId, onEvent });
      if (reader.status !== 200) {
        problem(`${this.name} was answered ${reader.status}`);
        return;
      }
      reader.end().catch(() => {}).then(() => { reader.isOver = true; });
      const until = Date.now() + between(1000, 10_000);
      while (!reader.isOver && Date.now() < until) {
        await this.#acknowledge(client, reader, pending);
        await sleep(between(20, 100));
      }
      this.lastId = reader.lastId;
    } finally {
      client.session.destroy();
      await sleep(between(0, 1000));
    }
  }

  #takeOrder(id, data, began, pending) {
    const { check } = JSON.parse(data);
    if (check !== `check ${id}`) {
      problem(`${this.name} got ${id} damaged`);
    }
    if ((this.acknowledged.get(id) ?? Infinity) < began) {
      problem(`${this.name} got ${id} on a connection that is younger than the answer to its acknowledgement`);
    }
    said.got.push(id);
    pending.add(id);
  }

  async #acknowledge(client, reader, pending) {
    const ids = [...pending].slice(0, 1000);
    if (ids.length === 0) {
      return;
    }
    const answer = await client.postJson(`${BASE}/ack.do`, { connectionId: reader.id, ids });
    if (answer.status === 200) {
      ids.forEach((id) => {
        pending.delete(id);
        this.acknowledged.set(id, Date.now());
      });
    } else if (answer.status !== 404) {
      problem(`${this.name} acknowledged and was answered ${answer.status} ${answer.text}`);
    }
  }
}

async function read(n) {
  const reader = new Reader(`reader-${n}`);
  for (;;) {
    await reader.live().catch(() => bump('broken connections'));
    bump('lives of readers');
  }
}

// Slow ones: they stop reading, and go on.

async function beSlow(n) {
  let lastId;
  for (let life = 0; ; life++) {
    try {
      const client = await connect(origin);
      const reader = await client.connect(
        { userId: `slow-${n}`, channel: 'bulk', clientId: `slow-${n}-${life}` }, { lastId });
      reader.end().catch(() => {}).then(() => { reader.isOver = true; });
      while (!reader.isOver) {
        reader.stream.pause();
        await sleep(between(1000, 8000));
        reader.stream.resume();
        await sleep(between(500, 2000));
        reader.events.length = 0;
      }
      lastId = Math.random() < 0.5 ? reader.lastId : undefined;
      client.session.destroy();
    } catch {
      bump('broken connections');
    }
    bump('lives of slow readers');
  }
}

// Those that come and go: each with names that nobody had before.

const bad = [
  (client) => client.post(`${BASE}/message/x.do?userId=a`, '{"a":', { 'content-type': 'application/json' }),
  (client) => client.postJson(`${BASE}/ack.do`, { connectionId: 'x'.repeat(300), ids: [1] }),
  (client) => client.get(`/sse/demo/${'deep/'.repeat(50)}?${'a=b&'.repeat(100)}`),
  (client) => client.request('BREW', BASE, {}),
  (client) => client.postForm(`${BASE}/addListener.do`, { connectionId: '0', listener: '\u0000' }),
  (client) => client.post(`${BASE}/upload/x.do?userId=a`, 'no multipart', { 'content-type': MULTIPART }),
  (client) => client.postJson('/sse/demo/send', { event: 'x', all: true }, { authorization: 'Bearer no key' }),
];

async function visit(name) {
  const client = await connect(origin);
  try {
    const reader = await client.connect({
      userId: `user-${name}`, clientId: `client-${name}`, accessToken: `token-${name}`,
      channel: `channel-${name}`, listeners: `listener-${name}`,
    });
    const query = `connectionId=${reader.id}`;
    const change = (path, body) => client.postJson(`${BASE}/${path}`, { connectionId: reader.id, ...body });
    const answers = await Promise.all([
      change('addListener.do', { listener: [`more-${name}`] }),
      change('subscribe.do', { channel: [`further-${name}`] }),
      client.postJson(`${BASE}/message/note.do?${query}`, { name }, { 'idempotency-key': `key-${name}` }),
      client.post(`${BASE}/upload/file.do?${query}`,
        multipart([{ name: 'file', fileName: `${name}.txt`, data: 'x'.repeat(between(10, 20_000)) }]),
        { 'content-type': MULTIPART, 'idempotency-key': `up-${name}` }),
    ]);
    for (const { status, text } of answers) {
      if (status !== 200) {
        problem(`${name} was answered ${status} ${text}`);
      }
    }
    const { status } = await bad[Math.floor(Math.random() * bad.length)](client);
    if (status < 400 || status >= 500) {
      problem(`what is wrong was answered ${status}`);
    }
    if (Math.random() < 0.5) {
      await client.postForm(`${BASE}/disconnect.do`, { connectionId: reader.id });
    }
  } finally {
    client.session.destroy();
    bump('visits');
  }
}

async function comeAndGo(n) {
  for (let visits = 0; ; visits++) {
    await visit(`${process.pid}-${n}-${visits}`).catch((error) => problem(error.message));
    await sleep(between(0, 100));
  }
}

const run = { readers: read, slow: beSlow, churn: comeAndGo }[role];
for (let n = 0; n < Number(count); n++) {
  run(n);
}
