/** What a program may ask of the library: the same as a person of the command line, with the same words. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { createEngine } from '../../src/engine/create-engine.ts';
import { checkRequest } from '../../src/engine/validate-request.ts';
import { parseAddress } from '../../src/values/address.ts';
import { type ContainerRequest, containerRequest } from '../../src/values/container.ts';
import { type ErrorCode, GangwayError } from '../../src/values/errors.ts';
import { connectionTo } from '../../src/values/network.ts';
import { parsePublish } from '../../src/values/port-grammar.ts';

const place = mkdtempSync(join(tmpdir(), 'gangway-request-'));
test.after.always(() => rmSync(place, { recursive: true }));

// What should be refused and is not must not be made on the machine of whoever runs this.
const nowhere = createEngine({
  stateDirectory: join(place, 'state'),
  runtimeDirectory: join(place, 'run'),
  dryRun: true,
});

const port = (first: number, last = first) => ({ first, last });

const refused: readonly (readonly [asked: object, code: ErrorCode, message: RegExp])[] = [
  [{ command: [] }, 'usage', /no command/],
  [{ command: ['a\0b'] }, 'invalid-option', /zero byte/],
  [{ name: '../x' }, 'invalid-name', /container name/],
  [{ name: 42 }, 'invalid-option', /--name 42 is no text/],
  [{ hostname: 'a b' }, 'invalid-name', /hostname/],
  [{ domainName: 'example.org\n10.0.0.1 bank' }, 'invalid-option', /--domainname/],
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
  [
    { proxyProtocol: [{ port: 80, protocol: 'tcp' }] },
    'port-not-published',
    /--proxy-protocol 80\/tcp: no published port/,
  ],
  [{ proxyProtocol: [{ port: 0, protocol: 'tcp' }] }, 'invalid-port', /invalid port "0"/],
  [
    { publish: [parsePublish('53/udp')], proxyProtocol: [{ port: 53, protocol: 'udp' }] },
    'not-supported',
    /introduced over tcp, and --proxy-protocol 53\/udp is udp/,
  ],
  [{ capabilities: { add: ['NET_RWA'], drop: [] } }, 'invalid-option', /--cap-add/],
  [{ publish: [{ protocol: 'tcp', containerPort: port(70_000) }] }, 'invalid-port', /container port/],
  [{ publish: [{ protocol: 'icmp', containerPort: port(80) }] }, 'invalid-port', /protocol/],
  [{ publish: [{ protocol: 'tcp', hostPort: port(1, 3), containerPort: port(1, 2) }] }, 'invalid-port', /differ/],
  [{ expose: [{ port: 0, protocol: 'tcp' }] }, 'invalid-port', /port/],
  ...sharedStack(),
];

/** What belongs to a stack that is another container's. */
function sharedStack(): typeof refused {
  const asked = {
    '--hostname': { hostname: 'box' },
    '--domainname': { domainName: 'example.org' },
    '--add-host': { extraHosts: [{ name: 'db', address: 'host-gateway' }] },
    '--dns': { resolver: { servers: [parseAddress('9.9.9.9')] } },
    '--dns-search': { resolver: { search: ['example.org'] } },
    '--dns-option': { resolver: { options: ['rotate'] } },
    '--publish': { publish: [parsePublish('80')] },
    '--publish-all': { publishAll: true },
    '--expose': { expose: [{ port: 80, protocol: 'tcp' }] },
    '--sysctl': { sysctls: [{ key: 'net/ipv4/ip_forward', value: '1' }] },
  };
  const network = { kind: 'container', container: 'web' };
  return Object.entries(asked).map(([option, parts]) => [
    { ...parts, network },
    'conflicting-options',
    new RegExp(`^${option} conflicts with --network container:web$`),
  ]);
}

/** JSON has no large numbers. */
const written = (value: object) => JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part));

for (const [asked, code, message] of refused) {
  test(`${written(asked)} is refused before anything is made`, async (t) => {
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

const [link, sysctl] = [
  { container: 'db', alias: 'db' },
  { key: 'net/ipv4/conf/IFNAME/forwarding', value: '1' },
];
const plugs: readonly (readonly [asked: object, code: ErrorCode, message: RegExp])[] = [
  [{ network: 'a;b' }, 'invalid-name', /network name/],
  [{ link: '$(id)' }, 'invalid-name', /interface name/],
  [{ aliases: ['db\n10.0.0.1 bank'] }, 'invalid-name', /alias/],
  [{ links: [{ ...link, alias: 'a b' }] }, 'invalid-name', /alias/],
  [{ links: [{ ...link, container: '../db' }] }, 'invalid-name', /container/],
  [{ mac: '02:42:00:00:00:01; reboot' }, 'invalid-address', /no MAC address/],
  [{ sysctls: [{ ...sysctl, key: 'kernel/core_pattern' }] }, 'invalid-option', /whole machine/],
  [{ sysctls: [{ ...sysctl, key: 'net/ipv4/conf/../../../kernel/core_pattern' }] }, 'invalid-option', /KEY=VALUE/],
  [{ sysctls: [{ ...sysctl, key: 'net/ipv4/ip_forward' }] }, 'invalid-option', /no setting of a link/],
  [{ addresses: [parseAddress('127.0.0.1')] }, 'invalid-address', /127\.0\.0\.1/],
  [{ addresses: ['10.0.0.8', '10.0.0.9'].map(parseAddress) }, 'conflicting-options', /two addresses of one family/],
  [{ linkLocalAddresses: [parseAddress('10.0.0.9')] }, 'invalid-address', /link-local/],
  [{ gatewayPriority: Number.NaN }, 'invalid-option', /--gw-priority/],
];

for (const [asked, code, message] of plugs) {
  test(`a connection with ${written(asked)} is refused before anything is looked up`, async (t) => {
    const connection = { ...connectionTo('web'), ...asked };
    const error = await t.throwsAsync(() => nowhere.connect('web', connection), { instanceOf: GangwayError });
    t.is(error?.code, code);
    t.regex(error?.message ?? '', message);
    t.false(existsSync(join(place, 'run')));
  });
}

test('how to stop, what to run inside, what to ask and which lines are asked with the same care', async (t) => {
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
    () => nowhere.queryName('web', 'db', { type: 'ANYTHING' as 'A' }),
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
