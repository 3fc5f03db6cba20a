// SPDX-License-Identifier: Apache-2.0
// Certificates for tests, made by the openssl program, and what a server shows of them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';

import { run } from './run.mjs';
import { within } from './wait.mjs';

const KINDS = {
  ecdsa: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  rsa: ['-newkey', 'rsa:2048'],
};

export function openssl(args, options = {}) {
  return execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
}

export function temporaryFolder() {
  return mkdtempSync(join(tmpdir(), 'sse-certificates-'));
}

export function remove(folder) {
  rmSync(folder, { recursive: true, force: true });
}

// A name, an address, or what openssl's configuration calls "email:…".
const alternative = (name) => (name.startsWith('email:') ? name : /^[\d.]+$|:/.test(name) ? `IP:${name}` : `DNS:${name}`);

// A pair in the folder: of its own, or by the authority of makeAuthority(). The serial number tells it from
// others: of what is shown one sees which it is.
export function makePair(folder, name, { names = [], kind = 'ecdsa', authority, serial, days = 30, extensions: more = [] } = {}) {
  const certificate = join(folder, `${name}.pem`);
  const key = join(folder, `${name}.key`);
  const request = ['-subj', `/CN=${name}`, '-nodes', ...KINDS[kind], '-keyout', key];
  const extensions = names.length > 0 ? ['-addext', `subjectAltName=${names.map(alternative).join(',')}`] : [];
  const number = serial === undefined ? [] : ['-set_serial', String(serial)];
  const signed = authority ? ['-CA', authority.certificate, '-CAkey', authority.key] : [];
  openssl(['req', '-x509', '-days', String(days), ...request, ...extensions, ...number, ...signed,
    '-addext', 'basicConstraints=critical,CA:FALSE', ...more.flatMap((text) => ['-addext', text]), '-out', certificate]);
  return { certificate, key };
}

export function makeAuthority(folder) {
  const certificate = join(folder, 'authority.pem');
  const key = join(folder, 'authority.key');
  openssl(['req', '-x509', '-days', '30', '-subj', '/CN=Test authority', '-nodes', ...KINDS.ecdsa, '-keyout', key,
    '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign',
    '-out', certificate]);
  return { certificate, key };
}

// An OCSP response for a certificate of that authority, by openssl's own responder.
export function makeOcsp(folder, name, { certificate, authority, state = 'V', days = 1, serial }) {
  const index = join(folder, `${name}.index`);
  const end = '351231000000Z';
  const revoked = state === 'R' ? '261101000000Z' : '';
  writeFileSync(index, `${state}\t${end}\t${revoked}\t${serial.toString(16).toUpperCase().padStart(2, '0')}\tunknown\t/CN=x\n`);
  writeFileSync(`${index}.attr`, 'unique_subject = no\n');
  const file = join(folder, `${name}.ocsp`);
  const common = ['-issuer', authority.certificate, '-cert', certificate];
  openssl(['ocsp', '-index', index, '-rsigner', authority.certificate, '-rkey', authority.key, '-CA', authority.certificate,
    ...common, ...(days > 0 ? ['-ndays', String(days)] : ['-nmin', '1']), '-noverify', '-respout', file]);
  return file;
}

// A TLS connection to the server's first listener.
export async function handshake(server, options = {}) {
  const socket = tls.connect({
    host: '127.0.0.1', port: server.port, rejectUnauthorized: false, ALPNProtocols: ['h2'], ...options,
  });
  socket.on('error', () => {});
  await within('a TLS connection', Promise.race([
    once(socket, 'secureConnect'),
    once(socket, 'close').then(() => { throw new Error('no TLS connection'); }),
  ]));
  return socket;
}

// The serial number, as makePair() has it, of the certificate that is shown to who asks for a name.
export async function shown(server, servername, options = {}) {
  const socket = await handshake(server, { servername: servername ?? '', ...options });
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return Number.parseInt(serialNumber, 16);
}

// What "openssl s_client" says of a handshake.
export async function client(server, args, input = '') {
  const { output } = await run('openssl', ['s_client', '-connect', `127.0.0.1:${server.port}`, '-alpn', 'h2', ...args],
    { input });
  assert.match(output, /CONNECTED/);
  return output;
}
