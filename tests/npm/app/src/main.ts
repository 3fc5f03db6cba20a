// SPDX-License-Identifier: Apache-2.0
import Sse, { type SseCloseInfo, type SseError, type SseEvent } from 'sse-server-client';

interface MyEvents {
  bell: SseEvent;
  order: SseEvent<string> & { readonly total?: number };
}

export const sse = new Sse<MyEvents>({
  url: '/sse/demo',
  query: { userId: 7 },
  eventListeners: {
    order: ({ total }) => total?.toFixed(2),
    'connect-close': (_event, info?: SseCloseInfo) => console.log(info?.closeReason),
  },
});

sse.addListener('bell', ({ data }) => data.length);
// @ts-expect-error: no such event is declared
sse.addListener('bel', () => undefined);
// @ts-expect-error: an event's data is a text
sse.addListener('bell', ({ data }) => data.toFixed());
// @ts-expect-error: no such option
new Sse({ ulr: '/sse/demo' });

sse.send('orders/new', { n: 1 }).catch(({ code }: SseError) => console.log(code));
