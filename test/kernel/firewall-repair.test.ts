// What somebody takes away from the firewall is put back: by the switchboard within a second, else by the next command.
//
//      web 172.17.0.2, publishes 8080       apart 172.18.0.2, in a network of its own
//            |                                    |
//      +-----+--------------- host ---------------+-----+          +-------------------------------+
//      |  gangway0        up0 203.0.113.1         front |---cable--| world 203.0.113.2             |
//      +------------------------------------------------+          | knows the way to 172.16.0.0/12|
//                                                                  +-------------------------------+
import test, { type ExecutionContext } from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { lacksLegacyIptables } from '../support/legacy-iptables.ts';
import { answers, ask, untilAnswering } from '../support/probe.ts';
import { skipUnless } from '../support/skip.ts';
import { type Container, type Story, withStory } from '../support/story-lab.ts';

/** Who hears of changes of nf_tables: group 7 of protocol 12. */
const listeners = `awk '$2 == 12 && $4 == "00000040"' /proc/net/netlink | wc -l`;

interface Case {
  readonly title: string;
  /** Before the first command: what makes gangway choose its back end. */
  readonly setting: string;
  readonly firewall: 'nftables' | 'iptables';
  /** What others do to us. */
  readonly losses: readonly string[];
  /** What takes away all rules, or all of a kind: the last one takes everything. */
  readonly flushes: readonly string[];
}

const cases: readonly Case[] = [
  {
    title: 'nftables',
    setting: '',
    firewall: 'nftables',
    losses: [
      'ip rule flush protocol 103; nft flush ruleset',
      'nft delete table inet gangway',
      'nft flush table inet gangway',
      'nft flush chain inet gangway forward',
      'nft flush map inet gangway entering; nft flush map inet gangway ports4',
      'nft delete table bridge gangway',
    ],
    flushes: ['nft flush chain inet gangway forward', 'nft flush ruleset'],
  },
  {
    title: 'iptables (nf_tables)',
    setting: '',
    firewall: 'iptables',
    losses: [
      'iptables -F; iptables -X || :',
      'iptables -t nat -F',
      'iptables -D FORWARD -j GANGWAY-FORWARD; iptables -t mangle -I PREROUTING -i up0 -j ACCEPT',
      'iptables -F GANGWAY-ENTER',
      'iptables -t nat -D GANGWAY-PORTS 1',
    ],
    flushes: ['iptables -F', 'iptables -t mangle -F', 'nft flush ruleset'],
  },
  {
    title: 'iptables (legacy)',
    setting: 'iptables-legacy -A INPUT -s 192.0.2.1 -j ACCEPT',
    firewall: 'iptables',
    losses: ['iptables-legacy -F', 'iptables-legacy -t nat -F', 'iptables-legacy -D FORWARD -j GANGWAY-FORWARD'],
    flushes: ['iptables-legacy -F', 'for t in filter nat mangle raw; do iptables-legacy -t $t -F; done'],
  },
];

const killSwitchboard = "kill -KILL $(pgrep -f '[_]switchboard')";

/** Our rules as they are, those of the routing too, without what counts: line by line, since tables and elements have no order. */
async function rules(story: Story): Promise<readonly string[]> {
  const text = await story.sh(`
    for family in inet bridge; do nft list table $family gangway 2>/dev/null || :; done
    for save in iptables-nft-save ip6tables-nft-save iptables-legacy-save ip6tables-legacy-save; do
      $save 2>/dev/null | grep GANGWAY || :
    done
    ip rule show protocol 103`);
  return text
    .replace(/packets \d+ bytes \d+/g, '')
    .replace(/\[\d+:\d+\]/g, '')
    .split(/[\n,{}]/)
    .map((line) => line.trim())
    .toSorted();
}

const same = (one: readonly string[], other: readonly string[]) => one.join('\n') === other.join('\n');

async function begin(t: ExecutionContext, story: Story, { setting, firewall }: Case): Promise<Container> {
  await story.sh(`${setting || ':'}; sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.up0.rp_filter=0`);
  await story.run(`--firewall-backend=${firewall}`, 'network', 'create', 'front');
  const apart = await story.start('--name', 'apart', '--network', 'front', ...answers(80));
  const web = await story.start('--name', 'web', '-p', '8080:80', ...answers(80));
  await untilAnswering(story, web, 80);
  await untilAnswering(story, apart, 80);
  await story.lab.world.run(['ip', 'route', 'add', '172.16.0.0/12', 'via', '203.0.113.1']);
  t.deepEqual(await reached(story), expected);
  return web;
}

/** The published port, and two that nobody has published. */
const reached = (story: Story) =>
  ask(story, 'world', ['tcp 203.0.113.1:8080', 'tcp 172.17.0.2:80', 'tcp 172.18.0.2:80']);
const expected = ['203.0.113.2', 'silence', 'silence'];

/** Into both networks from the wire, and from one into the other. */
async function entered(story: Story, web: Container): Promise<readonly string[]> {
  const wire = await ask(story, 'world', ['tcp 172.17.0.2:80', 'tcp 172.18.0.2:80', 'udp 172.17.0.2:80']);
  return [...wire, ...(await ask(story, web, ['tcp 172.18.0.2:80']))];
}

/** What the world has heard of an internal network, in which somebody shouts. */
async function heard(story: Story, { namespace }: Container): Promise<number> {
  const shout = 'for i in 1 2 3; do echo out >/dev/udp/203.0.113.2/4242; done';
  await story.lab.host.run(['nsenter', `--net=/run/netns/${namespace}`, 'bash', '-c', shout]);
  const { nftables } = JSON.parse(await story.lab.world.run(['nft', '-j', 'list', 'counters'])) as {
    nftables: readonly { counter?: { packets: number } }[];
  };
  return nftables.reduce((sum, { counter }) => sum + (counter?.packets ?? 0), 0);
}

const listening = `table inet ear { counter shouts { }; chain in { type filter hook prerouting priority 0; }; }
add rule inet ear in udp dport 4242 counter name shouts`;

for (const each of cases) {
  test(`${each.title}: the switchboard puts back whatever is taken`, async (t) => {
    if (skipUnless(t, each.title.includes('legacy') ? lacksLegacyIptables() : undefined)) return;
    await withStory(t, {}, async (story) => {
      await begin(t, story, each);
      const standing = await rules(story);
      await waitFor('the switchboard listens', async () => /^1/.test(await story.sh(listeners)));
      for (const loss of each.losses) {
        await story.sh(loss);
        const since = Date.now();
        await waitFor(`${loss}: put back`, async () => same(await rules(story), standing));
        t.log(`${loss}: ${Date.now() - since} ms`);
        t.deepEqual(await reached(story), expected, loss);
      }
    });
  });

  test(`${each.title}: without a switchboard, the next command does`, async (t) => {
    if (skipUnless(t, each.title.includes('legacy') ? lacksLegacyIptables() : undefined)) return;
    await withStory(t, {}, async (story) => {
      await begin(t, story, each);
      const standing = await rules(story);
      const [loss = ''] = each.losses;
      await story.sh(killSwitchboard);
      await story.sh(loss);
      t.false(same(await rules(story), standing), 'control: it is gone');
      const { exitCode, stderr } = await story.exec(['network', 'create', 'another']);
      t.is(exitCode, 0);
      t.regex(stderr, /somebody had taken rules of the firewall away: they are back/);
      await story.run('network', 'rm', 'another');
      t.deepEqual(await rules(story), standing);
      t.deepEqual(await reached(story), expected);
    });
  });
}

test('a switchboard of another version puts back the rules that were loaded, and not its own', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.start('--name', 'web', '-p', '8080:80', 'sleep', 'infinity');
    await waitFor('the switchboard listens', async () => /^1/.test(await story.sh(listeners)));
    // What another version has loaded differs from ours in a sentence.
    await story.sh(`
      sed -i 's/not seen by forward/another sentence/; s/is no DHCP server/says another sentence/' /run/gangway/machine.json
      nft flush chain inet gangway forward; nft delete table bridge gangway`);
    const sentences = async () => Number(await story.sh('nft list ruleset | grep -c "another sentence" || :'));
    await waitFor('both are back as they were loaded', async () => (await sentences()) === 2);
    await story.run('network', 'create', 'another');
    t.is(await sentences(), 0, 'the next command brings its own');
  });
});

for (const each of cases) {
  test(`${each.title}: keeps networks closed between a flush and its repair`, async (t) => {
    if (skipUnless(t, each.title.includes('legacy') ? lacksLegacyIptables() : undefined)) return;
    await withStory(t, {}, async (story) => {
      const web = await begin(t, story, each);
      await story.run('network', 'create', '--internal', 'back');
      const inner = await story.start('--name', 'inner', '--network', 'back', 'sleep', 'infinity');
      await story.lab.host.run(['ip', '-n', inner.namespace, 'route', 'add', 'default', 'via', '172.19.0.1']);
      await story.lab.world.run(['nft', '-f', '-'], { input: listening });
      for (const flush of each.flushes) {
        await story.sh(`${killSwitchboard}; ${flush}`);
        t.deepEqual(await entered(story, web), Array(4).fill('silence'), flush);
        t.is(await heard(story, inner), 0, flush);
        t.deepEqual(
          await ask(story, 'host', ['tcp 172.18.0.2:80']),
          ['172.18.0.1'],
          `${flush}: the machine itself may`,
        );
        await story.run('network', 'create', 'another');
        await story.run('network', 'rm', 'another');
        t.deepEqual(await reached(story), expected, `${flush}: put back`);
      }
      await story.sh(`${killSwitchboard}; ${each.flushes.at(-1)}; while ip rule del pref 641 2>/dev/null; do :; done`);
      t.deepEqual(await entered(story, web), ['203.0.113.2', '203.0.113.2', '203.0.113.2', '172.17.0.2'], 'control');
      t.is(await heard(story, inner), 3, 'control');
    });
  });
}

/** How others save all rules, and load them again while gangway runs: `systemctl reload nftables`. */
const saved = {
  nftables: {
    save: '(echo flush ruleset; nft list ruleset) >/run/saved',
    load: 'nft -f /run/saved',
    learn: `nft add element inet gangway learned4 '{ "gangway0" . 192.0.2.7 timeout 1h }'`,
    lose: 'nft flush map inet gangway ports4',
  },
  iptables: {
    save: 'iptables-save >/run/saved; ip6tables-save >/run/saved6; (echo flush table bridge gangway; nft list table bridge gangway) >/run/guard',
    load: 'iptables-restore /run/saved; ip6tables-restore /run/saved6; nft -f /run/guard',
    learn: 'iptables -A GANGWAY-LEARNED -d 192.0.2.7/32 -i gangway0 -j RETURN',
    lose: 'iptables -t nat -F GANGWAY-PORTS',
  },
} as const;

const says = (name: string) => [
  process.execPath,
  '-e',
  `require("node:http").createServer((_, answer) => answer.end("${name}")).listen(80)`,
];

for (const [backend, { save, load, learn, lose }] of Object.entries(saved))
  test(`${backend}: rules that somebody saved and loads again lead nobody to who has that address now`, async (t) => {
    await withStory(t, {}, async (story) => {
      const own = `--firewall-backend=${backend}`;
      const address = (last: number) => ['--network', 'mine', '--ip', `10.80.0.${last}`];
      const look = () => story.lab.world.exec(['curl', '-sS', '--max-time', '2', 'http://203.0.113.1:8080/']);
      const answering = (name: string) => waitFor(`${name} answers`, async () => (await look()).stdout === name);
      await story.run(own, 'network', 'create', '--subnet', '10.80.0.0/24', '--ipv6', 'mine');
      // All that may be taken for a stranger's: what the kernel has of each is what the records say.
      const allow = 'allow=example.com:443,192.0.2.0/24:80-90,[2001:db8::/32]:443';
      await story.run('network', 'create', '--ipv6', '--egress', allow, '--egress', 'deny=2001:db8::1', 'limited');
      const options = ['gangway.accept-fwmark=0x1/0x3', 'com.docker.network.host_ipv4=203.0.113.1'];
      await story.run('network', 'create', ...options.flatMap((option) => ['-o', option]), 'marked');
      await story.run('network', 'create', '--internal', 'inner');
      await story.start('--name', 'stays', '-p', '8081-8083:80-82', '-p', '127.0.0.1:8084:80', 'sleep', 'infinity');
      await story.start('--name', 'old', ...address(9), '-p', '8080:80', ...says('old'));
      await answering('old');
      await story.sh(save);
      await story.run('rm', '-f', 'old');
      const secret = await story.start('--name', 'secret', ...address(9), ...says('secret'));
      await story.start('--name', 'web', ...address(10), '-p', '8080:80', ...says('web'));
      await untilAnswering(story, secret, 80);
      await answering('web');
      const standing = await rules(story);

      await waitFor('the switchboard listens', async () => /^1/.test(await story.sh(listeners)));
      await story.sh("kill -STOP $(pgrep -f '[_]switchboard')");
      await story.sh(load);
      t.is((await look()).stdout, 'secret', 'control: the port leads to whom nobody has published');
      await story.sh("kill -CONT $(pgrep -f '[_]switchboard')");
      await waitFor('put back', async () => same(await rules(story), standing));
      t.is((await look()).stdout, 'web');

      await story.sh(`${learn}; ${lose}`);
      await waitFor('the port is back', async () => (await look()).stdout === 'web');
      t.true(
        (await rules(story)).some((line) => line.includes('192.0.2.7')),
        'what only lacks a fact is not loaded anew',
      );

      if (backend !== 'nftables') return;
      await story.sh(`${killSwitchboard}
        nft 'delete element inet gangway ports4 { tcp . 8080 }'
        nft 'add element inet gangway ports4 { tcp . 8080 : 10.80.0.9 . 80 }'`);
      t.regex(await story.run('gc'), /element ports4 \{ tcp \. 8080 \}/, 'a port that leads elsewhere is nobody’s');
    });
  });
