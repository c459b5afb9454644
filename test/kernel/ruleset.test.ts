/** Packets against the ruleset: who reaches whom, and under which address. */
import test from 'ava';
import type { Protocol } from '../../src/values/port.ts';
import { carriers } from './ruleset-carrier.ts';
import { type PlaceName, Topology } from './ruleset-topology.ts';

type Row = readonly [from: PlaceName, to: string, port: number, answer: string];

/** What is open. The answer is the source address that the server saw, or `refused` where nobody listens. */
const open: readonly Row[] = [
  // The published port 8080, which leads to a1:80.
  ['world', '203.0.113.1', 8080, '203.0.113.2'],
  ['world', '172.17.0.1', 8080, '203.0.113.2'],
  ['l1', '203.0.113.1', 8080, '192.0.2.2'],
  ['host', '203.0.113.1', 8080, '203.0.113.1'],
  ['host', '172.17.0.1', 8080, '172.17.0.1'],
  ['a1', '203.0.113.1', 8080, '172.17.0.1'],
  ['a1', '172.17.0.1', 8080, '172.17.0.1'],
  ['a2', '203.0.113.1', 8080, '172.17.0.1'],
  ['a2', '172.17.0.1', 8080, '172.17.0.1'],
  ['b1', '203.0.113.1', 8080, '172.17.0.1'],
  ['b1', '172.18.0.1', 8080, '172.17.0.1'],
  // 8081 leads there from one address of the host only.
  ['world', '203.0.113.1', 8081, '203.0.113.2'],
  ['host', '203.0.113.1', 8081, '203.0.113.1'],
  ['a1', '203.0.113.1', 8081, '172.17.0.1'],
  ['a2', '203.0.113.1', 8081, '172.17.0.1'],
  ['b1', '203.0.113.1', 8081, '172.17.0.1'],
  ['world', '172.17.0.1', 8081, 'refused'],
  ['a2', '172.17.0.1', 8081, 'refused'],
  // 8082 leads to a port where nobody listens: the container's refusal finds its way back through both translations.
  ['world', '203.0.113.1', 8082, 'refused'],
  ['host', '203.0.113.1', 8082, 'refused'],
  ['a1', '203.0.113.1', 8082, 'refused'],
  ['a2', '203.0.113.1', 8082, 'refused'],
  ['b1', '203.0.113.1', 8082, 'refused'],
  // Nothing is published on loopback but what a process on the host serves there.
  ['host', '127.0.0.1', 8080, 'refused'],
  // Within a network, and from the host, addresses stay as they are.
  ['a2', '172.17.0.2', 80, '172.17.0.3'],
  ['a2', 'fd00:a::2', 80, 'fd00:a::3'],
  ['host', '172.17.0.2', 80, '172.17.0.1'],
  // Outbound, and what comes back refused.
  ['a1', '203.0.113.2', 80, '203.0.113.1'],
  ['b2', '203.0.113.2', 80, '203.0.113.1'],
  ['a1', '192.0.2.2', 80, '192.0.2.1'],
  ['a1', '203.0.113.2', 81, 'refused'],
  // The same port number on somebody else's machine is somebody else's (CVE-2025-67499).
  ['world', '192.0.2.2', 8080, '203.0.113.2'],
  ['a2', '203.0.113.2', 8080, '203.0.113.1'],
  ['b1', '192.0.2.2', 8080, '192.0.2.1'],
  ['a2', '172.17.0.2', 8080, '172.17.0.3'],
  // Strangers among themselves.
  ['l1', '192.0.2.3', 80, '192.0.2.2'],
  ['l1', '203.0.113.2', 80, '192.0.2.2'],
];

/** What is closed; the same packets arrive as soon as the table is gone. */
const closed: readonly Row[] = [
  // By a direct route, published or not.
  ['world', '172.17.0.2', 80, 'silent'],
  ['world', '172.17.0.3', 80, 'silent'],
  ['world', '172.18.0.2', 8080, 'silent'],
  ['l1', '172.17.0.2', 80, 'silent'],
  // From one of our networks into the other.
  ['a1', '172.18.0.2', 80, 'silent'],
  ['b1', '172.17.0.2', 80, 'silent'],
  ['b2', '172.17.0.3', 8080, 'silent'],
  // In the family that the network does not have.
  ['world', 'fd00:a::2', 80, 'silent'],
  ['a1', '2001:db8:f::2', 80, 'silent'],
];

const cases = carriers.flatMap((carrier) => ([0, 1] as const).map((bridgeNetfilter) => ({ carrier, bridgeNetfilter })));

for (const { carrier, bridgeNetfilter } of cases) {
  test.serial(`${carrier.name}: who reaches whom, with bridge-nf-call-iptables=${bridgeNetfilter}`, async (t) => {
    const topology = await Topology.open(carrier);
    t.teardown(() => topology.close());
    await topology.bridgeNetfilter(bridgeNetfilter);
    await topology.load();
    for (const protocol of ['tcp', 'udp'] as const) {
      t.deepEqual(await askAll(topology, protocol, [...open, ...closed]), [...open, ...closed], protocol);
    }
    await topology.unload();
    for (const protocol of ['tcp', 'udp'] as const) {
      const answers = await askAll(topology, protocol, closed);
      t.deepEqual(answers.filter(isUnanswered), [], `${protocol}: the control of the closed rows`);
    }
  });
}

async function askAll(topology: Topology, protocol: Protocol, rows: readonly Row[]): Promise<readonly Row[]> {
  return Promise.all(
    rows.map(
      async ([from, to, port]): Promise<Row> => [from, to, port, await topology.at(from).ask(protocol, to, port)],
    ),
  );
}

function isUnanswered([, , , answer]: Row): boolean {
  return !/^[\da-f.:]+$/.test(answer);
}
