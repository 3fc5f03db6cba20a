// SPDX-License-Identifier: Apache-2.0
// A test that fails may leave processes and sockets, which keep its file from ending: they are killed when
// the file has had time to end by itself, and it fails, so that a failure never looks like a hang.
import { after } from 'node:test';

const GRACE_MS = 60_000; // for the file's own after(), and what closes by itself

const children = new Map(); // with how each is killed

function killAll() {
  for (const [child, kill] of children) {
    console.error(`killed: ${child.spawnfile}, which the tests have left`);
    kill();
  }
}

// The child process does not outlive this file's tests.
export function endWithFile(child, kill = () => child.kill('SIGKILL')) {
  children.set(child, kill);
  child.once('exit', () => children.delete(child));
  return child;
}

// What imports this and is no test ends its children itself.
if (process.argv[1].endsWith('.test.mjs')) {
  process.once('exit', killAll);
  after(() => {
    setTimeout(() => {
      console.error('the tests have left something open');
      process.exit(1);
    }, GRACE_MS).unref();
  });
}
