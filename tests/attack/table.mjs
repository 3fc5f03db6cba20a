// SPDX-License-Identifier: Apache-2.0
// What a server in this place must survive: one row a case, in six sections. A row says what is done to
// the server and what it must do, and one or more of
//   by     tests elsewhere that hold it: [test, part of a test's title]
//   run    the name of a case in this folder, which returns its figure
//   open   what it does not do yet, and why
//   here   what cannot be run on the machine that tests, and why
const integration = (name, ...titles) => titles.map((title) => [`integration/${name}.test.mjs`, title]);
const browser = (name, ...titles) => titles.map((title) => [`browser/${name}.test.mjs`, title]);
const unit = (name, ...titles) => titles.map((title) => [`unit/${name}.c`, title]);
const client = (name, ...titles) => titles.map((title) => [`../js/tests/${name}.test.js`, title]);
const file = (name, title) => [[name, title]];

export const SECTIONS = {
  A: 'never crash, never run out (protocol)',
  B: 'authorisation',
  C: 'delivery',
  D: 'input per endpoint',
  E: 'TLS',
  F: 'load, drain, operations',
};

export const TABLE = [
  { n: 1, section: 'A', what: 'a malformed frame behind our GOAWAY (CVE-2026-27135)', must: 'the connection ends, the process lives',
    by: [...unit('h2/test_deadlines', 'h2_session_terminate'), ...file('../script/bootstrap', '1.52.0-1+deb12u3')], run: 'malformedBehindGoaway' },
  { n: 2, section: 'A', what: 'HPACK bomb on 100 connections', must: '431 or the end; memory stays', by: integration('flood', 'thousands of times are answered with 431'), run: 'hpackBomb' },
  { n: 3, section: 'A', what: 'a cookie in 4,000 crumbs with a window of 0, held', must: 'the same bound', run: 'cookieCrumbs' },
  { n: 4, section: 'A', what: '100,000 streams opened and reset', must: 'closed within the limit, few handlers run', by: integration('flood', 'streams opened and reset'), run: 'rapidReset' },
  { n: 5, section: 'A', what: 'what makes the server reset, each family', must: 'closed within the limit', by: integration('flood', 'a session that makes the server reset its streams ends', 'also one at a time') },
  { n: 6, section: 'A', what: 'both floods while the server drains', must: 'the same limits', run: 'floodsDuringDrain' },
  { n: 7, section: 'A', what: 'endless CONTINUATION, also one octet a TLS record', must: 'closed, little work', by: integration('flood', 'in too many CONTINUATION frames end the session', 'that are never finished end the session'), run: 'dribbledContinuation' },
  { n: 8, section: 'A', what: 'PING for ever without reading', must: 'closed, output bounded', by: integration('flood', "['PING', 'ping'"), run: 'pingsUnread' },
  { n: 9, section: 'A', what: 'SETTINGS for ever; windows toggled under 100 streams', must: 'closed, little work', by: integration('flood', "['SETTINGS', 'settings'", 'after 17 entries in one SETTINGS'), run: 'settingsToggled' },
  { n: 10, section: 'A', what: 'useless frames for ever', must: 'closed within the limit', by: integration('flood', "'empty DATA'", "'frames of an unknown type'", "'PRIORITY'", "'WINDOW_UPDATE of one octet'", "'WINDOW_UPDATE on a closed stream'") },
  { n: 11, section: 'A', what: 'a reader that stops under 1,000 events a second', must: 'let go or dropped by policy; others go on', by: integration('slow-consumer', 'the page is told "slow"', 'stays within its bound', 'does not hold up its session') },
  { n: 12, section: 'A', what: 'windows of one octet on event streams', must: 'right octets, little memory, no punishment', run: 'windowsOfOneOctet' },
  { n: 13, section: 'A', what: 'a stream too many, before and after our SETTINGS are acknowledged', must: 'refused, or the connection ends', by: integration('flood', 'streams beyond the limit are refused'), run: 'streamTooMany' },
  { n: 14, section: 'A', what: 'SETTINGS that are never acknowledged', must: 'closed with SETTINGS_TIMEOUT', by: integration('flood', 'a client that never acknowledges SETTINGS is let go') },
  { n: 15, section: 'A', what: 'silence in each phase of a connection', must: 'closed in time', by: integration('timeouts', 'a connection that says nothing', 'half a ClientHello', 'TLS and then nothing', 'half a preface', 'a client of HTTP/1.1 that stops behind', 'octets that come one by one') },
  { n: 16, section: 'A', what: 'half handshakes of one address', must: 'another address is served', by: integration('handshakes', 'half handshakes of one address leave places to others'), run: 'halfHandshakes' },
  { n: 17, section: 'A', what: 'no descriptors left', must: 'no spin, old streams served, recovers', by: [...integration('aborts', 'without descriptors newcomers wait'), ...integration('sessions', 'one address leaves descriptors to the others')], run: 'noDescriptors' },
  { n: 18, section: 'A', what: 'the n-th allocation fails', must: 'no crash, no leak, no message lost', by: [...unit('h2/test_out_of_memory', 'test_every_allocation'), ...integration('out-of-memory', 'without memory requests end, and no data'), ...integration('scarce-calls', 'what the kernel refuses ends requests, and no data')] },
  { n: 19, section: 'A', what: 'h2spec --strict', must: 'all pass', by: file('h2spec/run.mjs', 'and requires all cases to pass, none skipped') },
  { n: 20, section: 'A', what: 'the fuzz targets', must: 'no finding', by: ['path', 'form', 'session', 'http1', 'multipart', 'proxy_header', 'json', 'message', 'jwt'].flatMap((name) => file('fuzz/CMakeLists.txt', `fuzz_target(${name} `)), here: 'the tests run the corpora and some seconds each; 24 hours are run by hand' },
  { n: 21, section: 'A', what: 'random octets, TLS in TLS, hostile HTTP/1.1, behind TLS', must: '400 or closed, one answer at the most, no flood of log lines', by: [...integration('transport', 'closes when something else than HTTP/2 comes through TLS', 'tells clients of HTTP without TLS to use https', 'takes no upgrade to HTTP/2'), ...integration('http1', 'what could be read in two ways is answered once'), ...unit('h1/test_parser', 'test_refusals', 'test_bad_chunks', 'test_nul')], run: 'randomOctets' },
  { n: 22, section: 'A', what: 'clients that break off, half-close, or end without close_notify', must: 'all is given back', by: integration('aborts', 'uploads are broken off after any number of octets', 'requests are reset while workers are at work on them'), run: 'brokenOff' },

  { n: 23, section: 'B', what: "another user's connectionId on every route", must: 'unknown; she is unaffected', by: [...integration('ownership', 'sessionBinding strict keeps a bare id to its own session'), ...integration('connection-ids', 'each route of pages has a row here', 'answers as to an unknown id, wherever it stands')] },
  { n: 24, section: 'B', what: 'every route with every wrong credential', must: '401 or 403, nothing done', by: integration('auth-matrix', 'each route of the server has a row here') },
  { n: 25, section: 'B', what: 'forged tokens of each kind', must: '401', by: integration('jwt', 'refused, with a reason and without an echo:') },
  { n: 26, section: 'B', what: 'a token ends while its stream is open', must: 'connect-close, reason expired', by: integration('expiry', 'is announced, and then ends the stream') },
  { n: 27, section: 'B', what: 'a cookie and a foreign origin', must: '403 before anything is registered', by: integration('origin', 'is refused to foreign pages before anything is registered') },
  { n: 28, section: 'B', what: 'CORS', must: 'who is listed may read, nobody else', by: integration('origin', 'who is listed may, others may not', 'of other origins, and for the back ends') },
  { n: 29, section: 'B', what: 'connectionIds over restarts', must: 'never twice, 128 random bits', run: 'idsOverRestarts' },
  { n: 30, section: 'B', what: "back ends' paths on a public listener; without a key", must: '404; 401', by: integration('listener-roles', 'does not know ${path}', 'serves the metrics, to those with the key') },
  { n: 31, section: 'B', what: 'X-Forwarded-For of who is not trusted', must: 'ignored', by: integration('client-address', 'nobody is trusted who is not listed') },
  { n: 32, section: 'B', what: 'bad logins for ever', must: 'others are served; nothing tells users apart', by: [...integration('jwt', 'wrong signatures are computed only so often'), ...integration('forged-tokens', 'refuses no guest with a token that nobody has seen', 'refuses no token and no address that was good before')], run: 'badLogins' },

  { n: 33, section: 'C', what: 'kill -9 again and again under sends', must: 'none lost, order kept', by: integration('qos-crash', 'messages with qos 1 survive the server and the pages') },
  { n: 34, section: 'C', what: 'answered 200', must: 'synced before', by: integration('qos-strace', 'each answer is written after a sync of the store has returned') },
  { n: 35, section: 'C', what: 'a page is cut off at a random octet', must: 'the rest, in order', by: integration('resume', 'have the whole sequence, once and in order') },
  { n: 36, section: 'C', what: 'a Last-Event-ID that is not its own', must: 'no leak; a gap is told', by: integration('resume', 'as another user, with an id of ours, goes on there, and gets nothing of others', 'with an id that a sender gave to another user learns nothing from the answer', 'with an id that nobody gave is told so', 'with an id of 1 MiB is refused', 'with octets in the field that no field may have is refused', 'after the server has died is told that it was another life') },
  { n: 37, section: 'C', what: 'two tabs, one acknowledges', must: 'no second delivery', by: integration('qos', 'two tabs that are there both get it; one acknowledgement is enough', 'two tabs that come at once get it once between them') },
  { n: 38, section: 'C', what: 'the disk is full', must: '503, streams go on, recovers', by: integration('qos-full', 'a disk that is full', 'what could not be committed has not ended', 'a file that is damaged') },
  { n: 39, section: 'C', what: 'the bus goes away', must: 'local delivery goes on', open: 'there is one node only' },
  { n: 40, section: 'C', what: 'a message of the bus is lost', must: 'found and fetched', open: 'there is one node only' },
  { n: 41, section: 'C', what: 'a queue too long, a message too old', must: 'ended, counted, told', by: [...integration('qos', 'the bound of a queue ends the oldest, which is counted', 'after its ttl it is not there any more, and counted'), ...integration('qos-queries', 'tell of what has expired in any case')] },
  { n: 42, section: 'C', what: 'data of any kind', must: 'comes out as it went in, or is refused', by: [...unit('sse/test_message', 'test_data', 'test_json_form_is_read_again'), ...unit('sse/test_event', 'test_round_trip_of_all_short_texts')] },
  { n: 43, section: 'C', what: 'CR, LF, NUL in names and ids', must: 'refused', by: integration('bad-input', 'an event name with LF', 'an id with LF') },
  { n: 44, section: 'C', what: 'send and upload while offline', must: 'the promise settles', by: client('calls', 'calls made before the connection settle after it, in order', 'a call is not made again for ever') },

  { n: 45, section: 'D', what: 'paths', must: '400, 404 or 414, never a file', by: integration('bad-input', 'test(`${path.slice(0, 60)} is refused`') },
  { n: 46, section: 'D', what: 'too many and too long fields', must: '431', by: integration('bad-input', '90 are taken', 'are refused with 431') },
  { n: 47, section: 'D', what: 'malformed requests; CONNECT, TRACE', must: 'reset, 400 or 405', by: [...integration('flood', 'a malformed request costs its own stream and nothing else'), ...integration('bad-input', 'host that differs from :authority is refused', 'unknown methods are refused')], run: 'methods' },
  { n: 48, section: 'D', what: 'content-length that lies, trailers, bodies on GET, expect', must: 'as HTTP says', by: integration('bad-input', 'than its content-length is not acted on', 'on a GET is ignored or refused', 'announced by expect: 100-continue is taken'), run: 'trailersWithoutEnd' },
  { n: 49, section: 'D', what: 'hostile JSON', must: '400; data goes through as it is', by: integration('bad-input', '10,001 values', 'takes data of 64 KiB'), run: 'hostileData' },
  { n: 50, section: 'D', what: 'other content types', must: '415; the beacon works', by: integration('bad-input', 'refuses other content types with 415', 'of disconnect.do must be a form') },
  { n: 51, section: 'D', what: 'hostile multipart', must: '400 or 413, nothing left', by: integration('upload', 'with 65 parts', 'with nested multipart', 'without an end') },
  { n: 52, section: 'D', what: 'hostile file names', must: 'told, never used', by: integration('upload', 'file names are only told, never used as a path') },
  { n: 53, section: 'D', what: 'large, slow and many uploads', must: '413; closed; memory bounded', by: [...integration('upload', 'above 32 MiB'), ...integration('timeouts', 'half a body, while the session goes on'), ...integration('bodies', 'holds for bodies that do not end'), ...integration('upload-quota', 'uploads at a time leave the reserve of a disk')], run: 'manyUploads' },
  { n: 54, section: 'D', what: 'numbers and names of queries', must: '400 or cut', by: integration('bad-input', 'with a huge pageSize is refused or cut to 1000', 'with a name that is not known is refused, and told those that are') },
  { n: 55, section: 'D', what: 'control characters and a long user agent', must: 'one line of the log, cut', by: [...integration('bad-input', 'what clients say cannot forge lines of the log'), ...unit('base/test_log', 'nothing_can_forge_a_line_or_reach_the_terminal', 'values_are_cut_at_one_kib')] },

  { n: 56, section: 'E', what: 'old versions, weak suites, renegotiation', must: 'refused', by: integration('transport', 'refuses ${version}', 'refuses the suites ${suite}', 'renegotiates with nobody'), here: 'testssl.sh 3.2 is not in Debian 12: the suites are tried by openssl' },
  { n: 57, section: 'E', what: 'ALPN without h2, or none', must: 'HTTP/1.1; an offer without either: alert no_application_protocol; no octet of HTTP/2', by: integration('transport', 'refuses other protocols than h2 and http/1.1', 'speaks HTTP/1.1 with who offers that alone, or nothing', 'where http1 is false, HTTP/2 alone is spoken') },
  { n: 58, section: 'E', what: 'an unknown server name', must: 'the configured answer', run: 'unknownServerName' },
  { n: 59, section: 'E', what: 'new certificates under handshakes', must: 'no handshake fails', by: integration('reload-crowd', 'a thousand streams live through 50 reloads of settings and 50 of certificates') },
  { n: 60, section: 'E', what: 'session tickets', must: 'resume; after a change of key a full handshake', by: integration('tickets', 'keys in a file outlive the process', 'keys that are made here change'), run: 'tickets' },
  { n: 61, section: 'E', what: 'early data', must: 'rejected, the handshake goes on', run: 'earlyData' },

  { n: 62, section: 'F', what: 'SIGTERM with many streams', must: 'requests finish, streams end over a span', by: [...integration('shutdown', 'requests in flight are answered'), ...integration('drain', 'event streams end over the span')] },
  { n: 63, section: 'F', what: 'a new program takes over', must: 'none refused', open: 'sockets are not handed over' },
  { n: 64, section: 'F', what: 'the server of many pages dies', must: 'they come back spread over time', by: client('connection', 'waits are spread, grow and are bounded', '503 waits as long as it says') },
  { n: 65, section: 'F', what: 'the longest life of a stream', must: 'a clean end with retry', by: unit('sse/test_connection', 'test_lifetime') },
  { n: 66, section: 'F', what: 'the network swallows everything', must: 'offline within 45 s', by: integration('presence-crowd', "the watcher\\'s picture of a crowd") },
  { n: 67, section: 'F', what: 'tabs hidden, shown, frozen, put away', must: 'one connection, right presence', by: browser('page-life', 'a tab that is hidden and shown 50 times fast', 'a frozen page leaves', 'put away for the back button') },
  { n: 68, section: 'F', what: 'a slow reader among many', must: 'the others do not notice', by: integration('slow-consumer', 'does not hold up its session'), run: 'slowAmongMany' },
  { n: 69, section: 'F', what: 'limits are reached', must: '429 or 503 with retry-after, streams untouched', by: integration('limits', 'a user has so many streams', 'an address asks so often', 'a service has so many streams, above which 503') },
  { n: 70, section: 'F', what: 'the wall clock jumps by a day', must: 'no timer notices', here: 'the clock of the machine is not the test\'s to set' },
  { n: 71, section: 'F', what: 'a day of churn', must: 'memory and descriptors as at the start', here: 'bench/soak runs 20 minutes of it by hand' },
  { n: 72, section: 'F', what: 'a bad configuration', must: 'refused at start, with file and line', by: integration('program', 'is refused with file, line and what would be right') },
  { n: 73, section: 'F', what: 'the log cannot be written', must: 'the service goes on, lines are counted', by: unit('base/test_log', '/dev/full'), run: 'logFull' },
  { n: 74, section: 'F', what: 'a worker crashes', must: 'started again', open: 'workers are threads: the process ends, and systemd starts it again' },
  { n: 75, section: 'F', what: 'as a user without rights, hardened', must: 'all of this passes', here: 'no systemd runs where the tests run' },
  { n: 76, section: 'F', what: 'Chromium: streams, posts, uploads, beacons on one connection', must: 'no error', by: browser('one-session', 'streams, sends and uploads of three frames share one session'), here: 'Firefox has no driver among the test packages' },
];
