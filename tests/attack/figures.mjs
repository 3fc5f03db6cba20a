// SPDX-License-Identifier: Apache-2.0
// What a case costs the server, from /proc. Sanitizers multiply time and memory: with them a figure is
// shown and not judged.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100; // USER_HZ, the same on all Linux of today
const PAGE_KIB = 4;

export function cpuMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 1000 / TICKS_PER_SECOND;
}

export function residentKib(pid) {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_KIB;
}

export function isSanitized(pid) {
  return /lib[at]san/.test(readFileSync(`/proc/${pid}/maps`, 'utf8'));
}

// Runs action; resolves with {cpu: ms, kib: growth} of the server meanwhile.
export async function cost(server, action) {
  const before = { cpu: cpuMs(server.pid), kib: residentKib(server.pid) };
  await action();
  return { cpu: cpuMs(server.pid) - before.cpu, kib: residentKib(server.pid) - before.kib };
}

// A figure that a server without sanitizers must keep.
export function atMost(server, value, bound, what) {
  assert.ok(isSanitized(server.pid) || value <= bound, `${what}: ${value}, at most ${bound}`);
}
