// SPDX-License-Identifier: Apache-2.0
// Waiting for something to happen. The limit only turns a wait that would never end into a failure
// that says what did not come; no test's meaning depends on its length.
const LIMIT_MS = 120_000;

export async function within(what, promise) {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${LIMIT_MS} ms for ${what}`)), LIMIT_MS);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

// For conditions that nothing announces: asks again, each time after the answer before.
export async function eventually(what, ask) {
  const end = Date.now() + LIMIT_MS;
  for (;;) {
    const answer = await ask();
    if (answer) {
      return answer;
    }
    if (Date.now() > end) {
      throw new Error(`waited ${LIMIT_MS} ms for ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
