/* SPDX-License-Identifier: Apache-2.0 */
/* What is true of the files that are served, and not of their sources. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';

const moduleText = readFileSync(process.env.SSE_MODULE, 'utf8');
const classicText = readFileSync(process.env.SSE_CLASSIC, 'utf8');

for (const [what, text] of [['module', moduleText], ['classic script', classicText]]) {
    test(`the ${what} takes less than 9 KB on the wire`, () => {
        const { length } = brotliCompressSync(text); // at its best quality, as the server's
        assert.ok(length < 9000, `${length} bytes`);
    });
}

test('it is one module with one default export', () => {
    assert.equal(moduleText.match(/\bimport\b/g), null);
    assert.equal(moduleText.match(/\bexport\b/g).length, 1);
    assert.ok(moduleText.endsWith('export default Sse;'));
});

test('the classic script defines window.Sse and nothing else', () => {
    const window = {};
    const before = Object.keys(globalThis);
    new Function('window', classicText)(window);
    assert.deepEqual(Object.keys(window), ['Sse']);
    assert.equal(window.Sse.STATE_OPEN, 1);
    assert.equal(window.Sse.name, 'Sse', 'as consoles show it');
    assert.deepEqual(Object.keys(globalThis), before);
});
