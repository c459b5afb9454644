/** What a program may ask of the library: the same as a person of the command line, with the same words. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { createEngine } from '../../src/engine/create.ts';
import { checkRequest } from '../../src/engine/request.ts';
import { type ContainerRequest, containerRequest } from '../../src/values/container.ts';
import { type ErrorCode, GangwayError } from '../../src/values/errors.ts';
import { connectionTo } from '../../src/values/network.ts';

const place = mkdtempSync(join(tmpdir(), 'gangway-request-'));
test.after.always(() => rmSync(place, { recursive: true }));

const nowhere = createEngine({
  stateDirectory: join(place, 'state'),
  runtimeDirectory: join(place, 'run'),
});

const port = (first: number, last = first) => ({ first, last });

const refused: readonly (readonly [asked: object, code: ErrorCode, message: RegExp])[] = [
  [{ command: [] }, 'usage', /no command/],
  [{ command: ['a\0b'] }, 'invalid-option', /zero byte/],
  [{ name: '../x' }, 'invalid-name', /container name/],
  [{ name: 42 }, 'invalid-option', /--name 42 is no text/],
  [{ hostname: 'a b' }, 'invalid-name', /hostname/],
  [{ user: '-x' }, 'invalid-option', /user/],
  [{ workingDirectory: 'srv' }, 'invalid-option', /--workdir "srv" is no absolute path/],
  [{ environment: ['=x'] }, 'invalid-option', /environment entry "=x"/],
  [{ environment: ['A=\0'] }, 'invalid-option', /environment entry/],
  [{ volumes: [{ source: 'data', target: '/data', readOnly: false }] }, 'invalid-option', /volume "data:\/data"/],
  [{ volumes: [{ source: '/data', target: '/mnt/..', readOnly: false }] }, 'invalid-option', /volume/],
  [{ rootfs: { kind: 'directory', path: 'tree' } }, 'invalid-option', /--rootfs "tree"/],
  [{ rootfs: { kind: 'image', path: '/tree' } }, 'invalid-option', /--rootfs "image"/],
  [{ isolation: 'some' }, 'invalid-option', /--isolation "some"/],
  [{ userNamespace: 'x' }, 'invalid-option', /--userns "x"/],
  [{ network: 'bridge' }, 'invalid-option', /--network/],
  [{ network: { kind: 'networks', connections: [connectionTo('a;b')] } }, 'invalid-name', /network name/],
  [{ network: { kind: 'container', container: '../x' } }, 'invalid-name', /container/],
  [{ restart: { kind: 'sometimes' } }, 'invalid-option', /restart policy "sometimes"/],
  [{ restart: { kind: 'on-failure', maximumRetries: -1 } }, 'invalid-option', /restart policy/],
  [{ restart: { kind: 'always' }, removeOnExit: true }, 'conflicting-options', /exclude each other/],
  [{ limits: { memoryBytes: 1 } }, 'invalid-option', /--memory/],
  [{ limits: { memoryBytes: Number.NaN } }, 'invalid-option', /--memory/],
  [{ limits: { cpuMillis: -500 } }, 'invalid-option', /--cpus/],
  [{ limits: { cpuShares: 1.5 } }, 'invalid-option', /--cpu-shares/],
  [{ limits: { pids: Number.POSITIVE_INFINITY } }, 'invalid-option', /--pids-limit/],
  [{ limits: { blockWeight: 5 } }, 'invalid-option', /--blkio-weight/],
  [
    { limits: { deviceReadBytesPerSecond: [{ path: '/etc', bytesPerSecond: 1 }] } },
    'invalid-option',
    /--device-read-bps/,
  ],
  [{ capabilities: { add: ['NET_RWA'], drop: [] } }, 'invalid-option', /--cap-add/],
  [{ publish: [{ protocol: 'tcp', containerPort: port(70_000) }] }, 'invalid-port', /container port/],
  [{ publish: [{ protocol: 'icmp', containerPort: port(80) }] }, 'invalid-port', /protocol/],
  [{ publish: [{ protocol: 'tcp', hostPort: port(1, 3), containerPort: port(1, 2) }] }, 'invalid-port', /differ/],
  [{ expose: [{ port: 0, protocol: 'tcp' }] }, 'invalid-port', /port/],
];

for (const [asked, code, message] of refused) {
  test(`${JSON.stringify(asked)} is refused before anything is made`, async (t) => {
    const request = { ...containerRequest({ command: ['true'] }), ...asked } as ContainerRequest;
    for (const attempt of [() => nowhere.run(request), () => nowhere.create(request)]) {
      const error = await t.throwsAsync(attempt, { instanceOf: GangwayError });
      t.is(error?.code, code);
      t.regex(error?.message ?? '', message);
    }
    t.false(existsSync(join(place, 'state')));
    t.false(existsSync(join(place, 'run')));
  });
}

test('how to stop, what to run inside, and which lines are asked with the same care', async (t) => {
  const exec = {
    command: ['true'],
    terminal: false,
    interactive: false,
    detached: false,
    environment: [],
    privileged: false,
  };
  const attempts = [
    () => nowhere.stop('web', { timeoutSeconds: Number.NaN }),
    () => nowhere.stop('web', { signal: 'NOPE' }),
    () => nowhere.restart('web', { timeoutSeconds: Number.NaN }),
    () => nowhere.exec('web', { ...exec, user: 'a b' }),
    () => nowhere.exec('web', { ...exec, workingDirectory: 'srv' }),
    () => nowhere.exec('web', { ...exec, environment: ['x y=z'] }),
    async () => await nowhere.logs('web', { follow: false, tail: -1 })[Symbol.asyncIterator]().next(),
    async () =>
      await nowhere
        .logs('web', { follow: false, since: new Date('never') })
        [Symbol.asyncIterator]()
        .next(),
  ];
  for (const attempt of attempts)
    t.is((await t.throwsAsync(attempt, { instanceOf: GangwayError }))?.code, 'invalid-option');
  t.false(existsSync(join(place, 'run')));
});

test('what is right stays as it is, in its usual spelling', (t) => {
  const request = containerRequest({
    command: ['sh', '-c', 'true'],
    name: 'web',
    volumes: [{ source: '/a:b', target: '/mnt', readOnly: true }],
    restart: { kind: 'on-failure', maximumRetries: 3 },
    limits: { cpuMillis: 10, memoryBytes: 64 * 1024 ** 2, pids: 20, blockWeight: 300 },
    publish: [{ protocol: 'udp', hostPort: port(53), containerPort: port(53) }],
    expose: [{ port: 80, protocol: 'tcp' }],
  });
  t.deepEqual(checkRequest(request), request);
  const standard = { kind: 'networks', connections: [connectionTo('default')] } as const;
  t.deepEqual(checkRequest({ ...request, network: standard }).network, {
    kind: 'networks',
    connections: [connectionTo('bridge')],
  });
  t.deepEqual(checkRequest({ ...request, limits: { pids: 0 } }).limits, {});
  t.deepEqual(checkRequest({ ...request, volumes: [{ source: '/a', target: '/b/../c/', readOnly: false }] }).volumes, [
    { source: '/a', target: '/c', readOnly: false },
  ]);
});
