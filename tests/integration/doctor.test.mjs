// SPDX-License-Identifier: Apache-2.0
// doctor against set-ups that are broken in one way each: it names what is broken, and says what to do.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, chown, copyFile, mkdir, mkdtemp, open, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import https from 'node:https';
import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { backend } from './support/backend.mjs';
import { makeAuthority, makePair, openssl } from './support/certificates.mjs';
import { freePort } from './support/port.mjs';
import { run } from './support/run.mjs';
import { runCommand, serverBinary, startServer } from './support/server.mjs';

const isRoot = process.getuid() === 0;
const NOBODY = 65534;
const KEY_SET = { keys: [{ kty: 'oct', kid: 'one', alg: 'HS256', k: 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA' }] };

let directory;
let store; // a good one, which a server has left
let closed; // a port at which nobody is
const at = (name) => join(directory, name);

// A back end: what it answers, by path; by https where it has a pair.
const answers = {
  '/keys': (response) => response.end(JSON.stringify(KEY_SET)),
  '/none': (response) => response.writeHead(404).end(),
  '/page': (response) => response.end('<html>'),
  '/late': (response) => response.setHeader('date', new Date(Date.now() - 3_600_000).toUTCString()).end(JSON.stringify(KEY_SET)),
  '/broken': (response) => response.writeHead(503).end(),
  '/long': (response) => response.end('x'.repeat(2 ** 21)),
  '/slow': () => {},
  '/hook': (response) => response.writeHead(405).end(),
};
const methods = [];
async function backEnd(pair) {
  const answer = (request, response) => {
    methods.push(`${request.method} ${request.url}`);
    answers[request.url.split('?')[0]](response);
  };
  const server = pair
    ? https.createServer({ cert: readFileSync(pair.certificate), key: readFileSync(pair.key) }, answer)
    : http.createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
let plain;
let secret; // its certificate is nobody's
let elsewhere; // its certificate is for another name
const url = (server, path) => `http${server === plain ? '' : 's'}://127.0.0.1:${server.address().port}${path}`;

// A pair whose time is over, or has not begun, which only "openssl ca" makes.
function makeDated(name, start, end) {
  const settings = `[ca]\ndefault_ca=c\n[c]\ndatabase=${at('index.txt')}\nnew_certs_dir=${directory}\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n`;
  writeFileSync(at('ca.cnf'), settings);
  writeFileSync(at('index.txt'), '');
  openssl(['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`, '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`)]);
  openssl(['ca', '-batch', '-notext', '-config', at('ca.cnf'), '-in', at(`${name}.csr`), '-selfsign', '-keyfile', at(`${name}.key`),
    '-startdate', start, '-enddate', end, '-out', at(`${name}.pem`)]);
}

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sse-doctor-'));
  await chmod(directory, 0o755);
  const authority = makeAuthority(directory);
  makePair(directory, 'good', { names: ['127.0.0.1'], days: 90 });
  makePair(directory, 'other', { names: ['127.0.0.1'] });
  makePair(directory, 'soon', { names: ['push.example.org'], days: 5, authority });
  makePair(directory, 'nameless');
  makePair(directory, 'mail', { names: ['email:x@example.org'] });
  makePair(directory, 'public', { names: ['127.0.0.1'], days: 90 });
  await chmod(at('public.key'), 0o644);
  makePair(directory, 'inner', { names: ['127.0.0.1'], days: 90, authority });
  makePair(directory, 'mine', { names: ['127.0.0.1'], days: 90, extensions: ['extendedKeyUsage=clientAuth'] });
  makePair(directory, 'elsewhere', { names: ['push.example.org'], authority });
  makeDated('old', '20200101000000Z', '20200201000000Z');
  makeDated('coming', '20900101000000Z', '20910101000000Z');
  await writeFile(at('keys.json'), '{}');
  await writeFile(at('open.txt'), 'a-key-of-the-office', { mode: 0o644 });
  closed = await freePort();
  plain = await backEnd();
  secret = await backEnd({ certificate: at('other.pem'), key: at('other.key') });
  elsewhere = await backEnd({ certificate: at('elsewhere.pem'), key: at('elsewhere.key') });
  const server = await startServer({ stateDirectory: at('made') });
  const office = await backend(server);
  await office.send({ event: 'e', userId: 'away', qos: 1, data: 'x'.repeat(20_000) });
  await office.close();
  await server.stop();
  store = at('made/demo/messages.sqlite');
});
after(async () => {
  plain?.close();
  secret?.close();
  elsewhere?.close();
  sockets.forEach((socket) => socket.close());
  await rm(directory, { recursive: true, force: true });
});

const sockets = [];
async function listenAt(path) {
  const server = net.createServer().listen(path);
  sockets.push(server);
  await once(server, 'listening');
}

let count = 0;

// A set-up with nothing wrong, but for what is said. {code, errors, warnings, findings}
async function examine({ listener, service, more = {}, variables = {}, as = [], text, files }) {
  const place = at(`case-${count++}`);
  const state = join(place, 'state');
  await mkdir(state, { recursive: true });
  await files?.(state);
  const config = {
    stateDirectory: state,
    listeners: [{ address: '127.0.0.1:0', certificate: at('good.pem'), key: at('good.key'), ...listener }],
    apiKeys: ['a-key-of-the-office'],
    services: [{ name: 'demo', ...service }],
    ...more,
  };
  await writeFile(join(place, 'sse-server.yaml'), text ?? JSON.stringify(config));
  const env = { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SSE_'))), ...variables };
  const [program, ...args] = [...as, serverBinary(), '--config', join(place, 'sse-server.yaml'), 'doctor', '--json'];
  const { code, stdout, stderr } = await run(program, args, { env });
  assert.equal(stderr, '');
  return { code, state, ...JSON.parse(stdout) };
}

const jwt = (jwks) => ({ service: { auth: 'jwt' }, more: { tokenKeys: [{ jwks }] } });
const webhook = (place) => ({ service: { auth: 'webhook', authWebhook: { url: place } } });
// A store of the service that was changed.
const withStore = (change) => async (state) => {
  await mkdir(join(state, 'demo'));
  await copyFile(store, join(state, 'demo/messages.sqlite'));
  await change(join(state, 'demo/messages.sqlite'));
};

test('of a good set-up nothing is wrong, and nothing is made', async () => {
  const { code, errors, findings, state } = await examine({ ...jwt(url(plain, '/keys')), files: withStore(() => {}) });
  assert.equal(code, 0, JSON.stringify(findings));
  assert.equal(errors, 0);
  const seen = new Set(findings.filter(({ level }) => level === 'ok').map(({ check }) => check));
  for (const check of ['settings', 'origins', 'certificate', 'state', 'store', 'logs', 'jwks', 'clock', 'descriptors']) {
    assert.ok(seen.has(check), `${check} of ${[...seen]}`);
  }
  assert.deepEqual(await readdir(state), ['demo']);
  assert.deepEqual(await readdir(join(state, 'demo')), ['messages.sqlite']);
});

describe('what is broken is named', () => {
  // name, set-up, level, check, subject, what is said, what to do
  const cases = [
    ['a file that is no YAML', () => ({ text: 'services: [' }), 'error', 'settings', /sse-server\.yaml$/, /sse-server\.yaml:\d/, /correct it/],
    ['a setting that there is not', () => ({ more: { wrokers: 2 } }), 'error', 'settings', /yaml/, /wrokers.*nearest is workers/, /correct it/],
    ['a variable that is no setting', () => ({ variables: { SSE_SERVER_WROKERS: '2' } }), 'error', 'settings', /yaml/, /SSE_SERVER_WROKERS/, /correct it/],
    ['a certificate that is not there', () => ({ listener: { certificate: at('gone.pem') } }), 'error', 'settings', /yaml/, /gone\.pem.*No such file/, /correct it/],
    ['a certificate that is a pipe', () => ({ listener: { certificate: at('fifo') }, files: () => run('mkfifo', [at('fifo')]) }), 'error', 'settings', /yaml/, /fifo.* is a pipe/, /correct it/],
    ['nobody who can send', () => ({ more: { apiKeys: [] } }), 'warning', 'settings', /yaml/, /nobody can send to the service demo/, /make-key/],
    ['a pair that does not belong together', () => ({ listener: { key: at('other.key') } }), 'error', 'settings', /yaml/, /listeners\[0\]\.certificate: .*do not belong together/, /correct it/],
    ['a certificate that has ended', () => ({ listener: { certificate: at('old.pem'), key: at('old.key') } }), 'error', 'certificate', /listeners\[0\]\.certificate/, /has expired on/, /get a new one/],
    ['a certificate that ends soon', () => ({ listener: { certificate: at('soon.pem'), key: at('soon.key') } }), 'warning', 'certificate', /soon\.pem/, /ends in [45] days/, /renew it/],
    ['a certificate without subjectAltName', () => ({ listener: { certificate: at('nameless.pem'), key: at('nameless.key') } }), 'error', 'certificate', /nameless/, /no subjectAltName/, /names as subjectAltName/],
    ['a certificate for no host', () => ({ listener: { certificate: at('mail.pem'), key: at('mail.key') } }), 'error', 'certificate', /mail/, /no DNS name/, /get one with/],
    ['a key that everybody can read', () => ({ listener: { certificate: at('public.pem'), key: at('public.key') } }), 'warning', 'certificate', /public\.pem/, /public\.key.* can be read by everybody/, /chmod/],
    ['the development certificate for others', () => ({ ...jwt(url(plain, '/keys')), listener: { address: '*:0', certificate: undefined, key: undefined } }), 'warning', 'certificate', /listeners\[0\]/, /\*:0.*development certificate/, /set listeners\[\]\.certificate/],
    ['a certificate whose time has not begun', () => ({ listener: { certificate: at('coming.pem'), key: at('coming.key') } }), 'error', 'certificate', /listeners\[0\]\.certificate/, /coming.*is not valid before 2090/, /wait until then/],
    ['a certificate whose issuer nobody knows', () => ({ listener: { certificate: at('inner.pem'), key: at('inner.key') } }), 'warning', 'certificate', /inner/, /chain ends at "\/CN=Test authority"/, /behind it in the file/],
    ['a certificate that is for clients', () => ({ listener: { certificate: at('mine.pem'), key: at('mine.key') } }), 'error', 'certificate', /mine/, /is not for servers/, /serverAuth/],
    ['settings with a key that everybody can read', () => ({}), 'warning', 'secrets', /sse-server\.yaml$/, /can be read by everybody/, /keyFile/],
    ['a key of back ends that everybody can read', () => ({ more: { apiKeys: [{ keyFile: at('open.txt') }] } }), 'warning', 'secrets', /apiKeys\[0\]/, /open\.txt.*can be read by everybody/, /chmod/],
    ['the private key of tokens that everybody can read', () => ({ service: { auth: 'jwt' }, more: { tokenKeys: [{ algorithm: 'ES256', file: at('public.key') }] } }), 'warning', 'secrets', /tokenKeys\[0\]/, /public\.key.*can be read by everybody/, /chmod/],
    ['a key of back ends that is a word', () => ({ more: { apiKeys: ['secret'] } }), 'warning', 'secrets', /apiKeys\[0\]/, /can be guessed: it has 6 characters/, /make-key/],
    ['a secret of one letter', () => ({ service: { webhookSecret: 'a'.repeat(40) } }), 'warning', 'secrets', /webhookSecret/, /40 characters, 1 different/, /openssl rand/],
    ['an access log that is a directory', () => ({ more: { accessLog: { file: directory } } }), 'error', 'logs', /accessLog\.file/, /is a directory/, /give a file/],
    ['an access log that is a socket', () => ({ more: { accessLog: { file: at('log.sock') } }, files: () => listenAt(at('log.sock')) }), 'error', 'logs', /accessLog\.file/, /is no file/, /give a file/],
    ['an audit log that links to itself', () => ({ more: { audit: { file: at('loop') } }, files: () => symlink(at('loop'), at('loop')) }), 'error', 'logs', /audit\.file/, /Too many levels/, /give a file/],
    ['a store that links to itself', () => ({ files: async (state) => { await mkdir(join(state, 'demo')); await symlink('messages.sqlite', join(state, 'demo/messages.sqlite')); } }), 'error', 'store', /qos\.file/, /Too many levels/, /./],
    ['an audit log below a file', () => ({ more: { audit: { file: at('keys.json/audit.log') } } }), 'error', 'logs', /audit\.file/, /Not a directory/, /give a file/],
    ['a socket that another program has', () => ({ listener: { address: `unix:${at('taken.sock')}`, certificate: undefined, key: undefined, tls: false }, files: () => listenAt(at('taken.sock')) }), 'error', 'address', /listeners\[0\]/, new RegExp(`in use by .*\\(process ${process.pid}\\)`), /stop that/],
    ['a file where the socket is to be', () => ({ listener: { address: `unix:${at('keys.json')}`, certificate: undefined, key: undefined, tls: false } }), 'error', 'address', /listeners\[0\]/, /is no socket/, /remove it/],
    ['a port that another program has', () => ({ listener: { address: `127.0.0.1:${plain.address().port}` } }), 'error', 'address', /listeners\[0\]/, new RegExp(`in use by .*\\(process ${process.pid}\\)`), /stop that/],
    ['an address of another machine', () => ({ ...jwt(url(plain, '/keys')), listener: { address: `192.0.2.1:${closed}` } }), 'error', 'address', /listeners\[0\]/, /cannot listen on 192\.0\.2\.1/, /ip address/],
    ['a state directory that everybody may write', () => ({ files: (state) => chmod(state, 0o777) }), 'error', 'state', /state$/, /everybody on this machine may write/, /chmod o-w/],
    ['a state directory that is a file', () => ({ files: async (state) => { await rm(state, { recursive: true }); await writeFile(state, ''); } }), 'error', 'uploads', /uploadDirectory/, /Not a directory/, /give a directory/],
    ['a store that is damaged', () => ({ files: withStore(async (file) => {
      const handle = await open(file, 'r+');
      await handle.write(Buffer.alloc((await handle.stat()).size - 8192, 0xa5), 0, undefined, 8192);
      await handle.close();
    }) }), 'error', 'store', /messages\.sqlite/, /is damaged/, /backup/],
    ['a store that is something else', () => ({ files: withStore((file) => writeFile(file, 'no database\n'.repeat(1000))) }), 'error', 'store', /messages\.sqlite/, /no file of SQLite/, /backup/],
    ['a store of a newer version', () => ({ files: withStore((file) => run('sqlite3', [file, 'PRAGMA user_version = 99'])) }), 'error', 'store', /messages\.sqlite/, /newer version.*99/, /run the newer version/],
    ['a store that is a pipe', () => ({ files: async (state) => { await mkdir(join(state, 'demo')); await run('mkfifo', [join(state, 'demo/messages.sqlite')]); } }), 'error', 'store', /qos\.file/, /is no file/, /./],
    ['a store of another program', () => ({ files: async (state) => { await mkdir(join(state, 'demo')); await run('sqlite3', [join(state, 'demo/messages.sqlite'), 'CREATE TABLE t (a)']); } }), 'error', 'store', /messages\.sqlite/, /another program/, /qos\.file/],
    ['a store that everybody can read', () => ({ files: withStore((file) => chmod(file, 0o644)) }), 'warning', 'store', /messages\.sqlite/, /can be read by everybody/, /chmod/],
    ['a store that two services have, by two names', () => ({ more: { services: ['a', 'b'].map((name) => ({ name, qos: { file: `${at('two')}/${name === 'a' ? '' : './'}one.sqlite` } })) }, files: () => mkdir(at('two')) }), 'error', 'store', /one\.sqlite/, /services\[0\] and services\[1\] have the same file/, /file of its own/],
    ['a JWK set of a host that there is not', () => ({ ...jwt('https://keys.invalid/set'), variables: { RES_OPTIONS: 'timeout:1 attempts:1' } }), 'error', 'jwks', /keys\.invalid/, /its name has no address/, /correct the name/],
    ['a JWK set of a host that does not answer', () => jwt(`https://127.0.0.1:${closed}/set`), 'error', 'jwks', /127\.0\.0\.1/, /takes no connections/, /start what is to listen/],
    ['a JWK set that is not there', () => jwt(url(plain, '/none')), 'error', 'jwks', /none$/, /answers 404/, /correct the URL/],
    ['a JWK set that is a page', () => jwt(url(plain, '/page')), 'error', 'jwks', /page$/, /./, /correct tokenKeys\[\]\.jwks/],
    ['a JWK set whose host is not believed', () => jwt(url(secret, '/keys')), 'error', 'jwks', /^https/, /self.signed/, /outbound\.caFile/],
    ['a JWK set that does not end', () => jwt(url(plain, '/long')), 'error', 'jwks', /long$/, /too long/, /correct tokenKeys\[\]\.jwks/],
    ['a JWK set of a host with the certificate of another', () => { const set = jwt(url(elsewhere, '/keys')); set.more.outbound = { caFile: at('authority.pem') }; return set; }, 'error', 'jwks', /^https/, /for another name/, /name of the URL/],
    ['authorities in a file that has none', () => { const set = jwt(url(secret, '/keys')); set.more.outbound = { caFile: at('keys.json') }; return set; }, 'error', 'jwks', /^https/, /no certificate/, /outbound\.caFile/],
    ['authorities that are a pipe', () => { const set = jwt(url(secret, '/keys')); set.more.outbound = { caFile: at('fifo-2') }; return { ...set, files: () => run('mkfifo', [at('fifo-2')]) }; }, 'error', 'jwks', /^https/, /authorities is a pipe/, /outbound\.caFile/],
    ['a proxy that does not answer', () => { const set = jwt(url(plain, '/keys')); set.more.outbound = { proxy: `http://127.0.0.1:${closed}` }; return set; }, 'error', 'jwks', /^http/, /takes no connections/, /outbound\.proxy/],
    ['a webhook that answers too late, of two services', () => ({ more: { services: ['a', 'b'].map((name) => ({ name, auth: 'webhook', authWebhook: { url: url(plain, '/slow'), timeout: '100ms' } })) } }), 'error', 'webhook', /slow$/, /takes connections, and has not answered/, /so long/],
    ['a JWK set in a file that has none', () => jwt(at('keys.json')), 'error', 'settings', /yaml/, /tokenKeys\[0\]\.jwks: .*no JWK set/, /correct it/],
    ['a clock that another one contradicts', () => jwt(url(plain, '/late')), 'error', 'clock', undefined, /3\d\d\d s ahead of that of http:/, /NTP/],
    ['a webhook that does not answer', () => webhook(`https://127.0.0.1:${closed}/auth?secret=1`), 'error', 'webhook', /auth$/, /takes no connections/, /start what is to listen/],
    ['a webhook that is out of order', () => webhook(url(plain, '/broken')), 'warning', 'webhook', /broken$/, /answers 503/, /its log/],
    ['too few open files', () => ({ as: ['prlimit', '--nofile=256'] }), 'error', 'descriptors', undefined, /may have 256 open files/, /LimitNOFILE/],
    ['more sessions than open files', () => ({ as: ['prlimit', '--nofile=5000'], more: { limits: { sessions: 20000 } } }), 'warning', 'descriptors', undefined, /limits\.sessions allows \d+.* 5000/, /or lower limits\.sessions/],
    ['a state directory of somebody else', () => ({ as: ['setpriv', `--reuid=${NOBODY}`, '--clear-groups'], listener: { certificate: undefined, key: undefined, tls: false },
      files: (state) => chown(state, 1, 1) }), 'warning', 'state', /state$/, /belongs to user 1, and this is user 65534/, /chown/, !isRoot],
    ['a state directory that may not be written', () => ({ as: ['setpriv', `--reuid=${NOBODY}`, '--clear-groups'], listener: { certificate: undefined, key: undefined, tls: false },
      files: (state) => chmod(state, 0o755) }), 'error', 'uploads', /uploadDirectory/, /Permission denied/, /this user may write/, !isRoot],
    ['a port that this user may not have', () => ({ as: ['setpriv', `--reuid=${NOBODY}`, '--clear-groups', '--inh-caps=-all'], listener: { address: '127.0.0.1:443', certificate: undefined, key: undefined, tls: false } }),
      'error', 'address', /listeners\[0\]/, /may not use that port/, /CAP_NET_BIND_SERVICE/,
      !isRoot || Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start')) <= 443],
  ];
  for (const [name, setUp, level, check, subject, told, advice, skip = false] of cases) {
    test(name, { skip }, async () => {
      const { code, findings } = await examine(setUp());
      const found = findings.filter((finding) => finding.check === check && finding.level === level && told.test(finding.message));
      assert.equal(found.length, 1, JSON.stringify(findings, null, 1));
      assert.match(found[0].advice, advice);
      if (subject) {
        assert.match(found[0].subject, subject);
        assert.doesNotMatch(found[0].subject, /secret/);
      }
      assert.equal(code, findings.some((finding) => finding.level === 'error') ? 1 : 0);
      if (level === 'error') {
        assert.equal(code, 1);
      }
    });
  }

  test('webhooks have been asked for nothing else', () => {
    assert.deepEqual(methods.filter((line) => /hook|broken/.test(line)), ['OPTIONS /broken']);
  });
});

test('beside a server that runs, which goes on', async () => {
  const port = await freePort();
  const stateDirectory = at('running');
  await mkdir(stateDirectory);
  const config = {
    listeners: [{ address: `127.0.0.1:${port}`, certificate: at('good.pem'), key: at('good.key') }],
    apiKeys: ['a-key-of-the-office'], services: [{ name: 'demo' }],
  };
  const server = await startServer({ config, stateDirectory });
  const office = await backend(server, { key: 'a-key-of-the-office' });
  await office.send({ event: 'e', userId: 'away', qos: 1, data: 1 });
  const before = await stat(join(stateDirectory, 'demo/messages.sqlite'));
  const { code, stdout } = await runCommand(['--config', join(stateDirectory, 'sse-server.yaml'), 'doctor'],
    { SSE_SERVER_STATE_DIRECTORY: stateDirectory });
  assert.equal(code, 0, stdout);
  assert.match(stdout, new RegExp(`^ok +address +listeners\\[0\\]: .*the server of these settings, sse-server \\(process ${server.pid}\\)$`, 'm'));
  assert.match(stdout, new RegExp(`^ok +store .*in use by process ${server.pid}`, 'm'));
  assert.match(stdout, /^0 errors, \d warnings?$/m);
  assert.equal((await office.send({ event: 'e', userId: 'away', qos: 1, data: 2 })).stored, 1);
  assert.deepEqual((await stat(join(stateDirectory, 'demo/messages.sqlite'))).ino, before.ino);
  assert.doesNotMatch(server.output, /doctor|level=error|^error /m);
  await office.close();
  await server.stop();
});
