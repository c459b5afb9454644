// A network's packets fit through the link by which they leave the machine.
//
//     br-…  ──  machine  ──  up0   1500
//                        ──  vpn0  1420
import test from 'ava';
import { type Story, withStory } from '../support/story-lab.ts';

/** Two links out, and no default route. */
const wires = `
ip link add vpn0 mtu 1420 type veth peer name vpn1
ip link set vpn1 up
ip link set vpn0 up
ip route del default
ip -6 route del default`;

async function mtuOf(story: Story, name: string): Promise<number> {
  const id = await story.run('network', 'create', name);
  const [bridge] = await story.ip('host', 'link', 'show', 'dev', `br-${id.slice(0, 12)}`);
  return bridge?.mtu;
}

test('a network has the MTU of the way out, of whichever family', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.sh(wires);
    t.is(await mtuOf(story, 'nowhere'), 1500);
    await story.sh('ip -6 route add default dev vpn0 metric 50');
    t.is(await mtuOf(story, 'six'), 1420, 'IPv6 is the only way');
    await story.sh('ip route add default via 203.0.113.2');
    t.is(await mtuOf(story, 'both'), 1420, 'each family has a way of its own');
    await story.sh('ip -6 route add default via 2001:db8:f::2 metric 10');
    t.is(await mtuOf(story, 'better'), 1500, 'a better one');
    await story.sh('ip route del default; ip route add default dev vpn0');
    t.is(await mtuOf(story, 'four'), 1420);
  });
});

//     br-…  ──  machine  ──  up0    1500  ──  world, which has 198.51.100.9 and 2001:db8:9::9
//                        ──  vpn0   1420  ──
const twoWays = `
ip link add vpn0 mtu 1420 type veth peer name vpn1 netns world
ip address add 192.0.2.1/30 dev vpn0
ip address add 2001:db8:7::1/64 dev vpn0 nodad
ip link set vpn0 up
ip -n world address add 192.0.2.2/30 dev vpn1
ip -n world address add 2001:db8:7::2/64 dev vpn1 nodad
ip -n world link set vpn1 up
ip -n world address add 198.51.100.9/32 dev lo
ip -n world address add 2001:db8:9::9/128 dev lo
ip route del default
ip -6 route del default`;
const hops = {
  4: 'nexthop via 203.0.113.2 dev up0 nexthop via 192.0.2.2 dev vpn0',
  6: 'nexthop via 2001:db8:f::2 dev up0 nexthop via 2001:db8:7::2 dev vpn0',
};

test('a default route with several next hops is a way out, and the smallest MTU of theirs is the network’s', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.sh(twoWays);
    t.is(await mtuOf(story, 'nowhere'), 1500);
    await story.sh(`ip -6 route add default ${hops[6]}`);
    t.is(await mtuOf(story, 'six'), 1420);
    await story.sh(`ip -6 route del default; ip route add default ${hops[4]}`);
    t.is(await mtuOf(story, 'four'), 1420);
    await story.sh(`ip route replace default via 203.0.113.2; ip route add default metric 10 ${hops[4]}`);
    t.is(await mtuOf(story, 'better'), 1500, 'a better one with one');
    await story.sh('ip nexthop add id 1 via 203.0.113.2 dev up0; ip nexthop add id 2 via 192.0.2.2 dev vpn0');
    await story.sh('ip nexthop add id 3 group 1/2; ip route replace default nhid 3');
    t.is(await mtuOf(story, 'group'), 1420);

    await story.sh(`ip -6 route add default ${hops[6]}`);
    await story.run('network', 'create', '--ipv6', 'both');
    const web = await story.start('--name', 'web', '--network', 'both', 'sleep', 'infinity');
    for (const address of ['198.51.100.9', '2001:db8:9::9']) {
      t.is((await story.inside(web, `ping -c 1 -W 2 ${address}`)).exitCode, 0, address);
      t.is((await story.exec(['reach', 'web', address, '--protocol', 'icmp'])).exitCode, 0, address);
    }
  });
});
