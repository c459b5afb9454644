/** The modes of a network, packet by packet: from everywhere to everything, in both families. */
import test, { type ExecutionContext } from 'ava';
import type { Family } from '../../src/values/address.ts';
import { backEnds, type Carrier } from './ruleset-carrier.ts';
import {
  addressOf,
  chosenSource,
  gateway,
  hostPort,
  Modes,
  type NetworkName,
  type PlaceName,
  uplink,
} from './ruleset-modes-topology.ts';

/**
 * What a packet gets: nothing (`-`), a refusal, an answer to a ping, or an answer from the container, which tells the
 * source that it saw: a place's own address, that of the bridge before it, of the host's uplink, or the chosen one.
 */
type Cell = '-' | 'refused' | 'yes' | 'gateway' | 'uplink' | 'chosen' | Exclude<PlaceName, 'host'>;

/** The host's port, the container's published port, another port of it, a ping. */
type Row = readonly [Cell, Cell, Cell, Cell];

/** To a of each network, from others. */
const matrix: Readonly<Record<NetworkName, Partial<Record<PlaceName, Row>>>> = {
  nat: {
    world: ['world', '-', '-', '-'],
    partner: ['partner', 'partner', '-', '-'],
    'open.b': ['gateway', '-', '-', '-'],
    'routed.b': ['routed.b', '-', '-', '-'],
    'internal.b': ['-', '-', '-', '-'],
    'isolated.b': ['-', '-', '-', '-'],
    'strict.b': ['chosen', '-', '-', '-'],
    host: ['uplink', 'gateway', 'gateway', 'yes'],
    'nat.b': ['gateway', 'nat.b', 'nat.b', 'yes'],
    'nat.a': ['gateway', 'nat.a', 'nat.a', 'yes'],
  },
  open: {
    world: ['world', 'world', 'world', 'yes'],
    partner: ['partner', 'partner', 'partner', 'yes'],
    'nat.b': ['gateway', 'gateway', 'gateway', 'yes'],
    'routed.b': ['routed.b', 'routed.b', 'routed.b', 'yes'],
    'internal.b': ['-', '-', '-', '-'],
    'isolated.b': ['-', '-', '-', '-'],
    'strict.b': ['chosen', 'chosen', 'chosen', 'yes'],
    host: ['uplink', 'gateway', 'gateway', 'yes'],
    'open.b': ['gateway', 'open.b', 'open.b', 'yes'],
    'open.a': ['gateway', 'open.a', 'open.a', 'yes'],
  },
  routed: {
    world: ['refused', 'world', '-', 'yes'],
    partner: ['refused', 'partner', '-', 'yes'],
    'nat.b': ['refused', 'gateway', '-', 'yes'],
    'open.b': ['refused', 'gateway', '-', 'yes'],
    'internal.b': ['-', '-', '-', '-'],
    'isolated.b': ['-', '-', '-', '-'],
    'strict.b': ['refused', 'chosen', '-', 'yes'],
    host: ['refused', 'gateway', 'gateway', 'yes'],
    'routed.b': ['refused', 'routed.b', 'routed.b', 'yes'],
    'routed.a': ['refused', 'routed.a', 'routed.a', 'yes'],
  },
  internal: {
    world: ['refused', '-', '-', '-'],
    partner: ['refused', '-', '-', '-'],
    'nat.b': ['refused', '-', '-', '-'],
    'open.b': ['refused', '-', '-', '-'],
    'routed.b': ['refused', '-', '-', '-'],
    'isolated.b': ['-', '-', '-', '-'],
    host: ['refused', 'gateway', 'gateway', 'yes'],
    'internal.b': ['-', 'internal.b', 'internal.b', 'yes'],
    'internal.a': ['-', 'internal.a', 'internal.a', 'yes'],
  },
  isolated: {
    world: ['refused', '-', '-', '-'],
    'nat.b': ['refused', '-', '-', '-'],
    'routed.b': ['refused', '-', '-', '-'],
    'internal.b': ['-', '-', '-', '-'],
    host: ['refused', '-', '-', '-'],
    'isolated.b': ['-', 'isolated.b', 'isolated.b', 'yes'],
    'isolated.a': ['-', 'isolated.a', 'isolated.a', 'yes'],
  },
  strict: {
    world: ['world', '-', '-', '-'],
    'nat.b': ['gateway', '-', '-', '-'],
    'routed.b': ['routed.b', '-', '-', '-'],
    host: ['uplink', 'gateway', 'gateway', 'yes'],
    'strict.b': ['gateway', '-', '-', '-'],
    'strict.a': ['gateway', 'strict.a', 'strict.a', 'yes'],
  },
};

/** From a of each network to port 80 of the world, of its own gateway, and of the host's uplink. */
const outward: Readonly<Record<NetworkName, readonly [Cell, Cell | undefined, Cell]>> = {
  nat: ['uplink', 'nat.a', 'nat.a'],
  open: ['uplink', 'open.a', 'open.a'],
  routed: ['routed.a', 'routed.a', 'routed.a'],
  internal: ['-', 'internal.a', '-'],
  isolated: ['-', undefined, '-'],
  strict: ['chosen', 'strict.a', 'strict.a'],
};

interface Probe {
  readonly from: PlaceName;
  readonly to: string;
  readonly port: number | 'ping';
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  readonly answer: string;
  /** Would it arrive if there were no rules? */
  readonly plain: boolean;
}

const families = [4, 6] as const;
const networkNames = Object.keys(matrix) as NetworkName[];
const probes = families.flatMap((family) => [
  ...networkNames.flatMap((name) =>
    Object.entries(matrix[name]).flatMap(([from, row]) => rowProbes(family, name, from as PlaceName, row)),
  ),
  ...networkNames.flatMap((name) => outwardProbes(family, name)),
]);

function rowProbes(family: Family, name: NetworkName, from: PlaceName, row: Row): readonly Probe[] {
  const container = addressOf(`${name}.a`, family);
  const [published, port, other, ping] = row.map((cell) => seen(cell, name, family)) as [
    string,
    string,
    string,
    string,
  ];
  return [
    ...(['tcp', 'udp'] as const).flatMap((protocol): readonly Probe[] => [
      { from, protocol, to: uplink[family], port: hostPort(name), answer: published, plain: false },
      { from, protocol, to: container, port: 80, answer: port, plain: true },
      { from, protocol, to: container, port: 8080, answer: other, plain: true },
    ]),
    { from, protocol: 'icmp', to: container, port: 'ping', answer: ping, plain: true },
  ];
}

function outwardProbes(family: Family, name: NetworkName): readonly Probe[] {
  const targets = [addressOf('world', family), gateway(name, family), uplink[family]];
  return targets.flatMap((to, index): readonly Probe[] => {
    const cell = outward[name][index];
    if (cell === undefined) return [];
    return [{ from: `${name}.a`, protocol: 'tcp', to, port: 80, answer: seen(cell, name, family), plain: true }];
  });
}

function seen(cell: Cell, name: NetworkName, family: Family): string {
  if (cell === '-') return 'silent';
  if (cell === 'refused' || cell === 'yes') return cell;
  if (cell === 'gateway') return gateway(name, family);
  if (cell === 'uplink') return uplink[family];
  return cell === 'chosen' ? chosenSource[family] : addressOf(cell, family);
}

/** Patient with who should answer, short with who should not. */
async function ask(scene: Modes, { from, to, port, protocol, answer }: Probe): Promise<string> {
  const place = scene.at(from);
  const wait = answer === 'silent' ? 800 : 8000;
  if (protocol === 'icmp' || port === 'ping') return place.ping(to, wait);
  return place.question({ protocol, host: to, port, wait });
}

async function wrong(scene: Modes, list: readonly Probe[], isRight: (probe: Probe, answer: string) => boolean) {
  const answers = await Promise.all(list.map(async (probe) => [probe, await ask(scene, probe)] as const));
  return answers
    .filter(([probe, answer]) => !isRight(probe, answer))
    .map(([{ from, protocol, to, port, answer }, got]) => `${from} ${protocol} ${to} ${port}: ${got}, not ${answer}`);
}

async function open(t: ExecutionContext, carrier: Carrier): Promise<Modes> {
  const scene = await Modes.open(carrier);
  t.teardown(() => scene.close());
  await scene.load();
  return scene;
}

/** Behind a closed port not even the MAC may be learned. */
const nothing = ['silent', 'EHOSTUNREACH'];

function asWritten({ answer }: Probe, got: string): boolean {
  return answer === 'silent' ? nothing.includes(got) : got === answer;
}

for (const carrier of backEnds) {
  test.serial(`${carrier.name}: every mode, from everywhere to everything`, async (t) => {
    const scene = await open(t, carrier);
    t.deepEqual(await wrong(scene, probes, asWritten), [], 'bridge-nf-call-iptables=1');
    await scene.bridgeNetfilter(0);
    await scene.isolatePorts('strict', 'on');
    // An accept in a table that is asked first is no promise.
    await scene.nft(
      'add table inet other',
      'add chain inet other f { type filter hook forward priority -10; policy accept; }',
      'add rule inet other f accept',
    );
    t.deepEqual(await wrong(scene, probes, asWritten), [], 'bridge-nf-call-iptables=0');
    await scene.isolatePorts('strict', 'off');
    await scene.unload();
    await scene.forgetNeighbours('host', 'isolated0');
    await scene.forgetNeighbours('strict.b', 'eth0');
    const closed = probes
      .filter(({ answer, plain }) => plain && answer === 'silent')
      .map((probe) => ({ ...probe, answer: 'anything' }));
    t.deepEqual(
      await wrong(scene, closed, (_, got) => !nothing.includes(got)),
      [],
      'control: without rules all is open',
    );
  });
}
