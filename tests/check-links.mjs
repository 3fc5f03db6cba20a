// SPDX-License-Identifier: Apache-2.0
// The links of our Markdown lead somewhere: files and folders are there, and so are the headings that are
// named. Links to other hosts are not asked.
//
//   node tests/check-links.mjs FOLDER       checks a checkout
//   node tests/check-links.mjs --self-test  proves that it can fail, and what it takes
import { mkdirSync, mkdtempSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';

const notOurs = new Set(['node_modules', 'build', '.git']);

function markdownOf(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return notOurs.has(entry.name) ? [] : markdownOf(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

// Code is no text: what looks like a link or a heading in it is none.
function withoutBlocks(text) {
  return text.replace(/^( *)(```+|~~~+)[^]*?^\1\2 *$/gm, '');
}

// What links call a heading: lower case, hyphens for spaces, no punctuation.
function anchorsOf(text) {
  const seen = new Map();
  return new Set([...withoutBlocks(text).matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading]) => {
    const anchor = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').trim().toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '').replaceAll(' ', '-');
    const times = seen.get(anchor) ?? 0;
    seen.set(anchor, times + 1);
    return times ? `${anchor}-${times}` : anchor;
  }));
}

function linksOf(text) {
  const prose = withoutBlocks(text).replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)|^\[[^\]]+\]: +(\S+)/gm)]
    .map(([, inline, reference]) => inline ?? reference)
    .filter((link) => !/^[a-z][a-z0-9+.-]*:/i.test(link));
}

function complaintsOf(folder) {
  return markdownOf(folder).flatMap((file) => {
    const text = readFileSync(file, 'utf8');
    return linksOf(text).flatMap((link) => {
      const [path, anchor] = link.split('#').map(decodeURIComponent);
      const target = path ? resolve(dirname(file), path) : file;
      const where = `${relative(folder, file)}: ${link}: `;
      if (relative(folder, target).startsWith('..')) return [`${where}outside of the checkout`];
      if (!existsSync(target)) return [`${where}no such file`];
      if (anchor === undefined || !target.endsWith('.md')) return [];
      return anchorsOf(readFileSync(target, 'utf8')).has(anchor) ? [] : [`${where}no such heading`];
    });
  });
}

function selfTest() {
  const other = '# The other\n## A `name`, twice\n## A `name`, twice\n```sh\n# no heading\n```\n';
  const cases = [
    ['[a](docs/other.md) [b](docs) [c](https://example.org/nowhere) [d](#here)\n# Here', true],
    ['[a](docs/other.md#a-name-twice) [b](docs/other.md#a-name-twice-1)', true],
    ['`[a](nowhere.md)`\n\n```\n[b](nowhere.md)\n```\n', true],
    ['[a](nowhere.md)', false],
    ['[a](docs/other.md#a-name-twice-2)', false],
    ['[a](docs/other.md#no-heading)', false],
    ['[a](#nowhere)', false],
    ['[a](../other.md)', false],
    ['[a]\n\n[a]: nowhere.md', false],
  ];
  return cases.filter(([text, good]) => {
    const tree = mkdtempSync(join(tmpdir(), 'links-'));
    mkdirSync(join(tree, 'docs'));
    writeFileSync(join(tree, 'docs/other.md'), other);
    writeFileSync(join(tree, 'README.md'), text);
    const complaints = complaintsOf(tree);
    rmSync(tree, { recursive: true });
    return (complaints.length === 0) !== good;
  }).map(([text, good]) => `${good ? 'refused' : 'taken'}: ${text}`);
}

const [argument] = process.argv.slice(2);
if (argument === undefined) {
  console.error('usage: node tests/check-links.mjs FOLDER | --self-test');
  process.exit(2);
}
const complaints = argument === '--self-test' ? selfTest() : complaintsOf(resolve(argument));
complaints.forEach((complaint) => console.log(complaint));
process.exitCode = complaints.length ? 1 : 0;
