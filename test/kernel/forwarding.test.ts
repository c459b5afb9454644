/** The machine becomes a router and stops being one, and its links listen to other routers all the time. */
import test from 'ava';
import { nftables } from '../../src/firewall/nftables.ts';
import { ipv4Forwarding, ipv6Forwarding } from '../../src/kernel/forwarding.ts';
import { KernelNamespace } from '../../src/kernel/namespace.ts';
import { readSysctl, writeSysctl } from '../../src/kernel/sysctl.ts';
import { enableForwarding } from '../../src/networks/masquerade.ts';
import { apply } from '../../src/plan/apply.ts';
import { KernelHandles } from '../../src/plan/kernel-handles.ts';
import type { Kinds } from '../../src/plan/kind.ts';
import { kernelKinds } from '../../src/plan/kinds/index.ts';
import { undo } from '../../src/plan/undo.ts';
import { enterPrivateNetwork, ip } from '../support/private-network.ts';

const kinds = kernelKinds as Kinds;
const conf = (name: string, key = 'accept_ra') => `net/ipv6/conf/${name}/${key}`;
const links = ['up0', 'up1', 'up2', 'up3'];

function settings(...names: readonly string[]): readonly string[] {
  return names.map((name) => readSysctl(conf(name)));
}

test.serial('who listens to routers does so before, while and after the machine forwards', async (t) => {
  enterPrivateNetwork();
  ip('link add up0 type veth peer name up1');
  ip('link add up2 type veth peer name up3');
  writeSysctl({ key: conf('up1'), value: '2' });
  writeSysctl({ key: conf('up2'), value: '0' });
  const found = ipv6Forwarding();
  t.deepEqual(
    { ...found, routerAdvertisementLinks: found?.routerAdvertisementLinks.toSorted() },
    {
      forwarding: '0',
      forwardingLinks: [],
      routerAdvertisementLinks: ['up0', 'up3'],
    },
  );
  const kernel = new KernelHandles(KernelNamespace.own());
  t.teardown(() => kernel[Symbol.dispose]());
  const steps = [...nftables.load(), ...enableForwarding(found === undefined ? {} : { ipv6: found }, nftables)];
  await apply('forward', steps, kinds, kernel);
  t.is(readSysctl(conf('all', 'forwarding')), '1');
  t.deepEqual(settings(...links), ['2', '2', '0', '2']);
  t.like(ipv6Forwarding(), { forwarding: '1', routerAdvertisementLinks: [] });
  // Somebody unplugs two of them, whose settings go with them.
  ip('link delete up2');
  await undo('forward', steps, kinds, kernel);
  t.is(readSysctl(conf('all', 'forwarding')), '0');
  t.deepEqual(settings('up0', 'up1'), ['1', '2']);
});

test.serial('a router by some of its links is one while the machine forwards, and afterwards', async (t) => {
  enterPrivateNetwork();
  ip('link add up0 type veth peer name up1');
  ip('link add up2 type veth peer name up3');
  for (const key of ['net/ipv4/conf/up0/forwarding', conf('up2', 'forwarding')]) writeSysctl({ key, value: '1' });
  const [ipv4, ipv6] = [ipv4Forwarding(), ipv6Forwarding()];
  t.deepEqual(ipv4, { forwarding: '0', forwardingLinks: ['up0'] });
  t.like(ipv6, { forwarding: '0', forwardingLinks: ['up2'] });
  const kernel = new KernelHandles(KernelNamespace.own());
  t.teardown(() => kernel[Symbol.dispose]());
  const steps = [...nftables.load(), ...enableForwarding({ ipv4, ...(ipv6 && { ipv6 }) }, nftables)];
  await apply('forward', steps, kinds, kernel);
  t.is(ipv4Forwarding().forwarding, '1');
  t.is(ipv6Forwarding()?.forwarding, '1');
  await undo('forward', steps, kinds, kernel);
  t.deepEqual(ipv4Forwarding(), ipv4);
  t.deepEqual(ipv6Forwarding(), ipv6);
});
