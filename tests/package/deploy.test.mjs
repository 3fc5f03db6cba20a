// SPDX-License-Identifier: Apache-2.0
// What containers are made and run by: the Dockerfile's instructions, compose.yaml, the Kubernetes manifests, the settings
// in them. That the image works shows tests/package/image.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { run } from '../integration/support/run.mjs';
import { runCommand } from '../integration/support/server.mjs';

const root = new URL('../../', import.meta.url).pathname;
const python = join(root, 'build/python/bin/python');
const manifests = join(root, 'packaging/kubernetes/sse-server.yaml');

let directory;
let objects;
let compose;
let pod;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'deploy-'));
  objects = await readYaml(manifests);
  [compose] = await readYaml(join(root, 'compose.yaml'));
  pod = object('StatefulSet').spec.template.spec;
});
after(() => rm(directory, { recursive: true }));

async function readYaml(file) {
  const { code, stdout, stderr } = await run(python,
    ['-c', 'import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))', file]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

function object(kind) {
  return objects.find((one) => one.kind === kind);
}

async function longestStop() {
  const { stdout } = await runCommand(['default-config']);
  return Number(stdout.match(/^drainTime: (\d+)s$/m)[1]) + 5;
}

// The settings with all paths in a directory where the files that they name are.
async function check(text) {
  await mkdir(join(directory, 'tls'), { recursive: true });
  const pair = (await runCommand(['make-cert', '--out', directory])).stdout;
  const files = {
    'tls.crt': await readFile(pair.match(/certificate (\S+)/)[1]),
    'tls.key': await readFile(pair.match(/key (\S+)/)[1]),
    'api-key': (await runCommand(['make-key'])).stdout.match(/^key +(\S+)/m)[1],
    'token-public.pem': (await run('sh', ['-c', 'openssl ecparam -name prime256v1 -genkey -noout | openssl ec -pubout'])).stdout,
  };
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(directory, name), content);
  }
  const config = join(directory, 'sse-server.yaml');
  await writeFile(config, text.replace(/\/(?:etc|run)\/[a-z/-]+\/((?:tls|api-key|token-public)\S*)/g, join(directory, '$1'))
    .replace('/var/lib/sse-server', join(directory, 'state')));
  return runCommand(['check-config', config]);
}

test('the manifests are what Kubernetes takes', async () => {
  const { code, output } = await run(python, ['-m', 'kubernetes_validate', '--strict', '--quiet', manifests]);
  assert.equal(code, 0, output);
});

test('the pod may do little, and has time to stop', async () => {
  assert.equal(pod.securityContext.runAsNonRoot, true);
  const [container] = pod.containers;
  assert.equal(container.securityContext.readOnlyRootFilesystem, true);
  assert.equal(container.securityContext.allowPrivilegeEscalation, false);
  assert.deepEqual(container.securityContext.capabilities, { drop: ['ALL'] });
  assert.ok(pod.terminationGracePeriodSeconds > await longestStop());
  assert.equal(container.livenessProbe.httpGet.path, '/health/live');
  assert.equal(container.readinessProbe.httpGet.path, '/health/ready');
  assert.ok(pod.volumes.find(({ secret }) => secret?.secretName === 'sse-server-tls'));
});

test('a node can be emptied', () => {
  assert.equal(object('PodDisruptionBudget').spec.maxUnavailable, object('StatefulSet').spec.replicas);
  assert.deepEqual(object('PodDisruptionBudget').spec.selector, object('StatefulSet').spec.selector);
});

test('the settings in them are right', async () => {
  for (const text of [object('ConfigMap').data['sse-server.yaml'],
    await readFile(join(root, 'packaging/container/sse-server.yaml'), 'utf8')]) {
    const { code, output } = await check(text);
    assert.equal(code, 0, output);
    assert.doesNotMatch(output, /^warning/m);
  }
});

test('compose.yaml has one service, that may do little and has time to stop', async () => {
  assert.deepEqual(Object.keys(compose), ['services', 'volumes', 'secrets']);
  const service = compose.services['sse-server'];
  assert.deepEqual(Object.keys(service).sort(), ['build', 'cap_drop', 'image', 'ports', 'read_only', 'restart', 'secrets',
    'security_opt', 'stop_grace_period', 'ulimits', 'volumes']);
  assert.equal(service.read_only, true);
  assert.deepEqual(service.cap_drop, ['ALL']);
  const unit = await readFile(join(root, 'packaging/sse-server.service'), 'utf8');
  assert.equal(service.ulimits.nofile, Number(unit.match(/^LimitNOFILE=(\d+)$/m)[1]));
  assert.ok(Number.parseInt(service.stop_grace_period, 10) > await longestStop());
  for (const [volume] of service.volumes.map((text) => text.split(':'))) {
    assert.ok(volume.startsWith('./packaging/') || volume in compose.volumes, volume);
  }
});

test('the Dockerfile has only instructions that the test of the image takes', async () => {
  const { code, stdout, output } = await run(join(root, 'tests/package/image'), ['--check']);
  assert.equal(code, 0, output);
  assert.match(stdout, /^USER [1-9]\d*:[1-9]\d*$/m);
  assert.match(stdout, /^HEALTHCHECK .*"health"\]$/m);
  assert.match(stdout, /^ENTRYPOINT \["sse-server"\]$/m);
});
