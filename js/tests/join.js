/* SPDX-License-Identifier: Apache-2.0 */
/* cmake/join-modules.awk: what it joins, and that it refuses what it could spoil. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../cmake/join-modules.awk', import.meta.url));

function join(lines) {
    const { status, stdout, stderr } = spawnSync('awk', ['-f', script], { input: lines.join('\n'), encoding: 'utf8' });
    return { status, stdout, stderr };
}

/** What the joined text has in its one class. */
async function run(lines) {
    const { status, stdout, stderr } = join(lines);
    assert.equal(status, 0, stderr);
    return import(`data:text/javascript;base64,${Buffer.from(stdout).toString('base64')}`);
}

test('comments, imports and spaces go; texts, templates and expressions stay', async () => {
    const { default: Sse } = await run([
        '/* A comment',
        ' * of two lines. */',
        "import { x } from './x.js';",
        'export const TEXT_ONE = "a // b,  { c }"; // why',
        'const twoWords = /[ ]\\/ {2}/; // not a text',
        'export class OtherOne {',
        '    #hidden = 1; // its own',
        '    value(add) {',
        '        // alone',
        '        return `${this.#hidden + add} // ${TEXT_ONE}`;',
        '    }',
        '}',
        'class Sse {',
        '    static pattern = twoWords;',
        '    static read = new OtherOne().value( 2 );',
        "    static same = { TEXT: 'OtherOne', 'a': [1, 2], };",
        '}',
        'export default Sse;',
    ]);
    assert.equal(Sse.read, '3 // a // b,  { c }');
    assert.equal(Sse.pattern.source, '[ ]\\/ {2}');
    assert.deepEqual(Sse.same, { TEXT: 'OtherOne', a: [1, 2] });
});

for (const [what, lines, message] of [
    ['an import of another package', ["import x from 'left-pad';"], /import/],
    ['an import of several lines', ['import {', "} from './x.js';"], /import/],
    ['a template literal of several lines', ['const a = `b', '`;'], /template literal/],
    ['code behind a comment', ['/* a */ const b = 1;'], /follows the end/],
    ['a comment without end', ['/* a'], /within a comment/],
    ['a private name in a text', ["const a = 'x #name';"], /#name/],
    ['a top-level name that is a property', ['const oneName = 1;', 'x.oneName = 2;'], /oneName/],
]) {
    test(`${what} is refused`, () => {
        const { status, stdout, stderr } = join(lines);
        assert.notEqual(status, 0);
        assert.equal(stdout, '');
        assert.match(stderr, message);
    });
}
