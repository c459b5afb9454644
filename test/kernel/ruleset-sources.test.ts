/**
 * Under which port of the host a container goes out (ruleset-modes-topology.ts): nobody else's, and its own where it is asked
 * at that one.
 */
import test, { type ExecutionContext } from 'ava';
import { portElements } from '../../src/firewall/policy.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { type Family, parseAddress, unspecified } from '../../src/values/address.ts';
import type { SetElement } from '../../src/values/set-element.ts';
import { plainPolicy } from '../support/plain-policy.ts';
import { backEnds, type Carrier } from './ruleset-carrier.ts';
import { addressOf, chosenSource, gateway, hostPort, Modes, type PlaceName, uplink } from './ruleset-modes-topology.ts';

const families = [4, 6] as const;
const nftables = backEnds[0] as Carrier;
const nat = plainPolicy('nat0', '10.0.1.1/24', 'fd00:0:0:1::1/64');

async function open(t: ExecutionContext, carrier: Carrier): Promise<Modes> {
  const scene = await Modes.open(carrier);
  t.teardown(() => scene.close());
  await scene.load();
  await scene.at('world').seen('eth0');
  return scene;
}

/** What is told of one UDP port that leads to the same number of a container, at all addresses of the host or at one. */
function owned(of: PlaceName, port: number, at?: Readonly<Record<Family, string>>): readonly SetElement[] {
  return families.flatMap((family) => {
    const hostAddress = at === undefined ? unspecified(family) : parseAddress(at[family]);
    const binding = { protocol: 'udp', hostAddress, hostPort: port, containerPort: port } as const;
    return portElements(binding, parseAddress(addressOf(of, family)), nat);
  });
}

/** UDP ports of somebody else, at all addresses. */
function taken(first: number, last: number): readonly SetElement[] {
  return families.map((family) => ({
    set: 'carried_ports',
    key: [
      { type: 'nf_proto', family },
      { type: 'inet_proto', protocol: 'udp' },
      { type: 'ports', first, last },
    ],
  }));
}

function isLent(port: number | undefined): boolean {
  return port !== undefined && port >= 32_768 && port <= 60_999;
}

let sent = 0;

/** The port under which the world sees a datagram, if it does. */
async function sourceOf(
  scene: Modes,
  from: PlaceName,
  family: Family,
  localPort: number,
  port = 80,
): Promise<number | undefined> {
  const text = `${++sent}th, ${from} from ${localPort}, IPv${family}`;
  const [host, localAddress] = [addressOf('world', family), addressOf(from, family)];
  await scene.at(from).question({ protocol: 'udp', host, port, localAddress, localPort, text, wait: 300 });
  const frame = (await scene.at('world').seen('eth0')).find((each) => each.includes(text));
  return frame?.readUInt16BE(family === 4 ? 34 : 54);
}

for (const carrier of backEnds) {
  test.serial(
    `${carrier.name}: masquerades with a port of the range, and keeps the source port if it is in the range, free and unpublished`,
    async (t) => {
      const scene = await open(t, carrier);
      await scene.add(taken(45_000, 45_000));
      const ports = { kept: 40_000, taken: 45_000, low: 500, high: 65_000 };
      for (const family of families) {
        for (const from of ['nat.a', 'strict.a'] as const) {
          const out = (localPort: number) => sourceOf(scene, from, family, localPort);
          t.is(await out(ports.kept), ports.kept);
          const moved = await out(ports.taken);
          t.true(moved !== ports.taken && (moved ?? 0) >= 32_768);
          for (const port of [ports.low, ports.high]) t.true(isLent(await out(port)), `${from}, ${port}`);
        }
        const second = await sourceOf(scene, 'nat.b', family, ports.kept);
        t.true(isLent(second) && second !== ports.kept);
      }
    },
  );

  test.serial(`${carrier.name}: who is asked at a port asks from it, whomever it asks`, async (t) => {
    const scene = await open(t, carrier);
    const [everywhere, here] = [[500, 45_001, 62_001], 45_002];
    await scene.add([...everywhere.flatMap((port) => owned('nat.a', port)), ...owned('nat.a', here, uplink)]);
    for (const family of families) {
      for (const port of [...everywhere, here])
        for (const asked of [80, 8080])
          t.is(await sourceOf(scene, 'nat.a', family, port, asked), port, `IPv${family}, ${port} to ${asked}`);
      for (const port of everywhere) t.not(await sourceOf(scene, 'nat.b', family, port), port, 'a sibling does not');
    }
  });

  test.serial(`${carrier.name}: whom most ports belong to keeps nobody else from going out`, async (t) => {
    const scene = await open(t, carrier);
    await scene.add(taken(40_000, 65_535));
    for (const family of families)
      for (const port of [50_000, 50_001, 62_000])
        await waitFor(`IPv${family}, from ${port}`, async () => {
          const source = await sourceOf(scene, 'nat.a', family, port);
          return source !== undefined && source !== port;
        });
    t.pass();
  });

  test.serial(`${carrier.name}: what goes out already goes on when its port is published`, async (t) => {
    const scene = await open(t, carrier);
    for (const family of families) t.is(await sourceOf(scene, 'nat.a', family, 46_000, 9), 46_000);
    await scene.add(taken(46_000, 46_000));
    for (const family of families) {
      t.is(await sourceOf(scene, 'nat.a', family, 46_000, 9), 46_000, 'nobody has answered');
      t.not(await sourceOf(scene, 'nat.b', family, 46_000, 9), 46_000);
    }
  });
}

// There is no table of iptables behind the one that translates.
test.serial('drops packets that would leave from a published port by chance, with nftables', async (t) => {
  const scene = await open(t, nftables);
  const all = taken(32_768, 65_535);
  const answers = () =>
    Promise.all(families.map((family) => scene.at('nat.a').ask('udp', addressOf('world', family), 80)));
  await scene.add(all);
  t.deepEqual(await answers(), ['silent', 'silent']);
  t.is(
    await scene.at('nat.a').ask('tcp', addressOf('world', 4), 80),
    uplink[4],
    'no port of this protocol is published',
  );
  t.is(await scene.at('nat.b').ask('udp', uplink[4], hostPort('nat')), gateway('nat', 4), 'nor does it go out');
  await scene.remove(all);
  t.deepEqual(await answers(), [uplink[4], uplink[6]]);
});

test.serial(
  'reserves a port published on one address, and moves other connections to another port, with nftables',
  async (t) => {
    const scene = await open(t, nftables);
    const port = 45_003;
    const elsewhere = [port, 22].flatMap((own) => owned('nat.a', own, chosenSource));
    await scene.add([...elsewhere, ...owned('nat.b', port, uplink)]);
    for (const family of families) {
      for (const own of [port, 22]) {
        let moved: number | undefined;
        // Whose first packet is dropped sends it again.
        await waitFor('it goes out', async () => {
          moved = await sourceOf(scene, 'nat.a', family, own);
          return moved !== undefined;
        });
        t.not(moved, own, 'it has that port at another address');
      }
      t.is(await sourceOf(scene, 'nat.b', family, port), port);
    }
  },
);
