/** What `gangway reach` is told of a machine, from its records. */
import test from 'ava';
import type { Context } from '../../src/engine/context.ts';
import { observeWorld } from '../../src/engine/reachability/model-input.ts';
import { nftables } from '../../src/firewall/nftables.ts';
import type { Forwarding } from '../../src/kernel/forwarding.ts';
import { enableForwarding } from '../../src/networks/masquerade.ts';
import type { Step } from '../../src/plan/step.ts';
import { done, FakeKernel } from '../support/netlink.ts';

/** A machine without links, routes and networks. */
function holding(steps: readonly Step[]): Context {
  const route = new FakeKernel((sent) => sent.map(({ sequence }) => done(sequence))).connect();
  const records = { machine: () => ({ forwarding: steps }), containers: () => [], networks: () => [] };
  return { records, host: () => ({ route }) } as unknown as Context;
}

test('transit is closed where gangway turned forwarding on, and no link forwarded by itself before', (t) => {
  const told = (ipv4: readonly string[] | undefined, ipv6: readonly string[] | undefined) => {
    const was = (routing: readonly string[]): Forwarding => ({ forwarding: '0', forwardingLinks: routing });
    const found = {
      ...(ipv4 === undefined ? {} : { ipv4: was(ipv4) }),
      ...(ipv6 === undefined ? {} : { ipv6: { ...was(ipv6), routerAdvertisementLinks: ['up0'] } }),
    };
    return observeWorld(holding(enableForwarding(found, nftables))).closedTransit;
  };
  t.deepEqual(told(undefined, undefined), []);
  t.deepEqual(told([], []), [4, 6]);
  t.deepEqual(told(['up0'], []), [6]);
  t.deepEqual(told([], ['up0', 'up1']), [4]);
  t.deepEqual(told(['up0'], undefined), []);
});
