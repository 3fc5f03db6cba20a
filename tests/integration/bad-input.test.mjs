// SPDX-License-Identifier: Apache-2.0
// What is wrong is refused with the right status and a sentence that names it, on every endpoint;
// and the server goes on.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { connect } from './support/client.mjs';
import { KEY, startServer } from './support/server.mjs';

const BASE = '/sse/demo';
const AUTHORIZED = { authorization: `Bearer ${KEY}` };
const JSON_TYPE = { 'content-type': 'application/json' };
const KIB = 1024;

let server;
let client;
before(async () => {
  server = await startServer();
  client = await connect(server.origin);
});
after(async () => {
  await client.close();
  await server.stop();
});
afterEach(async () => {
  assert.equal((await client.get('/health/live')).status, 200, 'the session and the server go on');
});

// statuses: those that are right; words: what the sentence must name.
function refused(answer, statuses, words = /\S/) {
  assert.ok([statuses].flat().includes(answer.status), `${answer.status}, not ${statuses}: ${answer.text}`);
  const { success, code, data, message, errorMessage } = answer.json;
  assert.deepEqual({ success, code, data }, { success: false, code: answer.status, data: null });
  assert.ok(message);
  assert.match(`${message} ${errorMessage}`, words);
}

// Every endpoint that takes JSON, with a body that it likes.
const JSON_ENDPOINTS = {
  [`${BASE}/connect/addListener.do?userId=7`]: { connectionId: 'x', listener: ['a'] },
  [`${BASE}/connect/removeListener.do?userId=7`]: { connectionId: 'x', listener: ['a'] },
  [`${BASE}/connect/subscribe.do?userId=7`]: { connectionId: 'x', channel: ['a'] },
  [`${BASE}/connect/unsubscribe.do?userId=7`]: { connectionId: 'x', channel: 'a' },
  [`${BASE}/connect/refresh.do?userId=7`]: { connectionId: 'x', accessToken: 'y' },
  [`${BASE}/connect/message/hello.do?userId=7`]: { n: 1 },
  [`${BASE}/connect/ack.do?userId=7`]: { connectionId: 'x', ids: ['a'] },
  [`${BASE}/send`]: { event: 'hello', data: 1, all: true },
  [`${BASE}/disconnectUser`]: { userId: 'nobody' },
  [`${BASE}/setDuration`]: { userId: 'nobody', duration: 1 },
};

const JSON_FAULTS = [
  ['half an object', '{"a":', 400, /line|column|position|end/i],
  ['no JSON at all', 'a=b', 400, /line|column|position/i],
  ['something behind the end', '{} x', 400, /end|behind|after|trailing/i],
  ['a number', '17', [400, 422], /object|array/i],
  ['a text', '"hello"', [400, 422], /object|array/i],
  ['null', 'null', [400, 422], /object|array/i],
  ['33 levels', `${'{"a":'.repeat(32)}[]${'}'.repeat(32)}`, 400, /deep|depth|nest|level/i],
  ['100,000 levels', '['.repeat(100_000), 400, /deep|depth|nest|level/i],
  ['10,001 values', JSON.stringify({ a: Array(10_001).fill(0) }), [400, 413], /10,?000|values|many/i],
  ['a key twice', '{"a":1,"a":2}', 400, /twice|duplicate|"?a"?/i],
  ['a NUL', '{"a":"\\u0000"}', 400, /NUL|u0000/i],
  ['octets that are no UTF-8', Buffer.from('{"a":"\xff\xfe"}', 'latin1'), 400, /UTF-8/i],
  ['half a surrogate', '{"a":"\\ud800"}', 400, /surrogate|unicode|UTF|\\u/i],
  ['1e400', '{"a":1e400}', 400, /number|range|large|big|overflow/i],
  ['an integer beyond 64 bits', '{"a":9223372036854775808}', 400, /integer|number|range|large|big|overflow/i],
  ['more than 1 MiB', JSON.stringify({ a: 'x'.repeat(KIB * KIB) }), 413, /large|limit|bytes|\d/i],
];

// What a page says to a handler is passed on as it is (json.test.mjs).
const IS_PASSED_ON = ['null', '33 levels', '10,001 values', 'a key twice', 'a NUL', 'half a surrogate', '1e400', 'an integer beyond 64 bits'];

for (const [path, good] of Object.entries(JSON_ENDPOINTS)) {
  describe(path, () => {
    const faults = JSON_FAULTS.filter(([what]) => !path.includes('/message/') || !IS_PASSED_ON.includes(what));
    for (const [what, body, statuses, words] of faults) {
      test(`refuses ${what}`, async () => {
        refused(await client.post(path, body, { ...JSON_TYPE, ...AUTHORIZED }), statuses, words);
      });
    }

    test('refuses other content types with 415', async () => {
      const body = JSON.stringify(good);
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', 'application/xml']) {
        refused(await client.post(path, body, { 'content-type': type, ...AUTHORIZED }), 415, /application\/json/);
      }
    });

    test('takes parameters behind the content type', async () => {
      const type = { 'content-type': 'Application/JSON; charset=UTF-8', ...AUTHORIZED };
      const answer = await client.post(path, JSON.stringify(good), type);
      assert.equal(answer.status, 200, answer.text);
    });

    test('refuses other methods with 405 and says which it takes', async () => {
      for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH']) {
        const answer = await client.request(method, path, { headers: AUTHORIZED });
        assert.equal(answer.status, 405);
        assert.match(answer.headers.allow, /\bPOST\b/);
      }
    });
  });
}

function send(message) {
  return client.postJson(`${BASE}/send`, message, AUTHORIZED);
}

describe('send', () => {
  const good = { event: 'hello', data: 1, all: true };
  const cases = [
    ['nothing at all', { all: true }, 422, /event/],
    ['no event that could be stored', { comment: 'c', qos: 1, userId: '7' }, 422, /qos/],
    ['a comment with LF', { ...good, comment: 'a\nb' }, 422, /comment/],
    ['a comment of 4,097', { ...good, comment: 'c'.repeat(4097) }, 422, /comment/],
    ['a reconnectTime of nothing', { ...good, reconnectTime: 0 }, 422, /reconnectTime/],
    ['a reconnectTime of more than a day', { ...good, reconnectTime: 86_400_001 }, 422, /reconnectTime/],
    ['an empty event', { ...good, event: '' }, 422, /event/],
    ['an event that is no text', { ...good, event: 1 }, 422, /event/],
    ['an event name with LF', { ...good, event: 'a\nb' }, 422, /event/],
    ['an event name with CR', { ...good, event: 'a\rdata: x' }, 422, /event/],
    ['an event name of 129', { ...good, event: 'e'.repeat(129) }, 422, /event/],
    ['an id with LF', { ...good, id: 'a\n\ndata: x' }, 422, /\bid\b/],
    ['an id of 129', { ...good, id: 'i'.repeat(129) }, 422, /\bid\b/],
    ['no selector', { event: 'a', data: 1 }, 422, /userId/],
    ['two selectors', { ...good, userId: '7' }, 422, /userId|one/],
    ['a selector that is not known', { event: 'a', data: 1, userName: 'Ann' }, 422, /userName/],
    ['all: false', { ...good, all: false }, 422, /all/],
    ['a selector that is an object', { event: 'a', data: 1, userId: { id: 7 } }, 422, /userId/],
    ['a selector with null in it', { event: 'a', data: 1, userId: ['7', null] }, 422, /userId/],
    ['listening that is no yes or no', { ...good, listening: 'yes' }, 422, /listening/],
    ['data above 64 KiB', { ...good, data: 'x'.repeat(64 * KIB + 1) }, [413, 422], /data/],
    ['a field that no message has', { ...good, colour: 'red' }, 422, /colour/],
  ];
  for (const [what, message, statuses, words] of cases) {
    test(`refuses ${what}`, async () => {
      refused(await send(message), statuses, words);
    });
  }

  test('refuses an array with a bad message in it, says which, and sends none of it', async () => {
    const page = await connect(server.origin);
    const stream = await page.connect({ userId: '7' });
    refused(await send([good, { ...good, event: 'a\nb' }]), 422, /1|2|second/);
    await send({ event: 'fence', data: 0, all: true });
    await stream.next('fence');
    assert.equal(stream.named('hello').length, 0);
    await page.close();
  });

  test('takes data of 64 KiB', async () => {
    assert.equal((await send({ ...good, data: `${'x'.repeat(32 * KIB - 1)}\n${'y'.repeat(32 * KIB)}` })).status, 200);
  });
});

describe('commands', () => {
  const cases = [
    ['disconnectUser', {}, /userId/],
    ['disconnectUser', { all: true }, /all|userId/],
    ['disconnectUser', { userId: '7', accessToken: 't' }, /one|accessToken|userId/],
    ['disconnectUser', { userId: '7', reconnect: 'soon' }, /reconnect/],
    ['disconnectUser', { userId: '7', reconnect: true }, /reconnect.*false.*milliseconds/],
    ['disconnectUser', { userId: '7', reason: 5 }, /reason/],
    ['disconnectUser', { userId: '7', revoke: 'yes' }, /revoke/],
    ['setDuration', { duration: 1 }, /userId/],
    ['setDuration', { userId: '7' }, /duration/],
    ['setDuration', { userId: '7', duration: -1 }, /duration/],
    ['setDuration', { userId: '7', duration: 'long' }, /duration/],
  ];
  for (const [command, body, words] of cases) {
    test(`${command} refuses ${JSON.stringify(body)}`, async () => {
      refused(await client.postJson(`${BASE}/${command}`, body, AUTHORIZED), 422, words);
    });
  }
});

describe('stored messages', () => {
  for (const query of ['', '?all=false', '?all=yes', '?userId=', '?all=true&userId=7', '?id=x&userId=7', '?id=x&all=true',
    '?all=yes&userId=7']) {
    test(`are not deleted by messages${query}`, async () => {
      const answer = await client.request('DELETE', `${BASE}/messages${query}`, { headers: AUTHORIZED });
      refused(answer, 422, /id.*userId.*all=true/);
    });
  }

  test('that are not there are 404', async () => {
    for (const path of ['messages/none', 'messages?id=none', 'messages?id=', 'messages/a%20b']) {
      refused(await client.get(`${BASE}/${path}`, AUTHORIZED), 404);
      refused(await client.request('DELETE', `${BASE}/${path}`, { headers: AUTHORIZED }), 404);
    }
  });

  test('have pages with numbers', async () => {
    for (const query of ['pageNum=0', 'pageSize=many', 'timeout=-1']) {
      refused(await client.get(`${BASE}/messages?${query}`, AUTHORIZED), 400, /whole number/);
    }
  });
});

describe('listeners', () => {
  for (const [what, listener] of [['a text', 'a'], ['a number in it', [1]], ['LF in a name', ['a\nb']],
    ['a name of 129', ['l'.repeat(129)]], ['an empty name', ['']]]) {
    test(`with ${what} are refused`, async () => {
      const page = await connect(server.origin);
      const stream = await page.connect({ userId: '7' });
      const body = { connectionId: stream.id, listener };
      refused(await page.postJson(`${BASE}/connect/addListener.do`, body), [400, 422], /listener/);
      await page.close();
    });
  }

  test('of connect with LF in a name are left out, and told', async () => {
    const stream = await client.connect('userId=7&listeners=ok,a%0Ab');
    assert.deepEqual(stream.finish.leftOut, [{ listener: 'a\nb', reason: 'invalid' }]);
    await stream.close();
  });
});

describe('channels', () => {
  for (const [what, channel] of [['a number', 7], ['a number in it', ['a', 1]], ['an object', {}], ['LF in a name', ['a\nb']],
    ['a control character', '\x1b[2J'], ['a name of 129', 'c'.repeat(129)], ['an empty name', ['']], ['none', []],
    ['null', null]]) {
    test(`with ${what} are refused`, async () => {
      const page = await connect(server.origin);
      const stream = await page.connect({ userId: '7', channel: 'a' });
      for (const command of ['subscribe.do', 'unsubscribe.do']) {
        const body = { connectionId: stream.id, channel };
        refused(await page.postJson(`${BASE}/connect/${command}`, body), 422, /channel/);
      }
      await page.close();
    });
  }

  test('without a connection are refused', async () => {
    for (const command of ['subscribe.do', 'unsubscribe.do']) {
      refused(await client.postJson(`${BASE}/connect/${command}?userId=7`, { channel: 'a' }), 422, /connectionId/);
    }
  });

  test('of connect with a control character, or 129 bytes, are left out, and told', async () => {
    for (const channel of ['a\nb', 'a\x1bb', 'c'.repeat(129)]) {
      const stream = await client.connect([['userId', '7'], ['channel', 'a'], ['channel', channel]]);
      assert.deepEqual(stream.finish.leftOut, [{ channel, reason: 'invalid' }]);
      assert.deepEqual((await stream.next('sse-left-out')).leftOut, stream.finish.leftOut);
      await stream.close();
    }
  });
});

describe('refresh.do', () => {
  const good = { connectionId: 'x', accessToken: 'y' };
  for (const [what, body, words] of [
    ['no connection', { ...good, connectionId: undefined }, /connectionId/],
    ['a connection that is a number', { ...good, connectionId: 7 }, /connectionId/],
    ['a token that is a number', { ...good, accessToken: 7 }, /accessToken/],
    ['an empty token', { ...good, accessToken: '' }, /accessToken/],
  ]) {
    test(`refuses ${what}`, async () => {
      refused(await client.postJson(`${BASE}/connect/refresh.do?userId=7`, body), 422, words);
    });
  }

  test('needs a credential', async () => {
    refused(await client.postJson(`${BASE}/connect/refresh.do`, good), 401);
  });
});

describe('a path', () => {
  const cases = [
    ['/sse/demo/../../etc/passwd', [400, 404]],
    ['/../sse/demo', [400, 404]],
    ['/sse/demo/%2e%2e/%2e%2e/etc/passwd', [400, 404]],
    ['/sse/demo%2fsend', [400, 404]],
    ['/sse/demo%5csend', [400, 404]],
    ['/sse/demo%00', 400],
    ['/sse/demo%0a', 400],
    ['/sse/demo%zz', 400],
    ['/sse/demo%', 400],
    ['/sse/demo/%c0%ae%c0%ae/', 400],
    ['/sse/demo/%ff', 400],
    ['//sse/demo', 404],
    ['/sse//demo', 404],
    ['/SSE/demo', 404],
    ['/sse/demo//', 404],
    ['/sse/demo/nowhere', 404],
    ['/sse/demo;x=1', 404],
    ['/nowhere', 404],
    [`/${'x'.repeat(4 * KIB)}`, 414],
    [`/sse/demo/connect/message/${'x'.repeat(129)}.do?userId=7`, [400, 404, 405, 414]],
    ['/sse/demo/connect/message/.do?userId=7', [400, 404, 405]],
    ['/sse/demo/connect/upload/a/../../b.do', [400, 404, 405]],
  ];
  for (const [path, statuses] of cases) {
    test(`${path.slice(0, 60)} is refused`, async () => {
      refused(await client.get(path), statuses);
    });
  }
});

describe('a query', () => {
  for (const query of ['userId=%zz', 'userId=%', 'userId=%00', 'userId=%c0%af', 'userId=%ff']) {
    test(`${query} is refused`, async () => {
      refused(await client.get(`${BASE}/connect?${query}`), 400);
    });
  }

  test('with more than 100 parameters is refused', async () => {
    const many = Array.from({ length: 101 }, (_, n) => `p${n}=1`).join('&');
    refused(await client.get(`${BASE}/connect?userId=7&${many}`), [400, 413], /100|many|parameters|fields/);
  });

  for (const query of ['pageSize=-1', 'pageSize=many', 'pageSize=0', 'pageNum=0', 'pageNum=-1', 'pageNum=one',
    'timeout=soon']) {
    test(`${query} is refused, and named`, async () => {
      for (const path of ['users', 'connections']) {
        refused(await client.get(`${BASE}/${path}?${query}`, AUTHORIZED), 400, new RegExp(query.split('=')[0]));
      }
    });
  }

  test('with a huge pageSize is refused or cut to 1000', async () => {
    const answer = await client.get(`${BASE}/connections?pageSize=1000000000`, AUTHORIZED);
    if (answer.status === 200) {
      assert.equal(answer.data.pageSize, 1000);
    } else {
      refused(answer, 400, /pageSize/);
    }
  });

  test('with a name that is not known is refused, and told those that are', async () => {
    refused(await client.get(`${BASE}/users?colour=red`, AUTHORIZED), 400, /colour.*clientId/);
  });

  test('online needs userId', async () => {
    refused(await client.get(`${BASE}/online`, AUTHORIZED), [400, 422], /userId/);
  });
});

describe('header fields', () => {
  const fields = (count, value = 'v') =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`x-field-${n}`, value]));

  test('90 are taken', async () => {
    assert.equal((await client.get(BASE, fields(90))).status, 200);
  });

  for (const [what, headers] of [['101 fields', fields(101)], ['a field of 8 KiB', { 'x-long': 'v'.repeat(8 * KIB + 1) }],
    ['17 KiB in all', fields(4, 'v'.repeat(4300))], ['150 cookies', { cookie: Array.from({ length: 150 }, (_, n) => `c${n}=1`) }]]) {
    test(`${what} are refused with 431`, async () => {
      // A session of its own: a few of these close it.
      const page = await connect(server.origin);
      const answer = await page.get(BASE, headers);
      assert.equal(answer.status, 431, answer.text);
      await page.close();
    });
  }

  test('host that differs from :authority is refused', async () => {
    refused(await client.get(BASE, { ':authority': 'one.example', host: 'two.example' }), 400, /host|authority/i);
  });
});

describe('a body', () => {
  for (const [what, length] of [['shorter', 9], ['longer', 11]]) {
    test(`${what} than its content-length is not acted on`, async () => {
      const body = `{"event":"bodies","data":1,"all":true}`;
      const headers = { ...JSON_TYPE, ...AUTHORIZED, 'content-length': String(body.length + (length < 10 ? 1 : -1)) };
      const page = await connect(server.origin);
      const stream = await page.connect({ userId: '7' });
      await assert.rejects(async () => {
        const answer = await page.post(`${BASE}/send`, body, headers);
        assert.equal(answer.status, 400);
        throw new Error('answered with 400, which is right too');
      });
      const still = await connect(server.origin);
      await still.postJson(`${BASE}/send`, { event: 'fence', data: 0, all: true }, AUTHORIZED);
      await stream.next('fence');
      assert.equal(stream.named('bodies').length, 0);
      await page.close();
      await still.close();
    });
  }

  test('on a GET is ignored or refused', async () => {
    const answer = await client.request('GET', BASE, { body: 'hello' });
    assert.ok([200, 400].includes(answer.status));
  });

  test('announced by expect: 100-continue is taken', async () => {
    const answer = await client.postJson(`${BASE}/connect/message/hello.do?userId=7`, {}, { expect: '100-continue' });
    assert.equal(answer.status, 200);
  });

  test('of connect is as large as header fields may be', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    refused(await client.post(`${BASE}/connect`, `userId=7&channel=${'x'.repeat(16 * KIB)}`, form), 413);
  });

  test('of disconnect.do must be a form, or JSON', async () => {
    const path = `${BASE}/connect/disconnect.do?userId=7`;
    refused(await client.post(path, '<a/>', { 'content-type': 'application/xml' }), 415, /x-www-form-urlencoded/);
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    refused(await client.post(path, 'connectionId=%zz', form), 400);
  });
});

test('unknown methods are refused', async () => {
  for (const method of ['BREW', 'TRACE', 'PROPFIND']) {
    const answer = await client.request(method, BASE);
    assert.ok([400, 405, 501].includes(answer.status), `${method}: ${answer.status}`);
  }
});

test('what clients say cannot forge lines of the log', async () => {
  const talkative = await startServer({ variables: { SSE_SERVER_LOG_LEVEL: 'debug' } });
  const page = await connect(talkative.origin);
  const headers = { 'user-agent': `level=error forged ${'u'.repeat(4000)}` };
  const query = { userId: 'x', name: '\x1b[2J\nlevel=error forged', clientId: 'c\r\nforged' };
  const stream = await page.connect(query, { headers });
  assert.ok([200, 400, 401, 422].includes(stream.status), `${stream.status}`);
  await page.close();
  await talkative.stop();
  assert.doesNotMatch(talkative.output, /\x1b|^(level=error )?forged/m);
});

describe('what serializers write for what is absent', () => {
  const absent = { id: null, userId: null, accessToken: null, tenantId: null, channel: null, connectionId: null,
    listening: null, qos: null, ttl: null, receipt: null };

  test('is not there in a message: null, and all: false', async () => {
    for (const message of [
      { ...absent, event: 'hello', data: null, all: true },
      { ...absent, event: 'hello', data: 1, userId: '7', all: false },
      [{ ...absent, event: 'hello', tenantId: 't', all: false }],
    ]) {
      const answer = await send(message);
      assert.equal(answer.status, 200, answer.text);
    }
    refused(await send({ ...absent, event: 'hello', data: 1, all: false }), 422, /no selector/);
  });

  test('is not there in the other bodies', async () => {
    const page = await client.connect({ userId: 'nulls' });
    for (const [path, body] of [
      [`${BASE}/disconnectUser`, { userId: 'nobody', accessToken: null, connectionId: null, reason: null, reconnect: null, revoke: null }],
      [`${BASE}/setDuration`, { userId: 'nobody', accessToken: null, duration: 1 }],
      [`${BASE}/connect/addListener.do`, { connectionId: page.id, listener: ['a'], other: null }],
      [`${BASE}/connect/subscribe.do`, { connectionId: page.id, channel: ['a'], other: null }],
    ]) {
      const answer = await client.postJson(path, body, AUTHORIZED);
      assert.equal(answer.status, 200, `${path}: ${answer.text}`);
    }
    await page.close();
  });

  test('a byte order mark before JSON is skipped', async () => {
    const answer = await client.post(`${BASE}/send`, `\ufeff${JSON.stringify({ event: 'hello', data: 1, all: true })}`,
      { ...JSON_TYPE, ...AUTHORIZED });
    assert.equal(answer.status, 200, answer.text);
  });
});
