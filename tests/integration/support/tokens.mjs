// SPDX-License-Identifier: Apache-2.0
// JSON Web Tokens as an application makes them, by Node's own crypto.
import { createHmac } from 'node:crypto';

export const SECRET = 'integration-test-secret-of-32-bytes-or-more';

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

// lifetime: seconds from now on.
export function token(claims, { secret = SECRET, lifetime = 600 } = {}) {
  const now = Date.now() / 1000;
  const payload = { iat: Math.floor(now), exp: now + lifetime, ...claims };
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(payload)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}
