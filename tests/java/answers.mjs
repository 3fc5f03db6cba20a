// SPDX-License-Identifier: Apache-2.0
// What the Java system answers to its pages and to programs that read its lists, by the names of its recordings,
// written here by hand: {ask, status, answer}. "{id}" is the connection's. differs: fields that are ours, or of the
// moment, with what they are; recorded: what was recorded and is ours on purpose (null: all of it).
const USER = 'userId=7&name=Ann&tenantId=3&access-token=t7';
const COOKIE = { cookie: 'userId=7; access-token=t7', 'sec-fetch-site': 'same-origin' };
const BACK_END = { authorization: 'Bearer integration-test-key' };
const TIME = /^2\d{3}-\d\d-\d\d[ T]\d\d:\d\d:\d\d\.\d{3}(\+00:00|Z)$/;

export const PAGE = { userId: '7', name: 'Ann', tenantId: '3', 'access-token': 't7', clientId: 'c1', listeners: 'bell,news',
  channel: 'room1', locationHref: 'https://app.example/a', screen: '1280x800', clientVersion: '1.2.22', foo: 'bar' };

// Stored, as those who are meant are not there.
export const SENT = [
  { event: 'bell', data: { n: 1 }, userId: ['31', '32'], qos: 1 },
  { event: 'bell2', data: 'x', tenantId: '9', qos: 1, listening: true },
  { event: 'bell', data: 5, channel: 'room9', qos: 1 },
  { event: 'bell', data: 'y', accessToken: 't99', qos: 1 },
  { event: 'bell3', data: 'z', all: true, qos: 1, listening: true },
];

const ok = (data) => ({ success: true, code: 200, data, message: null, errorMessage: null });
const list = (rows, paging = {}) => ok({ total: rows.length, pageNum: 1, pageSize: 100, list: rows, timeout: false, ...paging });
const call = (path, json, headers = COOKIE) => ({ method: 'POST', path, json: JSON.stringify(json), headers });
const message = (path, json, query = '') => ({ method: 'POST', path: `/connect/message/${path}.do?${USER}&connectionId={id}${query}`, json });
// The credential is not the handler's.
const said = { userId: '7', name: 'Ann', tenantId: '3' };
const handled = (path, more = {}, connection = '{id}') => ok({ path, connection, message: { ...said, ...more } });
const withToken = { differs: ['data/message'] };
const ANN = { accessToken: 't7', id: 7, name: 'Ann', tenantId: 3 };

const CONNECTION = {
  arrayClassName: null, objectClassName: null, id: '{id}', createTime: '', timeout: 900000, accessTime: null, messageCount: 1,
  channel: 'room1', sessionDuration: null, lastRequestTime: '', requestMessageCount: 5, requestUploadCount: 0,
  listeners: ['bell', 'news', 'b'], locationHref: 'https://app.example/a', accessUserId: 7, accessTenantId: 3,
  accessToken: 't7', accessUser: ANN, accessUserClass: null, clientId: 'c1', clientVersion: '1.2.22',
  clientImportModuleTime: null, clientInstanceId: null, clientInstanceTime: null, serverId: '', requestIp: '127.0.0.1',
  requestDomain: '', userAgent: 'Example/1.0', httpParameters: PAGE, httpHeaders: { host: '', 'user-agent': 'Example/1.0' },
  screen: '1280x800', totalJSHeapSize: null, usedJSHeapSize: null, jsHeapSizeLimit: null, tenantId: 3, expireTime: '',
  accessUserName: 'Ann',
};
const ofConnection = {
  createTime: TIME, 'data/list/0/timeout': 'number', lastRequestTime: TIME, expireTime: TIME, serverId: 'string',
  requestDomain: /^http:\/\/127\.0\.0\.1:\d+$/, httpHeaders: 'object', requestMessageCount: 'number',
};
const recordedConnection = { differs: ['objectClassName', 'data/list/0/id'] };

const row = (eventName, body, filters, listenerName, whom) => ({
  arrayClassName: null, objectClassName: null, id: '', eventName, body, filters, listenerName,
  tenantIdList: null, userIdList: null, accessTokenList: null, channelList: null, ...whom });
const ROWS = [
  row('bell', { n: 1 }, 8, null, { userIdList: ['31', '32'] }),
  row('bell2', 'x', 18, 'bell2', { tenantIdList: ['9'] }),
  row('bell', 5, 32, 'bell', { channelList: ['room9'] }),
  row('bell', 'y', 4, null, { accessTokenList: ['t99'] }),
  row('bell3', 'z', 16, 'bell3', {}),
];
const messages = (query, rows) => (
  { ask: { path: `/connect/repositoryMessages.json${query}`, headers: BACK_END }, answer: list(rows), differs: { id: 'string' } });
const users = (query, rows, paging) => ({ ask: { path: `/connect/users.json?${USER}${query}`, headers: BACK_END }, answer: list(rows, paging) });

// In the order in which they are asked: some change what the next ones show.
export const ANSWERS = {
  addListener: { ask: call('/connect/addListener.do', { connectionId: '{id}', listener: ['a', 'b'] }),
    answer: ok({ listener: ['bell', 'news', 'a', 'b'] }) },
  removeListener: { ask: call('/connect/removeListener.do', { connectionId: '{id}', listener: ['a'] }),
    answer: ok({ listener: ['bell', 'news', 'b'] }) },
  'addListener-empty': { ask: call('/connect/addListener.do', {}), answer: ok({ listener: null }) },
  'addListener-unknown': { ask: call('/connect/addListener.do', { connectionId: '999', listener: ['a'] }),
    answer: ok({ error: 'connectionId not exist' }) },
  'message-one-segment': { ask: message('new', '{"a":1}', '&b=2'), answer: handled('new', { b: '2', a: 1 }), recorded: withToken },
  'message-no-body': { ask: message('ping'), answer: handled('ping'), recorded: withToken },
  'message-null-body': { ask: message('ping', 'null'), answer: handled('ping'), recorded: withToken },
  'message-utf8': { ask: message('%E4%BD%A0', '{}'), answer: handled('你'), recorded: withToken },
  // The Java system knows paths of one part only.
  message: { ask: message('orders/new', '{"a":1}', '&b=2'), answer: handled('orders/new', { b: '2', a: 1 }), recorded: null },
  'message-unknown-id': { ask: { method: 'POST', path: `/connect/message/ping.do?${USER}&connectionId=999`, json: '{}' },
    answer: handled('ping', {}, null), recorded: withToken },
  // What is the application's own is not the page's.
  'message-throws': { ask: message('boom', '{}'), status: 500, differs: { errorMessage: 'string', message: 'string' }, recorded: null,
    answer: { success: false, code: 500, data: null, message: '', errorMessage: '' } },
  connections: { ask: { path: `/connect/connections.json?${USER}`, headers: BACK_END }, answer: list([CONNECTION]),
    differs: ofConnection, recorded: recordedConnection },
  'connections-by-id': { ask: { path: `/connect/connections.json?${USER}&id={id}`, headers: BACK_END }, answer: list([CONNECTION]),
    differs: ofConnection, recorded: recordedConnection },
  users: users('', [ANN]),
  'users-page0': users('&pageNum=0&pageSize=0', [], { total: 1, pageNum: 0, pageSize: 0 }),
  // Of two names the first counts here.
  'users-name-trimmed': { ...users('', [ANN]), ask: { path: '/connect/users.json?name=%20an%20', headers: BACK_END }, recorded: null },
  'users-not-enabled': { ask: { service: 'raw', path: `/connect/users.json?${USER}` }, status: 401, recorded: null,
    differs: { errorMessage: 'string' }, answer: { success: false, code: 401, data: null, message: 'Please sign in.', errorMessage: '' } },
  repositoryMessages: messages('', ROWS),
  'repositoryMessages-listener': messages('?listeners=bell2', []),
  'repositoryMessages-tenant-listener': messages('?tenantId=9&listeners=bell2', [ROWS[1]]),
  'repositoryMessages-user31': messages('?userId=31', [ROWS[0]]),
  'trailing-slash': { ...users('', [ANN]), ask: { path: `/connect/users.json/?${USER}`, headers: BACK_END } },
  unauthorized: { ask: { path: '/connect?clientId=c2' }, status: 401, differs: { errorMessage: 'string' }, recorded: null,
    answer: { success: false, code: 401, data: null, message: 'Please sign in.', errorMessage: '' } },
  'disconnect-unknown': { ask: { method: 'POST', path: '/connect/disconnect.do', form: { connectionId: '999' } }, answer: ok({ count: 0 }) },
  disconnect: { ask: { method: 'POST', path: '/connect/disconnect.do', form: { clientId: 'c1', connectionId: '{id}',
    reason: 'visibilitychange', sseVersion: '1.2.22', duration: '5', sessionDuration: '12' } }, answer: ok({ count: 1 }) },
  'disconnect-none': { ask: { method: 'POST', path: '/connect/disconnect.do' }, answer: ok({ count: 0 }) },
};
