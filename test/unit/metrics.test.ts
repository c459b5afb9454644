import test from 'ava';
import { families, type Measured } from '../../src/engine/metrics/families.ts';
import { exposition, type Family } from '../../src/engine/metrics/prometheus-format.ts';
import { Counters } from '../../src/services/proxy/counters.ts';
import { parseAddress } from '../../src/values/address.ts';
import { parseExposition, sampleOf } from '../support/exposition.ts';

const textOf = (all: readonly Family[]) => [...exposition(all)].join('');
const nothing = new Counters().read();

const measured: Measured = {
  version: '1.2.3',
  hook: { state: 'on', cgroup: '/sys/fs/cgroup', ports: 4 },
  nameServers: 2,
  networks: [{ id: 'n', name: 'front', in: { packets: 3n, bytes: 2n ** 60n }, out: { packets: 2n, bytes: 200n } }],
  ports: [
    {
      container: 'c',
      name: 'web',
      protocol: 'tcp',
      hostAddress: parseAddress('0.0.0.0'),
      hostPort: { first: 8080, last: 8082 },
      containerPort: { first: 80, last: 82 },
      connections: 7n,
    },
  ],
  relays: [
    {
      container: 'c',
      name: 'web',
      protocol: 'tcp',
      hostAddress: parseAddress('::'),
      hostPort: { first: 8081, last: 8081 },
      containerPort: { first: 81, last: 81 },
      counts: { ...nothing, open: 1, connections: 5, bytesIn: 1500, bytesOut: 2, timedOut: 3, turnedAway: 4 },
      led: 11,
    },
    {
      container: 'c',
      name: 'web',
      protocol: 'udp',
      hostAddress: parseAddress('::1'),
      hostPort: { first: 53, last: 53 },
      containerPort: { first: 53, last: 53 },
      counts: { ...nothing, datagramsIn: 9, datagramsOut: 8, evicted: 6 },
      led: 0,
    },
  ],
  process: { startSeconds: 1.5e9, processorSeconds: 0.25, residentBytes: 6e7, openFiles: 30, openFileLimit: 2 ** 20 },
};

test('what is told is what was counted, by Prometheus’ grammar', (t) => {
  const all = parseExposition(textOf(families(measured)));
  const tcp = { container: 'web', host: '*', port: '8080-8082', container_port: '80-82', protocol: 'tcp' };
  const udp = { container: 'web', host: '[::1]', port: '53', container_port: '53', protocol: 'udp' };
  const port = (name: string, labels: Readonly<Record<string, string>>) =>
    sampleOf(all, `gangway_port_${name}`, labels);
  t.is(port('connections_total', { ...tcp, path: 'firewall' }), 7);
  t.is(port('connections_total', { ...tcp, path: 'relay' }), 5);
  t.is(port('connections_total', { ...tcp, path: 'hook' }), 11);
  t.is(port('open_connections', tcp), 1);
  t.is(port('receive_bytes_total', tcp), 1500);
  t.is(port('transmit_bytes_total', tcp), 2);
  t.is(port('errors_total', { ...tcp, kind: 'timed_out' }), 3);
  t.is(port('errors_total', { ...tcp, kind: 'refused' }), 0);
  t.is(port('drops_total', { ...tcp, reason: 'turned_away' }), 4);
  t.is(port('receive_datagrams_total', udp), 9);
  t.is(port('transmit_datagrams_total', udp), 8);
  t.is(port('drops_total', { ...udp, reason: 'evicted' }), 6);
  t.throws(() => port('receive_datagrams_total', tcp), undefined, 'TCP has none');
  t.is(sampleOf(all, 'gangway_network_receive_bytes_total', { network: 'front' }), 2 ** 60);
  t.is(sampleOf(all, 'gangway_network_transmit_packets_total', { network: 'front' }), 2);
  t.is(sampleOf(all, 'gangway_build_info', { version: '1.2.3' }), 1);
  t.is(sampleOf(all, 'gangway_published_ports'), 4);
  t.is(sampleOf(all, 'gangway_name_servers'), 2);
  t.is(sampleOf(all, 'gangway_connect_hook_active'), 1);
  t.is(sampleOf(all, 'gangway_connect_hook_ports'), 4);
  t.is(sampleOf(all, 'process_cpu_seconds_total'), 0.25);
});

test('where nothing is published and nobody is led, that is told', (t) => {
  const off = { state: 'off', reason: 'no cgroup v2' } as const;
  const all = parseExposition(textOf(families({ ...measured, hook: off, networks: [], ports: [], relays: [] })));
  t.is(sampleOf(all, 'gangway_published_ports'), 0);
  t.is(sampleOf(all, 'gangway_connect_hook_active'), 0);
  t.false(all.some(({ name }) => name.startsWith('gangway_port_')));
});

test('a backslash, a quote and a new line are escaped, and nothing else', (t) => {
  const text = textOf([
    {
      name: 'a_total',
      type: 'counter',
      help: 'one\\two\n"three"',
      samples: [
        { labels: { path: 'C:\\new\n"x"', name: 'grün {a="b"}, \\' }, value: 2n ** 64n },
        { labels: { path: '' }, value: 0.5 },
      ],
    },
  ]);
  t.is(
    text,
    [
      '# HELP a_total one\\\\two\\n"three"',
      '# TYPE a_total counter',
      'a_total{path="C:\\\\new\\n\\"x\\"",name="grün {a=\\"b\\"}, \\\\"} 18446744073709551616',
      'a_total{path=""} 0.5',
      '',
    ].join('\n'),
  );
  t.deepEqual(
    parseExposition(text).map(({ labels }) => labels),
    [{ path: 'C:\\new\n"x"', name: 'grün {a="b"}, \\' }, { path: '' }],
  );
});

test('control: what is no exposition is not read', (t) => {
  const head = '# HELP a_total x\n# TYPE a_total counter\n';
  t.notThrows(() => parseExposition(`${head}a_total{b="c"} 1\n`));
  for (const wrong of [
    `${head}a_total 1`,
    `${head}a_total{b="c"d="e"} 1\n`,
    `${head}a_total{b="c",} 1\n`,
    `${head}a_total{b="c} 1\n`,
    `${head}a_total{b="\\x"} 1\n`,
    `${head}a_total{1b="c"} 1\n`,
    `${head}a_total undefined\n`,
    `${head}a_total 1\na_total 2\n`,
    `${head}b_total 1\n`,
    `${head}a_total 1\n${head}`,
    'a_total 1\n',
    '# TYPE a_total counter\na_total 1\n',
    '# HELP a x\n# TYPE a counter\na 1\n',
  ])
    t.throws(() => parseExposition(wrong), undefined, wrong);
});

test('many samples come in pieces', (t) => {
  const samples = Array.from({ length: 1200 }, (_, number) => ({ labels: { number: String(number) }, value: number }));
  const pieces = [...exposition([{ name: 'a', type: 'gauge', help: 'x', samples }])];
  t.is(pieces.length, 3);
  t.is(parseExposition(pieces.join('')).length, 1200);
});
