/**
 * Egress policies, on both back ends: whom containers of a limited network reach, and whom not, by servers that tell whom
 * they have seen. Each question is put from a network without a policy, too, where it is answered.
 *
 *      shut, only to some   -- ann, ben (8081)      host 203.0.113.1 --- world 203.0.113.2, 2001:db8:f::2
 *      loose, not to some   -- cat                  serves 7000          198.51.100.9, 169.254.169.254
 *      plain, to everybody  -- dan
 *      back (IPv4)          -- dba (8080, in IPv6 by the proxy)
 */
import test, { type ExecutionContext } from 'ava';
import { type BackendName, backendNames } from '../../src/firewall/backend.ts';
import type { Background } from '../../src/lab/background.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { answers, ask, untilAnswering } from '../support/probe.ts';
import { type Container, gangway, type Story, withStory } from '../support/story-lab.ts';
import { worldNames } from '../support/world-names.ts';
import { zoneServer } from '../support/zone-server.ts';

const only = '203.0.113.2:80/tcp,203.0.113.1:8080,203.0.113.1:7000';
const notTo = '198.51.100.0/24,203.0.113.2:81,10.9.0.0/24,[2001:db8:f::2]:81';

const networks = {
  shut: `--ipv6 --subnet 10.7.0.0/24 --subnet fd00:7::/64 --egress allow=${only}`,
  loose: `--ipv6 --subnet 10.8.0.0/24 --subnet fd00:8::/64 --egress deny=${notTo}`,
  plain: '--ipv6 --subnet 10.6.0.0/24 --subnet fd00:6::/64',
  back: '--subnet 10.9.0.0/24',
};
const containers = {
  ann: '--network shut -p 9999:9999/udp',
  ben: '--network shut -p 8081:80',
  cat: '--network loose',
  dan: '--network plain',
  dba: '--network back -p 8080:80',
};
type Name = keyof typeof containers;

/** What is asked of whom, and the source that is seen there: by a container of shut, of loose and of plain. */
const questions: Readonly<Record<string, readonly [shut: string, loose: string, plain: string]>> = {
  'tcp 203.0.113.2:80': ['203.0.113.1', '203.0.113.1', '203.0.113.1'],
  'udp 203.0.113.2:80': ['silence', '203.0.113.1', '203.0.113.1'],
  'tcp 203.0.113.2:81': ['silence', 'silence', '203.0.113.1'],
  'udp 203.0.113.2:81': ['silence', 'silence', '203.0.113.1'],
  'tcp 198.51.100.9:80': ['silence', 'silence', '203.0.113.1'],
  'tcp 169.254.169.254:80': ['silence', '203.0.113.1', '203.0.113.1'],
  'tcp [2001:db8:f::2]:80': ['silence', '2001:db8:f::1', '2001:db8:f::1'],
  'tcp [2001:db8:f::2]:81': ['silence', 'silence', '2001:db8:f::1'],
  // Published by a container of another network: as it was asked for, and as it is.
  'tcp 203.0.113.1:8080': ['10.9.0.1', 'silence', '10.9.0.1'],
  'tcp 10.9.0.1:8080': ['silence', 'silence', '10.9.0.1'],
  'tcp [2001:db8:f::1]:8080': ['silence', 'silence', '10.9.0.1'],
  // The machine itself, under two of its addresses.
  'tcp 203.0.113.1:7000': ['10.7.0.2', '10.8.0.2', '10.6.0.2'],
  'tcp [2001:db8:f::1]:7000': ['silence', 'fd00:8::2', 'fd00:6::2'],
  'tcp 10.9.0.1:7000': ['silence', 'silence', '10.6.0.2'],
  // A sibling of ann, at its own address, and by a port of the machine.
  'tcp 10.7.0.3:80': ['10.7.0.2', 'silence', 'silence'],
  'tcp [fd00:7::3]:80': ['fd00:7::2', 'silence', 'silence'],
  'tcp 203.0.113.1:8081': ['10.7.0.1', '10.7.0.1', '10.7.0.1'],
};
const targets = Object.keys(questions);
const expected = (column: number) => Object.values(questions).map((row) => row[column]);

async function build(story: Story, backend: BackendName): Promise<Readonly<Record<Name, Container>>> {
  const { world, host } = story.lab;
  for (const address of ['198.51.100.9', '169.254.169.254'])
    await world.run(['ip', 'address', 'add', `${address}/32`, 'dev', 'lo']);
  world.spawn(answers(80, 81), { environment: { NODE_OPTIONS: undefined } });
  host.spawn(answers(7000), { environment: { NODE_OPTIONS: undefined } });
  await world.waitFor(['sh', '-c', "ss -Hlnt 'sport = :81' | grep -q ."]);
  await host.waitFor(['sh', '-c', "ss -Hlnt 'sport = :7000' | grep -q ."]);
  for (const [name, options] of Object.entries(networks))
    await story.run(`--firewall-backend=${backend}`, 'network', 'create', ...options.split(' '), name);
  const found = {} as Record<Name, Container>;
  for (const [name, options] of Object.entries(containers)) {
    found[name as Name] = await story.start('--name', name, ...options.split(' '), ...answers(80));
    await untilAnswering(story, found[name as Name], 80);
  }
  return found;
}

async function pings(story: Story, from: Container, to: string): Promise<boolean> {
  return (await story.inside(from, `ping -n -c 1 -W 1 ${to}`)).exitCode === 0;
}

/** What gangway itself says of a question: the decision, or nothing where it is reached. */
async function said(story: Story, from: Name, target: string): Promise<string> {
  const [protocol, to] = target.split(' ');
  const { stdout } = await story.exec(['reach', from, `${to}/${protocol}`, '--format', '{{.Decision}}']);
  return stdout.trim();
}

async function matches(t: ExecutionContext, story: Story, { ann, cat, dan }: Readonly<Record<Name, Container>>) {
  const [shut, loose, plain] = await Promise.all([ann, cat, dan].map((from) => ask(story, from, targets)));
  t.deepEqual(shut, expected(0), 'shut');
  t.deepEqual(loose, expected(1), 'loose');
  t.deepEqual(plain, expected(2), 'control: plain');
}

for (const backend of backendNames) {
  test(`permits listed destinations only, in both families and without a bypass, ${backend}`, async (t) => {
    t.timeout(240_000);
    await withStory(t, {}, async (story) => {
      const found = await build(story, backend);
      const { ann, cat, dan } = found;
      await matches(t, story, found);
      t.deepEqual(await Promise.all([ann, cat, dan].map((from) => pings(story, from, '203.0.113.2'))), [
        false,
        true,
        true,
      ]);
      t.deepEqual(await Promise.all([ann, cat, dan].map((from) => pings(story, from, '198.51.100.9'))), [
        false,
        false,
        true,
      ]);
      t.deepEqual(await Promise.all([ann, cat, dan].map((from) => pings(story, from, '10.7.0.1'))), [
        false,
        true,
        true,
      ]);
      // Who came in is answered, also that nobody listens there.
      t.deepEqual(await ask(story, 'world', ['tcp 203.0.113.1:8081', 'udp 203.0.113.1:9999']), [
        '203.0.113.2',
        'refused',
      ]);

      const asked = [0, 1, 2, 6, 8, 9, 10, 11, 12];
      const decisions = await Promise.all(asked.map((index) => said(story, 'ann', targets[index] ?? '')));
      const closed = asked.map((index) => expected(0)[index] === 'silence');
      t.deepEqual(
        decisions.map((decision) => decision === 'egress'),
        closed,
      );
      t.regex(
        (await story.exec(['reach', 'ann', '198.51.100.9:80'])).stdout,
        /^no +198\.51\.100\.9:80\/tcp: network shut allows connections only to 203\.0\.113\.2:80\/tcp/m,
      );
      const [inspected] = JSON.parse(await story.run('network', 'inspect', 'shut')) as [{ Egress: object }];
      t.deepEqual(inspected.Egress, { Allow: only.split(','), Deny: [] });

      // What somebody takes away comes back, and closes again.
      await story.sh('nft flush ruleset');
      const closes = async () => (await ask(story, ann, ['tcp 198.51.100.9:80']))[0] === 'silence';
      await waitFor('it is closed again', closes, { timeoutMilliseconds: 30_000 });
      await matches(t, story, found);

      await story.run('rm', '-f', ...Object.keys(containers));
      await story.run('network', 'rm', ...Object.keys(networks));
      await story.run('gc');
      t.notRegex(await story.sh('nft list ruleset'), /gangway|10\.[6-9]\.0/i);
    });
  });
}

/** `60 A 192.0.2.1` */
type Zone = Readonly<Record<string, readonly string[]>>;

/** A name server of the world, which the machine asks, and which tells whatever it hears. */
async function worldServer(story: Story, zone?: Zone): Promise<Background> {
  await story.resolvConf('nameserver 203.0.113.2');
  const program = zone === undefined ? [worldNames] : [zoneServer, JSON.stringify(zone)];
  const server = story.lab.world.spawn([process.execPath, '-e', ...program]);
  await waitFor('the world’s name server', () => server.stdout.includes('ready'));
  return server;
}

/** dig's status, and what the container was told. */
/** Who answers for x.test himself, with an address of the world. */
async function startLiar(story: Story, ...options: readonly string[]): Promise<void> {
  const lie = JSON.stringify({ 'x.test': ['60 A 198.51.100.66'] });
  await story.start('--name', 'liar', '--network', 'named', ...options, process.execPath, '-e', zoneServer, lie);
}

async function dig(story: Story, from: string, ...words: readonly string[]): Promise<string> {
  const options = ['dig', '+tries=1', '+time=3', '+noall', '+comments', '+answer'];
  const { stdout } = await story.exec(['exec', from, ...options, ...words]);
  const data = stdout.split('\n').filter((line) => line !== '' && !line.startsWith(';'));
  return [/status: (\w+)/.exec(stdout)?.[1] ?? 'nothing', ...data.map((line) => line.split(/\s+/)[4])].join(' ');
}

test('forwards no query for a blocked name, over each path', async (t) => {
  await withStory(t, {}, async (story) => {
    const server = await worldServer(story);
    await gangway(story, 'network create --egress allow=10.0.0.0/8 shut');
    await gangway(story, 'network create --egress deny=*.evil.test,bad.test loose');
    await gangway(story, 'network create plain');
    for (const [name, network] of Object.entries({ ann: 'shut', cat: 'loose', dan: 'plain' }))
      await gangway(story, `run -d --name ${name} --network ${network} sleep 1000`);
    await gangway(story, 'run -d --name own --network shut --dns 203.0.113.2 sleep 1000');
    for (const from of ['ann', 'own']) {
      for (const words of [
        ['secret.test'],
        ['TXT', 'secret.test'],
        ['-x', '192.0.2.1'],
        ['+tcp', 'secret.test'],
        ['com', 'NS'],
      ])
        t.is(await dig(story, from, ...words), 'NXDOMAIN', `${from}: ${words.join(' ')}`);
      t.is(await dig(story, from, '@203.0.113.2', 'secret.test'), 'nothing', from);
      t.is(await dig(story, from, 'ann'), 'NOERROR 172.18.0.2', from);
    }
    for (const name of ['bad.test', 'secret.evil.test']) t.is(await dig(story, 'cat', name), 'NXDOMAIN', name);
    t.deepEqual(server.stdout.trim().split('\n'), ['ready'], 'nobody has heard a word');

    t.is(await dig(story, 'cat', 'good.test'), 'NOERROR 192.0.2.1');
    t.is(await dig(story, 'dan', 'secret.test'), 'NOERROR 192.0.2.1');
    t.is(await dig(story, 'dan', '@203.0.113.2', 'direct.test'), 'NOERROR 192.0.2.1');
    t.deepEqual(
      server.stdout.trim().split('\n'),
      ['ready', 'A good.test', 'A secret.test', 'A direct.test'],
      'control',
    );
    t.regex(
      await gangway(story, 'dns query secret.test --from ann'),
      /the egress policy of network shut does not allow queries for secret\.test/,
    );

    // Who answers his own questions opens nothing to himself.
    await gangway(story, 'network create --egress allow=x.test named');
    await startLiar(story, '--dns', '127.0.0.1');
    const tells = async () => (await dig(story, 'liar', '@127.0.0.1', 'x.test')) === 'NOERROR 198.51.100.66';
    await waitFor('control: its own server answers', tells);
    t.is(await dig(story, 'liar', 'x.test'), 'SERVFAIL');
    t.regex(
      await gangway(story, 'dns query x.test --from liar'),
      /gangway answers SERVFAIL: .* open addresses for themselves/,
    );
    t.notRegex(await story.sh('nft list ruleset'), /198\.51\.100\.66/);

    // In two networks, the one that lets it out does so; and without it, no longer.
    await gangway(story, 'network connect plain ann');
    t.is(await dig(story, 'ann', 'secret.test'), 'NOERROR 192.0.2.1');
    await gangway(story, 'network disconnect plain ann');
    t.is(await dig(story, 'ann', 'secret.test'), 'NXDOMAIN', 'what was remembered is not told either');
  });
});

test('ignores a name server inside the limited network, also behind a port of the host', async (t) => {
  await withStory(t, {}, async (story) => {
    await gangway(story, 'network create --egress allow=x.test named');
    await gangway(story, 'network create plain');
    await story.resolvConf('nameserver 127.0.0.1');
    await startLiar(story, '-p', '53:53/udp');
    const asking = { liar: 'by its resolv.conf', ann: '--dns 203.0.113.1', ben: '--dns 172.19.0.1' };
    for (const name of ['ann', 'ben'] as const)
      await gangway(story, `run -d --name ${name} --network named ${asking[name]} sleep 1000`);
    await gangway(story, 'run -d --name dan --network plain sleep 1000');
    const lies = async () => (await dig(story, 'dan', 'x.test')) === 'NOERROR 198.51.100.66';
    await waitFor('control: the machine’s port leads to it, and who has no policy believes it', lies);

    const isForwarded = async (name: string) =>
      /forwarded: x\.test is not a name/.test(await gangway(story, `dns query x.test --from ${name}`));
    for (const [name, way] of Object.entries(asking)) {
      t.is(await dig(story, name, 'x.test'), 'SERVFAIL', way);
      t.false(await isForwarded(name), way);
    }
    t.notRegex(await story.sh('nft list ruleset'), /198\.51\.100\.66/);

    await gangway(story, 'unpublish liar 53/udp');
    for (const name of Object.keys(asking)) t.true(await isForwarded(name), `${name}, when nothing leads there`);
    await gangway(story, 'publish liar 53:53/udp');
    for (const name of Object.keys(asking)) t.is(await dig(story, name, 'x.test'), 'SERVFAIL', `${name}, once more`);
    t.notRegex(await story.sh('nft list ruleset'), /198\.51\.100\.66/);
  });
});

const week = 7 * 24 * 3600;
const zone: Zone = {
  'good.test': ['60 A 198.51.100.9', '60 AAAA 2001:db8:5::9'],
  'port.test': ['0 A 192.0.2.10'],
  'datagram.test': ['60 A 203.0.113.2'],
  'long.test': [`${week} A 192.0.2.11`],
  'alias.test': ['60 CNAME cdn.elsewhere.test'],
  'cdn.elsewhere.test': ['60 A 192.0.2.12'],
  '*.sub.test': ['60 A 192.0.2.13'],
  'astray.test': ['60 CNAME evil.test'],
  'evil.test': ['60 A 192.0.2.14'],
  'denied.test': ['60 A 192.0.2.15'],
  // Whoever owns a name may say what he likes: the machine, another container, what lies behind the machine.
  'inner.test': ['60 A 203.0.113.1', '60 A 10.9.0.2', '60 A 169.254.169.254', '60 A 10.200.0.1', '60 AAAA fd00:9::2'],
  'other.test': ['60 A 192.0.2.16'],
};
const named =
  'good.test,port.test:80/tcp,port.test:80-81,datagram.test:81/udp,long.test,alias.test,*.sub.test,astray.test,denied.test,inner.test';
/** Where a name leads, and what is answered there on TCP: before its name has been asked for, and after that. */
const led: Readonly<Record<string, readonly [target: string, after: string]>> = {
  'good.test': ['tcp 198.51.100.9:80', '203.0.113.1'],
  'alias.test': ['tcp 192.0.2.12:80', '203.0.113.1'],
  'a.sub.test': ['tcp 192.0.2.13:80', '203.0.113.1'],
  'long.test': ['tcp 192.0.2.11:81', '203.0.113.1'],
  'port.test': ['tcp 192.0.2.10:81', '203.0.113.1'],
  'datagram.test': ['udp 203.0.113.2:81', '203.0.113.1'],
  'other.test': ['tcp 192.0.2.16:80', 'silence'],
  'astray.test': ['tcp 192.0.2.14:80', 'silence'],
  'denied.test': ['tcp 192.0.2.15:80', 'silence'],
};
/** What `inner.test` is said to be, from a network without a policy. */
const inner = ['tcp 203.0.113.1:7000', 'tcp 203.0.113.1:8080', 'tcp 10.200.0.1:80', 'tcp 169.254.169.254:80'];
const insides = ['10.6.0.2', '10.9.0.1', '203.0.113.1', '203.0.113.1'];

for (const backend of backendNames) {
  test(`opens the public addresses of a permitted name for the TTL of the answer, ${backend}`, async (t) => {
    t.timeout(240_000);
    await withStory(t, {}, async (story) => {
      const { world, host } = story.lab;
      const addresses = Object.values(zone).flatMap((records) =>
        records.flatMap((text) => /A (192.*|198.*|10.200.*|169.*)$/.exec(text)?.[1] ?? []),
      );
      for (const address of addresses) await world.run(['ip', 'address', 'add', `${address}/32`, 'dev', 'lo']);
      world.spawn(answers(80, 81), { environment: { NODE_OPTIONS: undefined } });
      host.spawn(answers(7000), { environment: { NODE_OPTIONS: undefined } });
      await worldServer(story, zone);
      await story.run(`--firewall-backend=${backend}`, ...'network create --subnet 10.6.0.0/24 plain'.split(' '));
      const egress = `allow=${named},deny=evil.test,192.0.2.15`;
      for (const words of [`--subnet 10.7.0.0/24 --egress ${egress} shut`, '--subnet 10.9.0.0/24 back'])
        await gangway(story, `network create ${words}`);
      const ann = await story.start('--name', 'ann', '--network', 'shut', 'sleep', '1000');
      const dan = await story.start('--name', 'dan', '--network', 'plain', 'sleep', '1000');
      const dba = await story.start('--name', 'dba', '--network', 'back', '-p', '8080:80', ...answers(80));
      await untilAnswering(story, dba, 80);

      const targets = Object.values(led).map(([target]) => target);
      t.deepEqual(
        await ask(story, ann, [...targets, ...inner]),
        [...targets, ...inner].map(() => 'silence'),
        'before',
      );
      t.deepEqual(
        await ask(story, dan, [...targets, ...inner]),
        [...targets.map(() => '203.0.113.1'), ...insides],
        'control',
      );

      for (const name of [...Object.keys(led), 'inner.test']) await dig(story, 'ann', name);
      t.is(await dig(story, 'ann', 'other.test'), 'NXDOMAIN');
      t.is(await dig(story, 'ann', 'astray.test'), 'NXDOMAIN');
      t.deepEqual(
        await ask(story, ann, targets),
        Object.values(led).map(([, after]) => after),
        'after',
      );
      t.deepEqual(
        await ask(story, ann, inner),
        inner.map(() => 'silence'),
        'what is said of what is inside',
      );
      t.deepEqual(await ask(story, ann, ['tcp 203.0.113.2:81', 'tcp 192.0.2.10:80']), ['silence', '203.0.113.1']);
      t.false(await pings(story, ann, '192.0.2.10'), 'a name at a port');
      t.true(await pings(story, ann, '198.51.100.9'));

      // Nobody is told to believe for a week what is open for an hour.
      const { stdout } = await story.exec(['exec', 'ann', 'dig', '+noall', '+answer', 'long.test']);
      t.true(Number(stdout.split(/\s+/)[1]) <= 3600, stdout);
      if (backend === 'nftables') {
        const [set] = JSON.parse(await story.sh('nft -j list set inet gangway learned4')).nftables.slice(1) as {
          set: { elem: { elem: { val: object; timeout: number } }[] };
        }[];
        const timeouts = set?.set.elem.map(({ elem }) => elem.timeout) ?? [];
        t.true(
          timeouts.length >= 3 && timeouts.every((seconds) => seconds >= 60 && seconds <= 3630),
          timeouts.join(' '),
        );
      }

      // What a flush takes is put back, without a question.
      await story.sh('nft flush ruleset');
      await waitFor(
        'it is open again',
        async () => (await ask(story, ann, ['tcp 198.51.100.9:80']))[0] === '203.0.113.1',
        { timeoutMilliseconds: 30_000 },
      );
      t.deepEqual(await ask(story, ann, ['tcp 192.0.2.16:80']), ['silence']);

      // With its network it goes, and the next one of that name begins anew.
      await gangway(story, 'rm -f ann');
      await gangway(story, 'network rm shut');
      t.notRegex(await story.sh('nft list ruleset'), /198\.51\.100\.9|192\.0\.2\./);
    });
  });
}
