import test from 'ava';
import type { Engine, RulesAt, Traffic } from '../../src/engine/engine.ts';
import { formatPlace, portTotals } from '../../src/engine/metrics/port-totals.ts';
import { Counters } from '../../src/services/proxy/counters.ts';
import { parseAddress } from '../../src/values/address.ts';
import { GangwayError } from '../../src/values/errors.ts';
import { gangway } from '../support/cli.ts';
import { bridge, container, id } from '../support/fake-engine.ts';

const port = {
  state: 'present',
  why: 'published: 0.0.0.0:8080/tcp leads to 172.17.0.2:80',
  command: "nft 'add element inet gangway ports4 { tcp . 8080 : 172.17.0.2 . 80 }'",
  from: 'run -p 8080:80 web',
  counted: { packets: 2n, bytes: 120n },
} as const;
const strange = { state: 'unexplained', why: 'no record says why', command: "nft 'add element …'" } as const;
const places: readonly RulesAt[] = [
  {
    hook: 'prerouting',
    chains: ['from_outside', 'published'],
    why: 'a port',
    state: 'present',
    rules: [port, strange],
  },
  { hook: 'forward', chains: ['enter'], why: 'in', state: 'missing', rules: [{ ...port, state: 'missing' }] },
];
const answering = (...told: readonly RulesAt[]): Partial<Engine> => ({ rules: async () => told });

test('prints each chain with the reason, command, origin and counters of its rules', async (t) => {
  const { status, stdout, calls } = await gangway(['rules', '8080'], answering(...places));
  t.is(status, 0);
  t.deepEqual(calls, [['rules', '8080']]);
  t.is(
    stdout,
    `prerouting: from_outside, published
  a port
  present  published: 0.0.0.0:8080/tcp leads to 172.17.0.2:80
    nft 'add element inet gangway ports4 { tcp . 8080 : 172.17.0.2 . 80 }'
    gangway run -p 8080:80 web; 2 packets, 120 bytes
  unknown owner  no record says why
    nft 'add element …'

forward: enter (missing or changed)
  in
  missing  published: 0.0.0.0:8080/tcp leads to 172.17.0.2:80
    nft 'add element inet gangway ports4 { tcp . 8080 : 172.17.0.2 . 80 }'
    gangway run -p 8080:80 web; 2 packets, 120 bytes
`,
  );
});

test('prints JSON with a row for each chain, and renders a template', async (t) => {
  const { stdout } = await gangway(['rules', '--format', 'json'], answering(...places));
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.like(rows[0], { State: 'present', Hook: 'prerouting', Chain: 'from_outside, published', Command: '' });
  t.like(rows[1], { State: 'present', From: 'run -p 8080:80 web', Packets: '2', Bytes: '120' });
  t.like(rows[2], { State: 'unexplained', From: '', Packets: '' });
  t.is((await gangway(['rules', '--format', '{{.State}}'], answering(...places))).stdout.split('\n')[3], 'missing');
});

test('reports that there are no rules', async (t) => {
  const { status, stderr } = await gangway(['rules', 'host'], answering());
  t.is(status, 0);
  t.is(stderr, 'gangway: no rules for host\n');
  t.is((await gangway(['rules'], answering())).stderr, 'gangway: no rules: no container has used a network yet\n');
});

const nothing = new Counters().read();

const traffic = async (): Promise<Traffic> => ({
  networks: [{ id: bridge.id, name: 'bridge', in: { packets: 3n, bytes: 300n }, out: { packets: 2n, bytes: 200n } }],
  ports: [
    {
      container: id,
      name: 'web',
      protocol: 'tcp',
      hostAddress: parseAddress('0.0.0.0'),
      hostPort: { first: 8080, last: 8080 },
      containerPort: { first: 80, last: 80 },
      connections: 3n,
    },
    {
      container: id,
      name: 'web',
      protocol: 'udp',
      hostAddress: parseAddress('::'),
      containerPort: { first: 9000, last: 9002 },
      connections: 1n,
    },
    {
      container: 'another',
      name: 'api',
      protocol: 'tcp',
      hostAddress: parseAddress('0.0.0.0'),
      hostPort: { first: 8081, last: 8081 },
      containerPort: { first: 80, last: 80 },
      connections: 9n,
    },
  ],
  relays: [
    {
      container: id,
      name: 'web',
      protocol: 'tcp',
      hostAddress: parseAddress('::'),
      hostPort: { first: 8080, last: 8080 },
      containerPort: { first: 80, last: 80 },
      counts: {
        ...nothing,
        open: 1,
        connections: 5,
        bytesIn: 1500,
        bytesOut: 2,
        refused: 3,
        clientReset: 1,
        turnedAway: 4,
      },
      led: 6,
    },
  ],
});

test('reads traffic counters only if the output of inspect or stats contains them', async (t) => {
  const inspect = JSON.parse((await gangway(['inspect', 'web'], { traffic })).stdout);
  t.deepEqual(inspect[0].Traffic, {
    Ports: {
      '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080', Connections: 3 }],
      '9000-9002/udp': [{ HostIp: '::', HostPort: '', Connections: 1 }],
    },
    Relayed: {
      '80/tcp': [
        {
          HostIp: '::',
          HostPort: '8080',
          Open: 1,
          Connections: 5,
          BytesIn: 1500,
          BytesOut: 2,
          DatagramsIn: 0,
          DatagramsOut: 0,
          Errors: { Refused: 3, Unreachable: 0, TimedOut: 0, ClientReset: 1, ContainerReset: 0, AcceptFailed: 0 },
          Drops: { TurnedAway: 4, Unsent: 0, Overflowed: 0, Evicted: 0 },
          Led: 6,
        },
      ],
    },
  });
  const inOut = '{{.Traffic.In.Bytes}} {{.Traffic.Out.Packets}}';
  t.is((await gangway(['network', 'inspect', '-f', inOut, 'bridge'], { traffic })).stdout, '300 2\n');
  const stats = ['stats', '--no-stream', 'web', '--format'];
  t.like(JSON.parse((await gangway([...stats, 'json'], { traffic })).stdout), {
    Connections: '4',
    PortConnections: '0.0.0.0:8080->80/tcp: 3, 9000-9002/udp: 1',
  });
  for (const whole of [
    '{{json .}}',
    '{{ json . }}',
    '{{- json . -}}',
    '{{json $}}',
    '{{with .}}{{.Connections}}{{end}}',
  ])
    t.regex((await gangway([...stats, whole], { traffic })).stdout, /"Connections":"4"|^4$/m, whole);
  for (const words of [
    ['inspect', '-f', '{{.Id}}', 'web'],
    ['network', 'inspect', '-f', '{{.Name}}', 'bridge'],
    [...stats, '{{.Name}}'],
    ['stats', '--no-stream', 'web'],
  ]) {
    const { calls } = await gangway(words, { traffic });
    t.false(
      calls.some(([method]) => method === 'traffic'),
      words.join(' '),
    );
  }
});

test('prints connections by data path, errors and drops with stats --ports', async (t) => {
  const stats = ['stats', '--ports', '--no-stream'];
  t.deepEqual((await gangway(stats, { traffic })).stdout.split('\n'), [
    'NAME      PORT             TRANSLATED   LED       RELAYED   OPEN      IN / OUT     ERRORS    DROPS',
    'api       *:8081->80/tcp   9            0         0         0         0B / 0B      0         0',
    'web       *:8080->80/tcp   3            6         5         1         1.5kB / 2B   4         4',
    'web       9000-9002/udp    1            0         0         0         0B / 0B      0         0',
    '',
  ]);
  const lines = (await gangway([...stats, '--format', 'json', 'web'], { traffic })).stdout.trimEnd().split('\n');
  t.is(lines.length, 2, 'only the ports of this container');
  t.like(JSON.parse(lines[0] ?? ''), {
    Port: '*:8080->80/tcp',
    Translated: '3',
    ErrorKinds: 'refused: 3, clientReset: 1',
    DropReasons: 'turnedAway: 4',
  });
});

test('continues stats --ports after a named container is removed', async (t) => {
  let looks = 0;
  const told: Partial<Engine> = {
    async inspect() {
      if (looks > 0) throw new GangwayError('container-not-found', 'no such container: web');
      return { Id: id };
    },
    async traffic() {
      if (++looks > 2) throw new Error('enough');
      return traffic();
    },
  };
  const { stdout } = await gangway(['stats', '--ports', '--format', '{{.Port}}', 'web'], told);
  t.is(stdout, '*:8080->80/tcp\n9000-9002/udp\n'.repeat(2));
});

test('ends stats --ports when all named containers are removed', async (t) => {
  let [looks, lists] = [0, 0];
  const told: Partial<Engine> = {
    async traffic() {
      if (++looks > 3) throw new Error('enough');
      return looks > 1 ? { networks: [], ports: [], relays: [] } : traffic();
    },
    list: async () => (++lists > 1 ? [] : [container]),
  };
  const ended = await gangway(['stats', '--ports', '--format', '{{.Port}}', 'web'], told);
  t.like(ended, { status: 0, stdout: '*:8080->80/tcp\n9000-9002/udp\n', stderr: '' });
  t.is(lists, 2);
});

test('rejects stats --ports with --all', async (t) => {
  const { status, stderr, calls } = await gangway(['stats', '--ports', '-a', '--no-stream'], { traffic });
  t.is(status, 125);
  t.regex(stderr, /^gangway: --ports and --all exclude each other\n/);
  t.deepEqual(calls, []);
});

test('adds counters of both address families and of a port range, also without a firewall rule', (t) => {
  const one = (hostAddress: string, hostPort: number, containerPort: number, connections: number) => ({
    container: id,
    name: 'web',
    protocol: 'tcp' as const,
    hostAddress: parseAddress(hostAddress),
    hostPort: { first: hostPort, last: hostPort },
    containerPort: { first: containerPort, last: containerPort },
    counts: { ...nothing, connections },
    led: 1,
  });
  const range = (hostAddress: string, connections: bigint) => ({
    container: id,
    name: 'web',
    protocol: 'tcp' as const,
    hostAddress: parseAddress(hostAddress),
    hostPort: { first: 8000, last: 8002 },
    containerPort: { first: 9000, last: 9002 },
    connections,
  });
  const totals = portTotals({
    ports: [range('0.0.0.0', 2n), range('::', 3n)],
    relays: [
      one('::', 8000, 9000, 1),
      one('::', 8002, 9002, 10),
      one('::', 8003, 9003, 100),
      one('127.0.0.1', 8000, 9000, 7),
    ],
  });
  t.deepEqual(
    totals.map((each) => [formatPlace(each), each.translated, each.relayed.connections, each.led]),
    [
      ['*:8000-8002->9000-9002/tcp', 5n, 11, 2],
      ['127.0.0.1:8000->9000/tcp', 0n, 7, 1],
      ['*:8003->9003/tcp', 0n, 100, 1],
    ],
  );
});

test('warns once and inspects the rest if the counters cannot be read', async (t) => {
  const refuses = {
    traffic: async (): Promise<Traffic> => {
      throw new GangwayError('program-failed', 'iptables-save failed', { hint: 'try again' });
    },
  };
  for (const words of [
    ['inspect', 'web', 'web'],
    ['network', 'inspect', 'bridge'],
  ]) {
    const { status, stdout, stderr } = await gangway(words, refuses);
    t.is(status, 0);
    t.is(stderr, 'gangway: warning: the output lacks Traffic: iptables-save failed; try again\n');
    t.false('Traffic' in JSON.parse(stdout)[0]);
  }
  const shown = await gangway(['inspect', '-f', '{{.Traffic.Ports}}', 'web'], refuses);
  t.is(shown.status, 1, 'the template needs Traffic');
});
