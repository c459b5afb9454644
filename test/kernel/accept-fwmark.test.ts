// Packets that a rule of the machine's owner has marked enter a network that accepts the mark, published or not.
//
//      each network with a container that answers at ports 80 to 86
//            |
//      +-----+------- host ---------------------+          +--------------------------------+
//      |  bits, whole, plain    up0 203.0.113.1 |---cable--| world 203.0.113.2              |
//      |  marks by destination port             |          | knows the way to the networks  |
//      +----------------------------------------+          +--------------------------------+
import test from 'ava';
import { backendNames } from '../../src/firewall/backend.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { answers, ask, untilAnswering } from '../support/probe.ts';
import { refused, withStory } from '../support/story-lab.ts';

/** What the owner marks, by port: 80 not at all. */
const marks = { 81: '0x1', 82: '0x5', 83: '0x2', 84: '0x3', 85: '0x77', 86: '0x20000001' } as const;
const ports = [80, ...Object.keys(marks).map(Number)];
const owner = `
nft -f - <<'RULES'
table inet owner {
	chain before {
		type filter hook prerouting priority mangle; policy accept;
		meta mark set tcp dport map { ${Object.entries(marks)
      .map((pair) => pair.join(' : '))
      .join(', ')} }
	}
}
RULES`;

const accepted = {
  bits: { subnet: '10.1.0', options: ['-o', 'gangway.accept-fwmark=0x1/0x3'], open: [81, 82, 86] },
  whole: {
    subnet: '10.2.0',
    options: ['-o', 'gangway.accept-fwmark=0x77', '-o', 'com.docker.network.bridge.gateway_mode_ipv4=routed'],
    open: [85],
  },
  plain: { subnet: '10.3.0', options: [], open: [] },
} as const;

/** The same by who knows iptables: rules at the end, that bring back what a connection was marked with, and add bits to it. */
const appended = `
for family in iptables ip6tables; do
  $family -t mangle -A PREROUTING -j CONNMARK --restore-mark
  $family -t mangle -A PREROUTING -p tcp --dport 81 -j MARK --or-mark 0x77
done`;

for (const backend of backendNames) {
  test(`${backend}: what carries the mark enters, and nothing else`, async (t) => {
    await withStory(t, {}, async (story) => {
      await story.sh('sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.up0.rp_filter=0');
      await story.lab.world.run(['ip', 'route', 'add', '10.0.0.0/8', 'via', '203.0.113.1']);
      const namespaces = new Map<string, string>();
      for (const [name, { subnet, options }] of Object.entries(accepted)) {
        await story.run(
          `--firewall-backend=${backend}`,
          'network',
          'create',
          '--subnet',
          `${subnet}.0/24`,
          ...options,
          name,
        );
        const container = await story.start('--name', name, '--network', name, ...answers(...ports));
        await untilAnswering(story, container, 86);
        namespaces.set(name, container.namespace);
      }
      const targets = (subnet: string) => ports.map((port) => `tcp ${subnet}.2:${port}`);
      const silent = ports.map(() => 'silence');
      for (const [name, { subnet }] of Object.entries(accepted))
        t.deepEqual(await ask(story, 'world', targets(subnet)), silent, `${name}, control: nothing is marked`);
      await story.sh(owner);
      for (const [name, { subnet, open }] of Object.entries(accepted)) {
        const expected = ports.map((port) => (open.some((one) => one === port) ? '203.0.113.2' : 'silence'));
        t.deepEqual(await ask(story, 'world', targets(subnet)), expected, name);
      }
      await story.sh(`nft delete table inet owner; ${appended}`);
      await waitFor('what nobody marks goes its way', async () => {
        return (
          (
            await story.lab.host.exec([
              'ip',
              'netns',
              'exec',
              namespaces.get('plain') ?? '',
              'ping',
              '-c1',
              '-W1',
              '203.0.113.2',
            ])
          ).exitCode === 0
        );
      });
      const [only] = await ask(story, 'world', ['tcp 10.2.0.2:81']);
      t.is(only, '203.0.113.2', 'the mark is 0x77, and has no bit of ours');
      t.regex(await story.run('rules', 'bits'), /^ {2}present {2}packets with mark 0x1\/0x3 may enter bits/m);
      const { stdout } = await story.exec(['reach', 'outside', 'bits:80']);
      t.regex(stdout, /^no .*, except packets with mark 0x1\/0x3$/m);
      t.regex(
        await refused(story, 'network create --internal -o gangway.accept-fwmark=1 inner'),
        /^125 gangway: nothing enters/,
      );
      await story.run('rm', '-f', ...Object.keys(accepted));
      await story.run('network', 'rm', ...Object.keys(accepted));
      t.notRegex(await story.sh('nft list ruleset; iptables-save'), /" \. 0x|--mark 0x(1\/|77)/);
    });
  });
}
