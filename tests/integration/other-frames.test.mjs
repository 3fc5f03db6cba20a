// SPDX-License-Identifier: Apache-2.0
// Under an nghttp2 whose frame buffers cannot be shared, sessions have their own, and nobody sees
// other bytes than theirs. A preloaded module is that nghttp2 (tests/support/other_frames.c).
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { startServer } from './support/server.mjs';

const module = process.env.SSE_SERVER_OTHER_FRAMES;
const skip = module ? false : 'needs SSE_SERVER_OTHER_FRAMES, which ctest sets';
const WARNING = /every HTTP\/2 connection has a frame buffer of its own.* reason=".*" kib_per_connection=16/g;
const PAGES = 8;
const ROUNDS = 20;
const METRIC = 'sse_server_shared_frame_buffer';

function start(variables) {
  return startServer({ variables: { ...variables, SSE_SERVER_WORKERS: '2' } });
}

async function useIt(server, office) {
  const pages = await Promise.all(Array.from({ length: PAGES }, () => connect(server.origin)));
  const streams = await Promise.all(pages.map((page, i) => page.connect({ userId: `user-${i}`, listeners: 'note' })));
  for (let round = 0; round < ROUNDS; round++) {
    const texts = streams.map((_, i) => String.fromCharCode(97 + i).repeat(100 + round * 900));
    const sent = texts.map((text, i) => office.send({ event: 'note', data: { text }, userId: `user-${i}` }));
    const asked = pages.map((page, i) => page.get(`/nothing-${i}-${round}`));
    const told = streams.map((stream) => stream.next('note'));
    for (const answer of await Promise.all(asked)) {
      assert.equal(answer.status, 404);
    }
    await Promise.all(sent);
    assert.deepEqual(await Promise.all(told), texts.map((text) => ({ text })));
  }
  await Promise.all(pages.map((page) => page.close()));
}

for (const way of ['larger', 'malloc', 'keeps', 'state', 'grows']) {
  test(`buffers that are not handled as expected (${way}) are not shared`, { skip }, async () => {
    const server = await start({ OTHER_FRAMES: way, LD_PRELOAD: module, ASAN_OPTIONS: 'verify_asan_link_order=0' });
    try {
      assert.equal(server.output.match(WARNING)?.length, 1, server.output);
      const office = await backend(server);
      assert.equal(await office.metric(METRIC), 0);
      await useIt(server, office);
      await office.close();
    } finally {
      await server.stop();
    }
  });
}

test('those of the library that is installed are shared', { skip }, async () => {
  const server = await start({});
  try {
    const office = await backend(server);
    assert.equal(await office.metric(METRIC), 2); // in each of two workers
    assert.equal(server.output.match(WARNING), null);
    await useIt(server, office);
    await office.close();
  } finally {
    await server.stop();
  }
});
