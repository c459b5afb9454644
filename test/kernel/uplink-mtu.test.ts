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
