// SPDX-License-Identifier: Apache-2.0
// Runs a program to its end and returns what it said.
import { execFile } from 'node:child_process';

export function run(file, args, { input = '', env = process.env } = {}) {
  return new Promise((resolve) => {
    const options = { env, timeout: 60_000, maxBuffer: 1 << 26 };
    const child = execFile(file, args, options, (error, stdout, stderr) => {
      resolve({ code: error ? error.code : 0, stdout, stderr, output: stdout + stderr });
    });
    child.stdin.on('error', () => {}); // the program may end before it has read everything
    child.stdin.end(input);
  });
}
