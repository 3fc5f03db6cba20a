// SPDX-License-Identifier: Apache-2.0
// Somebody else's site: pages with header fields of their own, of an origin that a browser trusts as it
// does https.
import { once } from 'node:events';
import http from 'node:http';

// pages: by path, {headers, body}; it may be added to later.
export async function startSite() {
  const pages = {};
  const site = http.createServer((request, answer) => {
    const { headers = {}, body } = pages[request.url] ?? {};
    const type = request.url.endsWith('.js') ? 'text/javascript' : 'text/html';
    answer.writeHead(body === undefined ? 404 : 200, { 'content-type': type, ...headers });
    answer.end(body);
  });
  site.listen(0, '127.0.0.1');
  await once(site, 'listening');
  return {
    pages,
    origin: `http://127.0.0.1:${site.address().port}`,
    stop() {
      site.closeAllConnections();
      site.close();
    },
  };
}
