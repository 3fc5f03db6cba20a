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

test('private names of several classes, numbers and class names keep their meaning', async () => {
    const { default: Sse } = await run([
        'const LIMIT = 10_000;',
        'export class One {',
        '    #onlyHere = 1;',
        '    #shared = 2;',
        '    sum = (more) =>',
        '        this.#onlyHere + this.#shared / more;',
        '}',
        'export class Two extends One {',
        '    #shared = 3;',
        '    #another = 4;',
        '    product = () => this.#shared * this.#another * LIMIT;',
        '}',
        'class Sse {',
        '    #shared = new Two();',
        '    #another = [this.#shared.sum(4), this.#shared.product()];',
        '    both = this.#another;',
        '    name = `${LIMIT}`;',
        '}',
        'export default Sse;',
    ]);
    const { both, name } = new Sse();
    assert.deepEqual(both, [1.5, 120_000]);
    assert.equal(name, '10000');
    assert.equal(Sse.name, 'Sse');
});

test('private names are shared by classes, and differ within one', () => {
    const { stdout } = join([
        'class A {', '#one = 1;', '#two = 2;', '}',
        'class B {', '#three = 3;', '#two = 2;', '}',
        'class C {', '#four = 4;', '}',
    ]);
    assert.equal(stdout, 'class A{#a=1;#b=2}class B{#a=3;#b=2}class C{#a=4}');
});

for (const [what, lines, message] of [
    ['an import of another package', ["import x from 'left-pad';"], /import/],
    ['an import of several lines', ['import {', "} from './x.js';"], /import/],
    ['a template literal of several lines', ['const a = `b', '`;'], /template literal/],
    ['code behind a comment', ['/* a */ const b = 1;'], /follows the end/],
    ['a comment without end', ['/* a'], /within a comment/],
    ['a private name in a text', ["const a = 'x #name';"], /#name/],
    ['a top-level name in a text', ['const oneName = 1;', "const a = 'not ' + 'a oneName';"], /oneName/],
    ['a number that is a property', ['const LIMIT = 1;', 'x.LIMIT = 2;'], /LIMIT/],
    ['a top-level name that is a property', ['const oneName = 1;', 'x.oneName = 2;'], /oneName/],
]) {
    test(`${what} is refused`, () => {
        const { status, stdout, stderr } = join(lines);
        assert.notEqual(status, 0);
        assert.equal(stdout, '');
        assert.match(stderr, message);
    });
}
