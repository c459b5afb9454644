/**
 * `gangway reach`: what it says is what curl finds, and what its own packets find; and where somebody else decides, it says so.
 *
 *      world 203.0.113.2 ---- host 203.0.113.1 -+- gangway0 (IPv4)            web publishes 8080
 *            2001:db8:f::2    2001:db8:f::1     +- front (both)               six publishes 8081
 *                                               +- apart (no inter-container) ann, ben publishes 8082
 *                                               +- open (routed)              far publishes 80
 *                                               +- back (internal)            db
 */
import test from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { some } from '../support/long.ts';
import { type Container, type Story, withStory } from '../support/story-lab.ts';

interface Row {
  readonly Reached: 'yes' | 'no';
  readonly Address: string;
  readonly Port: string;
  readonly Seen: string;
  readonly Decision: string;
  readonly Probe: string;
  readonly Agrees: string;
}

const server = ['python3', '-m', 'http.server', '--bind', '::', '80'];

async function build(story: Story): Promise<ReadonlyMap<string, Container>> {
  const networks = [
    '--ipv6 --subnet 10.7.0.0/24 --subnet fd00:7::/64 front',
    '--subnet 10.9.0.0/24 -o com.docker.network.bridge.enable_icc=false apart',
    '--subnet 10.6.0.0/24 -o com.docker.network.bridge.gateway_mode_ipv4=routed open',
    '--internal --subnet 10.8.0.0/24 back',
  ];
  for (const network of networks) await story.run('network', 'create', ...network.split(' '));
  const containers = {
    web: '-p 8080:80',
    six: '--network front -p 8081:80',
    ann: '--network apart',
    ben: '--network apart -p 8082:80',
    far: '--network open -p 80',
    db: '--network back',
  };
  // What the world can't reach is not for want of a way.
  for (const subnet of ['172.17.0.0/16', '10.0.0.0/8'])
    await story.lab.world.run(['ip', 'route', 'add', subnet, 'via', '203.0.113.1']);
  await story.lab.world.run(['ip', 'route', 'add', 'fd00:7::/64', 'via', '2001:db8:f::1']);
  const found = new Map<string, Container>();
  for (const [name, options] of Object.entries(containers)) {
    found.set(name, await story.start('--name', name, ...options.split(' '), ...server));
  }
  for (const container of found.values())
    await waitFor('it serves', async () => (await story.inside(container, 'ss -Hltn sport = :80')).stdout !== '');
  return found;
}

async function rows(story: Story, ...words: readonly string[]): Promise<readonly Row[]> {
  const { stdout, stderr } = await story.exec(['reach', ...words, '--format', 'json']);
  if (stdout === '') throw new Error(stderr);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
}

/** Whom a server at this address answers. */
async function hasAnswer(story: Story, from: Container | 'host' | 'world', { Address, Port }: Row): Promise<boolean> {
  const host = Address.includes(':') ? `[${Address}]` : Address;
  const command = ['curl', '-s', '-o', '/dev/null', '-m', '2', `http://${host}:${Port.replace('/tcp', '')}/`];
  if (from === 'world') return (await story.lab.world.exec(command)).exitCode === 0;
  if (from === 'host') return (await story.lab.host.exec(command)).exitCode === 0;
  return (await story.inside(from, `exec ${command.map((word) => `'${word}'`).join(' ')}`)).exitCode === 0;
}

test('who reaches whom: curl finds the same, and so do packets of its own', async (t) => {
  t.timeout(180_000);
  await withStory(t, {}, async (story) => {
    const containers = await build(story);
    const askers = [['outside', 'world'], ['host', 'host'], ...containers] as const;
    const complaints: string[] = [];
    let count = 0;
    for (const [from, place] of some(askers, 2)) {
      const asked = await Promise.all(
        [...containers.keys()].filter((to) => to !== from).map((to) => compared(story, from, place, to)),
      );
      complaints.push(...asked.flatMap(({ wrong }) => wrong));
      count += asked.reduce((sum, { answers }) => sum + answers, 0);
    }
    t.deepEqual(complaints, []);
    t.true(count > 30, `${count} by curl`);
  });
});

/** What is said of port 80 of another container, beside what curl finds; and of pings, beside a ping of gangway's. */
async function compared(story: Story, from: string, place: Container | 'host' | 'world', to: string) {
  const probe = from === 'outside' ? [] : ['--probe'];
  const [ports, pings] = await Promise.all([
    rows(story, from, `${to}:80`, ...probe),
    rows(story, from, to, '--protocol', 'icmp', ...probe),
  ]);
  const answers = await Promise.all(ports.map(async (row) => [row, await hasAnswer(story, place, row)] as const));
  const wrong = [
    ...answers.filter(([{ Reached }, answer]) => answer !== (Reached === 'yes')).map(([row]) => row),
    ...[...ports, ...pings].filter(({ Agrees }) => Agrees === 'no'),
  ];
  return {
    answers: answers.length,
    wrong: wrong.map(({ Address, Port, Probe }) => `${from} to ${to} at ${Address} ${Port} (probe: ${Probe})`),
  };
}

test('the exit status says whether, the reason why, and the container sees the address that was said', async (t) => {
  await withStory(t, {}, async (story) => {
    const containers = await build(story);
    const status = async (...words: readonly string[]) => (await story.exec(['reach', ...words])).exitCode;
    t.is(await status('outside', 'web:80'), 0);
    t.is(await status('outside', 'db:80'), 1);
    t.is(await status('outside', 'nobody'), 125);
    t.is(await status('outside', 'web', '--probe'), 125);
    const decisions = async (...words: readonly string[]) =>
      (await rows(story, ...words)).map(({ Decision }) => Decision);
    t.deepEqual(await decisions('outside', 'db:80'), ['internal']);
    t.deepEqual(await decisions('ann', 'ben:80'), ['', 'apart']);
    t.deepEqual(await decisions('203.0.113.2', 'far:81'), ['not-published']);
    const [first] = await rows(story, 'six', 'web:80');
    const six = containers.get('six');
    if (first === undefined || six === undefined) return t.fail();
    t.true(await hasAnswer(story, six, first));
    await waitFor(`web has seen ${first.Seen}`, async () => {
      return new RegExp(`^(::ffff:)?${first.Seen} `, 'm').test((await story.exec(['logs', 'web'])).stderr);
    });
  });
});

test('where somebody else’s rules decide, a probe finds it', async (t) => {
  await withStory(t, {}, async (story) => {
    await build(story);
    const probe = async (...words: readonly string[]) => {
      const { exitCode, stderr } = await story.exec(['reach', ...words, '--probe']);
      return `${exitCode} ${stderr}`;
    };
    t.is(await probe('six', 'web:80'), '0 ');
    t.is(await probe('six', 'db'), '1 ');
    await story.start('--name', 'deaf', '-p', '8099:80', 'sleep', 'infinity');
    t.is(await probe('host', 'deaf:80'), '0 ', 'the proxy took it, and gave up: nobody listens behind it');
    await story.sh('nft add table ip other; nft "add chain ip other f { type filter hook forward priority 0; }"');
    await story.sh('nft add rule ip other f tcp dport 80 drop');
    t.regex(await probe('six', 'web:80'), /^2 the probe contradicts gangway’s rules/);
    await story.sh('nft delete table ip other');
    t.is(await probe('six', 'web:80'), '0 ');
    await story.sh('nft add table ip other; nft "add chain ip other p { type nat hook prerouting priority -150; }"');
    await story.sh('nft add rule ip other p ip daddr 10.8.0.2 dnat to 203.0.113.2');
    t.regex(await probe('six', 'db'), /^2 the probe contradicts gangway’s rules/, 'what should be dropped is answered');
  });
});

test('a packet with a mark enters where the network accepts that, and a probe bears the mark', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.run('network', 'create', '--subnet', '10.5.0.0/24', '-o', 'gangway.accept-fwmark=0x1/0x3', 'marked');
    const web = await story.start('--name', 'web', ...server);
    const inner = await story.start('--name', 'inner', '--network', 'marked', ...server);
    await waitFor('it serves', async () => (await story.inside(inner, 'ss -Hltn sport = :80')).stdout !== '');
    const asked = async (...words: readonly string[]) => {
      const [row] = await rows(story, ...words);
      return row === undefined ? '' : [row.Reached, row.Decision, row.Probe, row.Agrees].join(' ').trim();
    };
    t.is(await asked('outside', 'inner:80', '--mark', '0x5'), 'yes');
    t.is(await asked('outside', 'inner:80', '--mark', '0x2'), 'no not-published');

    const alone = await story.exec(['reach', 'web', 'inner:80', '--mark', '0x5', '--probe']);
    t.is(alone.exitCode, 0);
    t.regex(alone.stdout, /^ {7}probe: no answer, which proves nothing$/m, 'no rule has marked it');
    t.regex(alone.stderr, /the kernel takes the mark off what leaves the network namespace of web/);
    await story.sh(
      'nft add table inet owner; nft "add chain inet owner in { type filter hook prerouting priority mangle; }"',
    );
    await story.sh('nft add rule inet owner in iifname gangway0 meta mark set 0x5');
    t.is(await asked('web', 'inner:80', '--mark', '0x5', '--probe'), 'yes  arrived yes');
    t.is(await asked('web', 'inner:80', '--probe'), 'no not-published arrived no', 'of the rule it has not been told');
    t.is((await story.inside(web, 'curl -s -o /dev/null -m 2 http://10.5.0.2/')).exitCode, 0);

    await story.sh('nft "add chain inet owner out { type filter hook output priority 0; }"');
    const packets = { tcp: ['inner:80'], udp: ['inner:80/udp'], icmp: ['inner', '--protocol', 'icmp'] };
    for (const each of Object.keys(packets))
      await story.sh(`nft add rule inet owner out mark 0x80000020 meta l4proto ${each} counter`);
    const met = async () => (await story.sh('nft list chain inet owner out')).match(/packets [1-9]/g)?.length;
    const probe = (...words: readonly string[]) =>
      Promise.all(Object.values(packets).map((each) => asked('host', ...each, '--probe', ...words)));
    t.deepEqual(await probe(), ['yes  arrived yes', 'yes  refused yes', 'yes  arrived yes']);
    t.is(await met(), undefined, 'control: no mark');
    t.deepEqual(await probe('--mark', '0x80000020'), ['yes  arrived yes', 'yes  refused yes', 'yes  arrived yes']);
    t.is(await met(), 3);
  });
});
