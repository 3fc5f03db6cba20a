// SPDX-License-Identifier: Apache-2.0
// What tests say about stored messages in a word.
import { eventually } from './wait.mjs';

// A page has handled these; how many copies have ended by that.
export async function acknowledge(client, connectionId, ids, headers) {
  const answer = await client.postJson('/sse/demo/connect/ack.do', { connectionId, ids }, headers);
  if (answer.status !== 200) {
    throw new Error(`ack.do answered ${answer.status}: ${answer.text}`);
  }
  return answer.data.count;
}

// The ids of what is stored, in order.
export async function storedIds(office) {
  return idsOf((await office.query('messages?pageSize=1000')).list);
}

export function storeIsEmpty(office) {
  return eventually('an empty store', async () => (await office.query('messages')).total === 0);
}

export const idsOf = (events) => events.map(({ id }) => id);
