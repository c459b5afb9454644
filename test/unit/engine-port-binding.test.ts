/** Which ports of the machine a container gets when others have some of them. */
import test from 'ava';
import type { Context } from '../../src/engine/context.ts';
import { bindPorts } from '../../src/engine/ports/allocate.ts';
import type { EndpointRecord } from '../../src/engine/store/record.ts';
import { parseAddress, parsePrefix } from '../../src/values/address.ts';
import { GangwayError } from '../../src/values/errors.ts';
import { parseMac } from '../../src/values/mac.ts';
import { connectionTo } from '../../src/values/network.ts';
import type { Forward } from '../../src/values/port.ts';
import { formatBinding, parsePublish } from '../../src/values/port-grammar.ts';
import { container, defaultBridge } from '../support/records.ts';

const plug: EndpointRecord = {
  networkId: defaultBridge.id,
  request: connectionTo('bridge'),
  endpoint: {
    id: 'e'.repeat(64),
    hostLink: 'veth0',
    link: 'eth0',
    mac: parseMac('02:42:ac:11:00:02'),
    addresses: [parsePrefix('172.17.0.2/16')],
  },
  steps: [],
};

/** @param refuses ports that can't be bound, for a reason that no list of sockets shows */
async function bound(publish: string, refuses: (port: number) => boolean): Promise<readonly number[]> {
  const reserve = async (_: string, forwards: readonly Forward[]) => {
    const refused = forwards.map(({ binding }) => binding).find(({ hostPort }) => refuses(hostPort));
    if (refused === undefined) return;
    throw new GangwayError('port-in-use', 'somebody has it', { subject: formatBinding(refused) });
  };
  const nothing = async () => {};
  const context = {
    records: { everyHolder: () => [] },
    sockets: { requireRoom: nothing, cancel: nothing, reserve },
    dryRun: false,
  } as unknown as Context;
  const bindings = await bindPorts(context, {
    record: container(),
    asked: [parsePublish(publish)],
    wired: [{ plug, record: defaultBridge }],
    ways: [{ family: 4, link: 'eth0', gateway: parseAddress('172.17.0.1') }],
    own: 'free',
  });
  return [...new Set(bindings.map(({ hostPort }) => hostPort))];
}

test('a port that was refused is not chosen again, in a range or from all', async (t) => {
  t.deepEqual(await bound('127.0.0.1:20011-20014:80/udp', (port) => port < 20_014), [20_014]);
  const [first = 0] = await bound('127.0.0.1::80/udp', () => false);
  const [second = 0] = await bound('127.0.0.1::80/udp', (port) => port === first);
  t.true(second > first);
});

test('where all of a range are refused none is left', async (t) => {
  await t.throwsAsync(
    bound('127.0.0.1:20011-20014:80/udp', () => true),
    { message: /^all ports are allocated: none of 4 is free/ },
  );
});
