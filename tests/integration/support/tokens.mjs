// SPDX-License-Identifier: Apache-2.0
// JSON Web Tokens (RFC 7519) as an application makes them, by Node's own crypto; also such as nobody
// should take.
import { constants, createHmac, generateKeyPairSync, sign } from 'node:crypto';

export const SECRET = 'integration-test-secret-of-32-bytes-or-more';

const HASHES = { 256: 'sha256', 384: 'sha384', 512: 'sha512' };
const base64 = (value) => Buffer.from(value).toString('base64url');

// How node:crypto signs with the key for an algorithm.
const OPTIONS = {
  ES: { dsaEncoding: 'ieee-p1363' },
  PS: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
};

function signature(algorithm, key, text) {
  const hash = HASHES[algorithm.slice(2)] ?? null;
  if (algorithm === 'none') {
    return Buffer.alloc(0);
  }
  if (algorithm.startsWith('HS')) {
    return createHmac(hash, key).update(text).digest();
  }
  return sign(hash, Buffer.from(text), { key, ...OPTIONS[algorithm.slice(0, 2)] });
}

// Seconds from now, as exp, nbf and iat have it.
export function seconds(fromNow, now = Date.now()) {
  return now / 1000 + fromNow;
}

// key: a secret for HS*, else a private key; "none" takes none. lifetime: seconds from now on, unless
// the claims say exp. now: by which clock, in ms. fields: in the header, beside or in the place of what is
// there else.
export function token(claims, { algorithm = 'HS256', key = SECRET, kid, lifetime = 600, now, fields } = {}) {
  const header = { alg: algorithm, typ: 'JWT', kid, ...fields };
  const payload = { iat: Math.floor(seconds(0, now)), exp: seconds(lifetime, now), ...claims };
  const text = `${base64(JSON.stringify(header))}.${base64(JSON.stringify(payload))}`;
  return `${text}.${base64(signature(algorithm, key, text))}`;
}

function makePair(algorithm) {
  if (/^[RP]S/.test(algorithm)) {
    return generateKeyPairSync('rsa', { modulusLength: 2048 });
  }
  return algorithm.startsWith('Ed')
    ? generateKeyPairSync(algorithm === 'Ed448' ? 'ed448' : 'ed25519')
    : generateKeyPairSync('ec', { namedCurve: `P-${algorithm.slice(2)}` });
}

// A pair that token() signs with, and how others are given its public half. algorithm: RS*, PS*, EdDSA,
// Ed25519, Ed448, ES256 or ES384.
export function makeKey(algorithm, kid) {
  const { publicKey, privateKey } = makePair(algorithm);
  return {
    algorithm,
    kid,
    key: privateKey,
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }),
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig' },
  };
}
