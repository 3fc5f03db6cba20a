// SPDX-License-Identifier: Apache-2.0
// JSON as the world writes it: what is somebody's own goes through token by token, wherever it comes
// in and by whatever way it leaves.
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { after, afterEach, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { connect } from './support/client.mjs';
import { newHost } from './support/host.mjs';
import { MULTIPART, multipart } from './support/multipart.mjs';
import { KEY } from './support/server.mjs';
import { startTarget } from './support/target.mjs';

const CONNECT = '/sse/demo/connect';
const AUTHORIZED = { authorization: `Bearer ${KEY}` };

const deep = (levels) => '[{"a":'.repeat(levels / 2) + '0' + '}]'.repeat(levels / 2);

// As it is sent; and as it leaves, where that is otherwise.
const VALUES = [
  ['digits beyond 64 bits', '[123456789012345678901234567890,-9223372036854775809]'],
  ['numbers as they are written', '[1.10,1e3,1E+3,-0,-0.0,0.1000,1e400]'],
  ['escapes as they are written', String.raw`["\u0041\u00e9\u00E9\/","\b\f\n\r\t\"\\"]`],
  ['NUL', String.raw`{"\u0000":"a\u0000b"}`],
  ['half a surrogate', String.raw`["\ud800","\udc00\ud800x","\ud83d\ude00"]`],
  ['a key twice', '{"a":1,"a":2,"A":3}'],
  ['512 levels', deep(512)],
  ['20,000 values', JSON.stringify(Array(20_000).fill(1))],
  ['white space between tokens', ' { "a b" :\t[ 1 ,\r\n 2 ] } ', '{"a b":[1,2]}'],
  ['separators of lines', '["\u2028\u2029\u0085"]'],
  ['a number', '1.0'],
  ['null', 'null'],
  ['false', 'false'],
];

// Of a text, what the page reads.
const TEXTS = [
  ['escapes', String.raw`"\u0041\u00e9\/\"\t"`, 'A\u00e9/"\t'],
  ['half a surrogate', String.raw`"a\ud800b\udc00\ud83d\ude00"`, 'a\ufffdb\ufffd\u{1f600}'],
  ['NUL', String.raw`"a\u0000b"`, 'a\0b'],
  ['all ends of lines', String.raw`"a\r\nb\rc\nd"`, 'a\nb\nc\nd'],
  ['white space', '"  a  "', '  a  '],
  ['JSON in a text', String.raw`"{ \"a\": 1.10 }"`, '{ "a": 1.10 }'],
];

const FAULTS = [
  ['513 levels', `{"event":"e","all":true,"data":${deep(512).replace('0', '[]')}}`, /line 1, column \d+: .*512 levels/],
  ['octets that are no UTF-8', Buffer.from('{"event":"e","all":true,\n"data":"\xff"}', 'latin1'), /line 2, column 9: .*UTF-8/],
  ['half a token', '{"event":"e","all":true,"data":[1,tru]}', /line 1, column 35/],
  ['a leading zero', '{"event":"e","all":true,"data":01}', /line 1, column 32/],
  ['a line break in a string', '{"event":"e","all":true,"data":"a\nb"}', /line 1, column 34/],
  ['an escape that is none', String.raw`{"event":"e","all":true,"data":"\x41"}`, /line 1, column 33/],
  ['data twice', '{"event":"e","all":true,"data":1,"data":2}', /duplicate/],
  ['data twice, once otherwise', String.raw`{"event":"e","all":true,"data":1,"d\u0061ta":2}`, /duplicate/],
];

describe('JSON', () => {
  let host;
  let office;
  let page;
  let target;
  let calls = 0;

  const open = async () => {
    office = await backend(host.server);
    page = await connect(host.server.origin);
  };

  before(async () => {
    target = await startTarget();
    host = await newHost({
      variables: {
        SSE_SERVER_SERVICES_0_HANDLERS_MESSAGE_URL: target.url('/message'),
        SSE_SERVER_SERVICES_0_QUEUE_BYTES: '4MiB',
        SSE_SERVER_SERVICES_0_EVENT_DATA_BYTES: '128KiB',
        SSE_SERVER_SERVICES_0_LINE_BYTES: '256KiB',
        SSE_SERVER_SERVICES_0_JSON_BODY_BYTES: '4MiB',
      },
    });
    await host.start();
    await open();
  });
  after(async () => {
    await page.close();
    await office.close();
    await host.close();
    await target.close();
  });
  afterEach(() => {
    target.requests.length = 0;
    target.answer = () => ({ status: 200, json: null });
  });

  // raw: a text of JSON.
  async function post(path, raw) {
    const answer = await page.postJson(path, raw, AUTHORIZED);
    assert.equal(answer.status, 200, answer.text);
    return answer;
  }

  const message = (data, more = '"userId":"json"') => `{"event":"e", "data": ${data} ,${more}}`;
  const compact = ([, sent, leaves = sent]) => leaves;

  for (const [what, sent, leaves = sent] of [...VALUES, ...TEXTS]) {
    test(`data goes through: ${what}`, async () => {
      const reader = await page.connect({ userId: 'json' });
      await post('/sse/demo/send', message(sent));
      await reader.count('e', 1);
      assert.equal(reader.named('e')[0].data, leaves);
      await reader.close();
    });
  }

  test('data of an array of messages goes through, each its own', async () => {
    const reader = await page.connect({ userId: 'json' });
    const all = [...VALUES, ...TEXTS];
    await post('/sse/demo/send', `[{"event":"none","all":true},${all.map(([, sent]) => message(sent))}]`);
    await reader.count('e', all.length);
    assert.deepEqual(reader.named('e').map(({ data }) => data), all.map(compact));
    await reader.close();
  });

  test('data goes through by the history and the store, also over a restart', async () => {
    const before = await page.connect({ userId: 'json' });
    const { lastId } = before;
    await before.close();
    const all = [...VALUES, ...TEXTS];
    await post('/sse/demo/send', `[${all.map(([, sent]) => message(sent))}]`);
    const back = await page.connect({ userId: 'json' }, { lastId });
    await back.count('e', all.length);
    assert.deepEqual(back.named('e').map(({ data }) => data), all.map(compact));
    await back.close();

    await post('/sse/demo/send', `[${all.map(([, sent]) => message(sent, '"userId":"stored","qos":1'))}]`);
    for (const end of ['restart', 'crash']) {
      await Promise.all([page.close(), office.close()]);
      await host[end]();
      await open();
      const listed = await office.get('messages?userId=stored&pageSize=1000');
      assert.equal(listed.status, 200);
      let at = 0;
      for (const one of all) {
        const [what, sent] = one;
        const shown = TEXTS.includes(one) ? sent : compact(one);
        at = listed.text.indexOf(`"data":${shown}`, at) + 1;
        assert.ok(at > 0, `${what}: ${shown.slice(0, 80)}`);
      }
    }
    const stored = await page.connect({ userId: 'stored' });
    await stored.count('e', all.length);
    assert.deepEqual(stored.named('e').map(({ data }) => data), all.map(compact));
    await stored.close();
  });

  test('a message that comes again is the same with other white space, and another with other tokens', async () => {
    const more = '"userId":"again","qos":1,"id":"one"';
    await post('/sse/demo/send', message('{"a":1.10}', more));
    assert.equal((await post('/sse/demo/send', message('{ "a" : 1.10 }', more))).data.repeated, true);
    const other = await page.postJson('/sse/demo/send', message('{"a":1.1}', more), AUTHORIZED);
    assert.equal(other.status, 409);
  });

  for (const [what, body, words] of FAULTS) {
    test(`refuses in data ${what}, and says where`, async () => {
      const answer = await page.post('/sse/demo/send', body, { 'content-type': 'application/json', ...AUTHORIZED });
      assert.equal(answer.status, 400, answer.text);
      assert.match(answer.json.errorMessage, words);
    });
  }

  test('data is bounded by what the page gets of it', async () => {
    const most = 128 * 1024;
    const reader = await page.connect({ userId: 'json' });
    await post('/sse/demo/send', message(`[${' '.repeat(most)}"${'x'.repeat(most - 4)}"]`));
    await post('/sse/demo/send', message(`"${'\\u0041'.repeat(most)}"`));
    await reader.count('e', 2);
    assert.deepEqual(reader.named('e').map(({ data }) => data.replaceAll('\n', '').length), [most, most]);
    for (const data of [`["${'x'.repeat(most - 3)}"]`, `"${'\\u0041'.repeat(most + 1)}"`]) {
      const answer = await page.postJson('/sse/demo/send', message(data), AUTHORIZED);
      assert.equal(answer.status, 413);
      assert.match(answer.json.errorMessage, new RegExp(`${most + 1} bytes`));
    }
    await reader.close();
  });

  for (const [what, sent, leaves = sent] of [...VALUES, ...TEXTS.map(([name, text]) => [name, text])]) {
    test(`what a page says reaches the handler as it is, and so its answer the page: ${what}`, async () => {
      const answered = `[${sent}]`;
      target.answer = () => ({ status: 200, body: answered, headers: { 'content-type': 'application/json' } });
      const wrapped = what === '512 levels' ? sent.slice(1, -1) : `{"own":${sent}}`;
      const query = what === 'NUL' ? '' : '&q=1&own=query&a=query';
      const answer = await page.postJson(`${CONNECT}/message/say.do?userId=7${query}`, wrapped,
        { 'idempotency-key': `key-${calls++}` });
      if (what === '512 levels') {
        assert.equal(answer.status, 502, 'its answer has one level more');
      } else {
        assert.equal(answer.text, `{"success":true,"code":200,"data":${answered},"message":null,"errorMessage":null}`);
      }
      const text = target.requests[0].body.toString();
      const own = what === '512 levels' ? sent.slice(2, -2) : `"own":${leaves}`;
      const left = query && (what === '512 levels' ? '"userId":"7","q":"1","own":"query",' : '"userId":"7","q":"1","a":"query",');
      assert.ok(text.endsWith(`,"message":{${left || '"userId":"7",'}${own}}}`), text.slice(-200));
    });
  }

  test('a body of a page is an object, and nothing behind it', async () => {
    for (const [body, status, words] of [
      ['[1]', 422, /object/], ['"a"', 422, /object/], ['17', 422, /object/],
      ['{} x', 400, /line 1, column 4: .*behind/], ['{"a":1', 400, /line 1, column 7/], [' ', 400, /value/],
      [`{"a":${deep(512)}}`, 400, /512 levels/],
    ]) {
      const answer = await page.postJson(`${CONNECT}/message/say.do?userId=7`, body);
      assert.equal(answer.status, status, body);
      assert.match(answer.json.errorMessage, words);
    }
    assert.equal(target.requests.length, 0);
    for (const body of ['{}', ' { } \n', '\ufeff{}', 'null', ' null']) {
      await post(`${CONNECT}/message/say.do?access-token=x&userId=7`, body);
      assert.match(target.requests.at(-1).body.toString(), /"message":\{"userId":"7"\}\}$/);
    }
  });

  test('a byte order mark is skipped: in every body, and before a handler\'s answer', async () => {
    const reader = await page.connect({ userId: 'json' });
    for (const [path, body] of [
      ['/sse/demo/send', message('1')],
      ['/sse/demo/send', `[${message('2')}]`],
      ['/sse/demo/setDuration', '{"userId":"nobody","duration":1}'],
      ['/sse/demo/disconnectUser', '{"userId":"nobody"}'],
      [`${CONNECT}/addListener.do`, `{"connectionId":"${reader.id}","listener":["e"]}`],
      [`${CONNECT}/removeListener.do`, `{"connectionId":"${reader.id}","listener":["e"]}`],
      [`${CONNECT}/subscribe.do`, `{"connectionId":"${reader.id}","channel":"c"}`],
      [`${CONNECT}/unsubscribe.do`, `{"connectionId":"${reader.id}","channel":"c"}`],
      [`${CONNECT}/ack.do`, `{"connectionId":"${reader.id}","ids":["x"]}`],
    ]) {
      await post(path, `\ufeff${body}`);
    }
    await reader.count('e', 2);
    target.answer = () => ({ status: 200, body: '\ufeff{"a":1}', headers: { 'content-type': 'application/json' } });
    assert.deepEqual((await post(`${CONNECT}/message/say.do?userId=7`, '\ufeff{"n":1}')).data, { a: 1 });
    assert.ok(target.requests.at(-1).body.toString().endsWith('"n":1}}'));
    await reader.close();
  });

  const BODIES = [
    ['/sse/demo/send', 'application/json', message('1')],
    ['/sse/demo/setDuration', 'application/json', '{"userId":"nobody","duration":1}'],
    ['/sse/demo/disconnectUser', 'application/json', '{"userId":"nobody"}'],
    [`${CONNECT}?userId=7`, 'application/x-www-form-urlencoded', 'name=Ann'],
    [`${CONNECT}/addListener.do?userId=7`, 'application/json', '{}'],
    [`${CONNECT}/removeListener.do?userId=7`, 'application/json', '{}'],
    [`${CONNECT}/subscribe.do?userId=7`, 'application/json', '{}'],
    [`${CONNECT}/unsubscribe.do?userId=7`, 'application/json', '{}'],
    [`${CONNECT}/refresh.do?userId=7`, 'application/json', '{}'],
    [`${CONNECT}/ack.do?userId=7`, 'application/json', '{}'],
    [`${CONNECT}/message/say.do?userId=7`, 'application/json', '{}'],
    [`${CONNECT}/disconnect.do?userId=7`, 'application/x-www-form-urlencoded', 'connectionId=x'],
    [`${CONNECT}/upload/file.do?userId=7`, MULTIPART, multipart([{ name: 'f', fileName: 'a', data: 'x' }])],
  ];
  for (const [path, type, body] of BODIES) {
    test(`${path} refuses a body that is encoded, and says what it takes`, async () => {
      for (const coding of ['gzip', 'br', 'GZIP', 'deflate, gzip']) {
        const answer = await page.post(path, gzipSync(body), { 'content-type': type, 'content-encoding': coding, ...AUTHORIZED });
        assert.equal(answer.status, 415, answer.text);
        assert.equal(answer.headers['accept-encoding'], 'identity');
        assert.ok(answer.json.errorMessage.includes(`"${coding}"`), answer.text);
        assert.match(answer.json.errorMessage, /identity/);
      }
      if (!path.includes('connect?')) {
        const plain = await page.post(path, body, { 'content-type': type, 'content-encoding': 'identity', ...AUTHORIZED });
        assert.notEqual(plain.status, 415, plain.text);
      }
    });
  }
});
