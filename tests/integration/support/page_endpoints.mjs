// SPDX-License-Identifier: Apache-2.0
// The endpoints by which a page acts on its connection: how each is asked, and what it says to the
// owner, and to a stranger, for whom there is no such connection.
import { MULTIPART, multipart } from './multipart.mjs';

const JSON_TYPE = 'application/json';
const FORM_TYPE = 'application/x-www-form-urlencoded';
const FORM = multipart([{ name: 'a', data: 'b' }]);

const unknown = ({ status, data }) => status === 200 && data.error === 'connectionId not exist';
const none = ({ status, data }) => status === 200 && data.count === 0;
const missing = ({ status }) => status === 404;

function json(path, body) {
  return (id) => ({ path, type: JSON_TYPE, body: JSON.stringify({ connectionId: id, ...body }) });
}

// request: path below /connect/, type and body, for a connection. needsUser: who shows no credential
// is told so, also on the connection's own session.
export const PAGE_ENDPOINTS = {
  'addListener.do': {
    request: json('addListener.do', { listener: ['x'] }),
    owner: ({ status, data }) => status === 200 && data.listener.includes('x'),
    stranger: unknown,
  },
  'removeListener.do': {
    request: json('removeListener.do', { listener: ['x'] }),
    owner: ({ status, data }) => status === 200 && !data.listener.includes('x'),
    stranger: unknown,
  },
  'subscribe.do': {
    request: json('subscribe.do', { channel: ['blue'] }),
    owner: ({ status, data }) => status === 200 && data.channel.includes('blue'),
    stranger: unknown,
  },
  'unsubscribe.do': {
    request: json('unsubscribe.do', { channel: ['red'] }),
    owner: ({ status, data }) => status === 200 && !data.channel.includes('red'),
    stranger: unknown,
  },
  'refresh.do': {
    request: json('refresh.do'),
    needsUser: true,
    owner: ({ status, data }) => status === 200 && 'expiresAt' in data,
    stranger: unknown,
  },
  'message/{path}.do': {
    request: (id) => ({ path: `message/hello.do?connectionId=${id}`, type: JSON_TYPE, body: '{}' }),
    owner: ({ status }) => status === 200,
    stranger: missing,
  },
  'upload/{path}.do': {
    request: (id) => ({ path: `upload/docs.do?connectionId=${id}`, type: MULTIPART, body: FORM }),
    owner: ({ status }) => status === 200,
    stranger: missing,
  },
  'ack.do': {
    request: json('ack.do', { ids: ['x'] }),
    owner: none,
    stranger: none,
  },
  // Last, since it ends the owner's connection.
  'disconnect.do': {
    request: (id) => ({ path: 'disconnect.do', type: FORM_TYPE, body: `connectionId=${id}` }),
    owner: ({ status, data }) => status === 200 && data.count === 1,
    stranger: none,
  },
};

// as: the headers and the parameters (of the query) that say who is asking; none by default.
export function callEndpoint(client, { request }, id, { base = '/sse/demo', headers, parameters = '' } = {}) {
  const { path, type, body } = request(id);
  const separator = path.includes('?') ? '&' : '?';
  return client.post(`${base}/connect/${path}${separator}${parameters}`, body, { 'content-type': type, ...headers });
}
