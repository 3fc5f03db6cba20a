// SPDX-License-Identifier: Apache-2.0
// Compiled, not run: what the client's types take, and what they refuse.
import Sse, { type SseEvent, type SseGap } from '../../js/sse.js';

interface Bell extends SseEvent {
  readonly count?: number;
}

const sse = new Sse<{ bell: Bell; 'a-b': SseEvent }>({
  url: '/sse/hr',
  query: { userId: 7 },
  eventListeners: {
    bell(event) {
      const count: number | undefined = event.count;
      this.send('seen', { count });
    },
    'connect-close': (event) => event.closeReason.length,
    'sse-change-active': (event) => event.data.duration.sessionDuration,
    'a-b': null,
  },
});

sse.addListener('bell', (event) => event.data.length);
sse.addListener(['a-b', 'connect-finish']);
sse.removeListener({ bell: null });
sse.subscribe('news').then(() => sse.unsubscribe(['news', 'sports']));
sse.addListener('sse-gap', ({ data }) => {
  const gap: SseGap = JSON.parse(data);
  console.log(gap.reason === 'slow' ? gap.dropped : gap.to);
});
sse.addListener('sse-token-expiring', async () => { await sse.refresh('new'); await sse.refresh(); });
sse.upload('files', new FormData()).then((response) => response.json());
sse.send('a', { n: 1 }, {}, {}, { ordered: false });
const state: 0 | 1 | 2 = sse.state;
sse.close(String(state));

// @ts-expect-error: not one of its events
sse.addListener('bells', () => {});
// @ts-expect-error: the data is text
sse.addListener('bell', (event) => event.data.count);
// @ts-expect-error: not a form
sse.upload('files', {});

// Without a map any name may be listened to.
new Sse({ eventListeners: { anything: (event) => event.data.trim() } }).addListener('more', () => {});
new Sse({ eventListeners: ['names', 'alone'] }).destroy();
const loose = new Sse({ eventListeners: { bell: (event) => event.data.trim() } });
loose.addListener('news', (event) => event.data.length);
loose.removeListener(['bell', 'news']);
loose.addListener({ more: (event) => event.data.trim(), 'sse-gap': null });
loose.addListener('connect-close', (event, info) => event.closeReason === info?.closeReason);
