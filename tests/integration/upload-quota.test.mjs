// SPDX-License-Identifier: Apache-2.0
// What uploads may take of the disk: of a user, of a service, and of what is free, which two uploads are
// not granted both.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect, readAnswer } from './support/client.mjs';
import { MULTIPART, multipart } from './support/multipart.mjs';
import { run } from './support/run.mjs';
import { serverBinary, startServer } from './support/server.mjs';
import { startTarget } from './support/target.mjs';
import { eventually, within } from './support/wait.mjs';

const KIB = 1024;
const MIB = 1024 * KIB;
const LIMITS = 'SSE_SERVER_SERVICES_0_LIMITS';
const path = (user) => `/sse/demo/connect/upload/x.do?userId=${user}`;
const file = (size, name = 'f') => ({ name, fileName: name, data: Buffer.alloc(size, 'd') });

let directory;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sse-server-uploads-'));
});
after(() => rm(directory, { recursive: true }));

async function withServer(variables, use, options = {}) {
  const server = await startServer({ variables: { SSE_SERVER_WORKERS: '2', ...variables }, ...options });
  const office = await backend(server);
  // Node answers what it cannot hold itself with ENHANCE_YOUR_CALM.
  const pages = await Promise.all(Array.from({ length: 4 }, () => connect(server.origin)));
  try {
    await use({ server, office, pages, page: pages[0] });
  } finally {
    await Promise.all([office, ...pages].map((client) => client.close()));
    await server.stop();
  }
}

// A whole upload. sized: it declares its length.
async function upload(page, user, size, { sized = true } = {}) {
  const body = multipart([file(size)]);
  const length = sized ? { 'content-length': `${body.length}` } : {};
  return answerOf(page.open('POST', path(user), { 'content-type': MULTIPART, ...length }), body);
}

// A client that leaves its body when it has the answer, instead of being told to after a while.
async function answerOf(stream, body) {
  const parts = [];
  const answer = {};
  stream.on('response', (headers) => Object.assign(answer, { headers, status: headers[':status'] }));
  stream.on('data', (part) => parts.push(part));
  stream.end(body);
  await within('the answer', once(stream, 'end'));
  stream.close();
  answer.text = Buffer.concat(parts).toString();
  return { ...answer, json: JSON.parse(answer.text) };
}

// One that declares its length and ends when it is told to. status: as soon as there is one.
function begin(page, user, size, parts = [file(size)]) {
  const body = multipart(parts);
  const stream = page.open('POST', path(user), { 'content-type': MULTIPART, 'content-length': `${body.length}` });
  const upload = { stream, body, status: undefined };
  stream.on('response', (fields) => {
    upload.status = fields[':status'];
  });
  stream.on('error', () => {});
  upload.answer = readAnswer(stream).catch(() => undefined);
  const last = body.length - 10;
  stream.write(body.subarray(0, last));
  upload.end = () => {
    stream.end(body.subarray(last));
    return within('the answer', upload.answer);
  };
  return upload;
}

const used = (office) => office.metric('sse_server_upload_bytes');

function isLimit(answer, status, limit) {
  assert.equal(answer.status, status, answer.text);
  assert.match(answer.json.errorMessage, new RegExp(`services\\[\\]\\.limits\\.${limit}\\b`));
  assert.match(answer.headers['retry-after'], /^\d+$/);
}

for (const sized of [true, false]) {
  test(`a user has so many bytes, under way and kept, ${sized ? 'declared' : 'as they come'}`, () => withServer({
    [`${LIMITS}_USER_UPLOAD_BYTES`]: `${MIB}`,
  }, async ({ office, pages }) => {
    assert.equal((await upload(pages[0], 'ann', 600 * KIB, { sized })).status, 200);
    isLimit(await upload(pages[1], 'ann', 600 * KIB, { sized }), 429, 'userUploadBytes');
    assert.equal((await upload(pages[2], 'ann', 300 * KIB, { sized })).status, 200);
    assert.equal((await upload(pages[1], 'bob', 600 * KIB, { sized })).status, 200);
    assert.equal(await used(office), 1500 * KIB);
  }));
}

test('a user, and a service, has so many files', () => withServer({
  [`${LIMITS}_USER_UPLOAD_FILES`]: '3',
  [`${LIMITS}_UPLOAD_FILES`]: '5',
}, async ({ page }) => {
  for (let n = 0; n < 3; n++) {
    assert.equal((await upload(page, 'ann', 1)).status, 200);
  }
  isLimit(await upload(page, 'ann', 1), 429, 'userUploadFiles');
  for (let n = 0; n < 2; n++) {
    assert.equal((await upload(page, `u${n}`, 1)).status, 200);
  }
  isLimit(await upload(page, 'eve', 1), 503, 'uploadFiles');
}));

test('a service has so many bytes', () => withServer({
  [`${LIMITS}_UPLOAD_BYTES`]: `${MIB}`,
}, async ({ page }) => {
  assert.equal((await upload(page, 'ann', 600 * KIB)).status, 200);
  isLimit(await upload(page, 'bob', 600 * KIB), 503, 'uploadBytes');
}));

test('uploads at a time are not granted the same bytes, and give back what they do not use', () => withServer({
  [`${LIMITS}_USER_UPLOAD_BYTES`]: `${MIB}`,
}, async ({ office, pages }) => {
  const uploads = Array.from({ length: 8 }, (_, n) => begin(pages[n % 4], 'ann', 300 * KIB));
  await eventually('five refusals', () => uploads.filter(({ status }) => status === 429).length === 5);
  const granted = uploads.filter(({ status }) => status === undefined);
  assert.equal(granted.length, 3);
  assert.ok(await used(office) <= MIB);

  // A client that breaks its upload off, or leaves, holds nothing any more.
  granted[0].stream.close(8);
  await eventually('its bytes to be free', async () => await used(office) < 700 * KIB);
  const next = begin(pages[0], 'ann', 300 * KIB);
  await eventually('them to be taken', async () => await used(office) > 900 * KIB);
  assert.equal((await granted[1].end()).status, 200);
  assert.equal((await granted[2].end()).status, 200);
  assert.equal((await next.end()).status, 200);
  assert.equal(await used(office), 900 * KIB);
}));

test('one user does not hold all files that may be open', () => withServer({
  [`${LIMITS}_USER_OPEN_FILES`]: '10',
}, async ({ pages, office }) => {
  const parts = Array.from({ length: 6 }, (_, n) => file(100, `f${n}`));
  const first = begin(pages[0], 'ann', 0, parts);
  await eventually('six files', async () => await office.metric('sse_server_upload_files') === 6);
  isLimit(await begin(pages[1], 'ann', 0, parts).answer, 429, 'userOpenFiles');
  assert.equal((await begin(pages[1], 'bob', 0, parts).end()).status, 200);
  assert.equal((await first.end()).status, 200);
  assert.equal((await begin(pages[1], 'ann', 0, parts).end()).status, 200);
}));

test('files leave descriptors for others: 503', () => withServer({
  SSE_SERVER_WORKERS: '1',
}, async ({ page }) => {
  const body = multipart(Array.from({ length: 40 }, (_, n) => file(10, `f${n}`)));
  const answer = await page.post(path('ann'), body, { 'content-type': MULTIPART });
  assert.equal(answer.status, 503, answer.text);
  assert.match(answer.json.errorMessage, /open file/);
  assert.match(answer.headers['retry-after'], /^\d+$/);
  assert.equal((await upload(page, 'ann', 10)).status, 200);
}, { binary: 'sh', args: ['-c', `ulimit -n 128 && exec ${serverBinary()}`] }));

describe('what a handler', () => {
  let target;
  before(async () => {
    target = await startTarget();
  });
  after(() => target.close());

  const cases = [
    ['has taken no longer counts', 200, 0],
    ['has refused is gone', 404, 0],
    ['may have taken counts on', 500, 600 * KIB],
  ];
  for (const [what, status, left] of cases) {
    test(what, () => withServer({
      [`${LIMITS}_USER_UPLOAD_BYTES`]: `${MIB}`,
      SSE_SERVER_SERVICES_0_HANDLERS_UPLOAD_URL: target.url('/upload'),
    }, async ({ page, office }) => {
      target.answer = () => ({ status, json: null });
      const answer = await upload(page, 'ann', 600 * KIB);
      assert.equal(answer.status, { 200: 200, 404: 404, 500: 500 }[status]);
      assert.equal(await used(office), left);
      const second = await upload(page, 'ann', 600 * KIB);
      assert.equal(second.status, left ? 429 : answer.status);
    }));
  }
});

test('what is kept is counted again after a restart', async () => {
  const variables = { [`${LIMITS}_USER_UPLOAD_BYTES`]: `${MIB}` };
  const stateDirectory = await mkdtemp(join(directory, 'state-'));
  await withServer(variables, async ({ page }) => {
    assert.equal((await upload(page, 'ann', 600 * KIB)).status, 200);
  }, { stateDirectory });
  await withServer(variables, async ({ page, office }) => {
    await eventually('the count', async () => await used(office) === 600 * KIB);
    isLimit(await upload(page, 'ann', 600 * KIB), 429, 'userUploadBytes');
    assert.equal((await upload(page, 'bob', 600 * KIB)).status, 200);
  }, { stateDirectory });
});

test('with an age old uploads go, and nothing else', async () => {
  const uploads = await mkdtemp(join(directory, 'aged-'));
  const foreign = ['keep.txt', 'f'.repeat(47), 'f'.repeat(49), 'F'.repeat(48), '0'.repeat(32)];
  await Promise.all(foreign.map((name) => writeFile(join(uploads, name), 'x')));
  await withServer({
    SSE_SERVER_SERVICES_0_UPLOAD_AGE: '1s',
    SSE_SERVER_SERVICES_0_UPLOAD_DIRECTORY: uploads,
  }, async ({ page, office }) => {
    assert.equal((await upload(page, 'ann', 600 * KIB)).status, 200);
    await eventually('the upload to be gone', async () => await used(office) === 0);
    assert.deepEqual((await readdir(uploads)).sort(), foreign.sort());
  });
});

// How a disk of one's own can be had: as root, or as one's own root.
async function wayToMount() {
  const ways = [['--mount'], ['--user', '--map-root-user', '--mount']];
  const tries = await Promise.all(ways.map((way) => run('unshare', [...way, 'mount', '-t', 'tmpfs', 'none', tmpdir()])));
  return ways.find((_, n) => tries[n].code === 0);
}

const unshare = await wayToMount();
const skip = unshare ? false : 'needs a tmpfs of its own: CAP_SYS_ADMIN, or user namespaces';
const RESERVE = 64 * MIB;

for (const sized of [true, false]) {
  test(`uploads at a time leave the reserve of a disk, ${sized ? 'declared' : 'as they come'}`, { skip }, async () => {
    const disk = await mkdtemp(join(directory, 'disk-'));
    await withServer({
      SSE_SERVER_SERVICES_0_UPLOAD_DIRECTORY: disk,
    }, async ({ server, pages, office }) => {
      const mounted = join(`/proc/${server.pid}/root`, disk);
      const free = async () => {
        const { bavail, bsize } = await statfs(mounted);
        return bavail * bsize;
      };
      assert.ok(await free() < RESERVE + 37 * MIB);
      const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => upload(pages[n % 4], `u${n}`, 11 * MIB, { sized })));
      const statuses = answers.map(({ status }) => status);
      assert.ok(await free() >= RESERVE, `${await free()} bytes are left`);
      if (sized) {
        assert.deepEqual(statuses.filter((status) => status === 200), [200, 200, 200]);
      }
      assert.ok(statuses.every((status) => status === 200 || status === 503), `${statuses}`);
      assert.ok(statuses.includes(503));
      const refused = answers.find(({ status }) => status === 503);
      assert.match(refused.headers['retry-after'], /^\d+$/);
      assert.equal(await used(office), statuses.filter((status) => status === 200).length * 11 * MIB);
    }, {
      binary: 'unshare',
      args: [...unshare, 'sh', '-c', `mount -t tmpfs -o size=100m none ${disk} && exec ${serverBinary()}`],
    });
  });
}
