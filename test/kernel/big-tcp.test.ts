// Packets beyond 64 KiB: who sends them, who must not, and what arrives.
//
//      world 203.0.113.2 ---- host 203.0.113.1 ---- front  10.1.0.1, fd00:1::1 ---- web, db
//            2001:db8:f::2         2001:db8:f::1 \
//                                                 +- inner  10.2.0.1, fd00:2::1 ---- one, two   (internal)
import test, { type ExecutionContext } from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { type Container, refused, type Story, withStory } from '../support/story-lab.ts';

const sleep = ['sleep', '1000'];
const transferBytes = 1 << 26;
/** How much is written at once, and read: where one processor does both in turn, small pieces may stay small packets. */
const pieceBytes = 1 << 20;

/** Where a transfer begins or ends: the words that go before a command there. */
type Where = readonly string[];

const host: Where = [];
const world: Where = ['ip', 'netns', 'exec', 'world'];

function within({ namespace }: Container): Where {
  return ['nsenter', `--net=/run/netns/${namespace}`];
}

interface Transfer {
  readonly from: Where;
  readonly to: Where;
  readonly address: string;
  /** The receiver's. */
  readonly link: string;
}

/** Sends 64 MiB. @returns how many bytes arrived, and whether some came in packets beyond 64 KiB, as tcpdump sees them */
async function send(story: Story, { from, to, address, link }: Transfer) {
  const { host: machine } = story.lab;
  // A ping behind the transfer tells when everything has been seen.
  const filter = 'greater 65600 or icmp[icmptype] == 8 or icmp6[icmp6type] == 128';
  const watch = machine.spawn([...to, 'tcpdump', '-lnqi', link, '-s', '128', '--immediate-mode', filter]);
  await watch.waitForOutput(/listening on/);
  const count = `socat -u -b ${pieceBytes} TCP6-LISTEN:9000,ipv6only=0 STDOUT | wc -c`;
  const receiver = machine.spawn([...to, 'sh', '-c', count]);
  await waitFor('somebody listens', async () => {
    return (await machine.run([...to, 'ss', '-Hltn', 'sport = :9000'])) !== '';
  });
  const target = address.includes(':') ? `TCP6:[${address}]:9000` : `TCP4:${address}:9000`;
  const source = `OPEN:/dev/zero,readbytes=${transferBytes}`;
  await machine.run([...from, 'timeout', '20', 'socat', '-u', '-b', `${pieceBytes}`, source, target]);
  const { stdout } = await receiver.result;
  await machine.run([...from, 'ping', '-qc1', address]);
  await watch.waitForOutput(/echo request/);
  const { stdout: seen } = await watch.kill();
  return { bytes: Number(stdout), large: seen.split('\n').some((line) => / > (?!.*ICMP)/.test(line)) };
}

/** What is sent, and whether some of it comes in packets beyond 64 KiB. All of it has to arrive. */
type Expected = readonly (readonly [what: string, transfer: Transfer, isLarge: boolean])[];

async function sendsAll(t: ExecutionContext, story: Story, expected: Expected): Promise<void> {
  for (const [what, transfer, isLarge] of expected)
    t.deepEqual(await send(story, transfer), { bytes: transferBytes, large: isLarge }, what);
}

/** The sizes of a link, for IPv6 and for IPv4, as `ip` has them. */
async function sizesOf(story: Story, where: 'host' | Container, link: string): Promise<readonly number[]> {
  const [found] = await story.ip(where, 'link', 'show', 'dev', link);
  return [found?.gso_max_size, found?.gro_max_size, found?.gso_ipv4_max_size, found?.gro_ipv4_max_size];
}

const [large, small] = [393_216, 65_536];
const subnets = (number: number) => ['--subnet', `10.${number}.0.0/24`, '--subnet', `fd00:${number}::/64`];

test('in an internal network everybody sends large packets, containers those of IPv4', async (t) => {
  await withStory(t, {}, async (story) => {
    const id = await story.run('network', 'create', '--internal', ...subnets(2), 'inner');
    const one = await story.start('--name', 'one', '--network', 'inner', ...sleep);
    const two = await story.start('--name', 'two', '--network', 'inner', ...sleep);
    t.deepEqual(await sizesOf(story, 'host', `br-${id.slice(0, 12)}`), [large, large, large, large]);
    t.deepEqual(await sizesOf(story, one, 'eth0'), [small, small, large, large]);
    await sendsAll(t, story, [
      ['IPv4, to a sibling', { from: within(one), to: within(two), address: '10.2.0.3', link: 'eth0' }, true],
      ['IPv6, to a sibling', { from: within(one), to: within(two), address: 'fd00:2::3', link: 'eth0' }, false],
      ['IPv4, from the machine', { from: host, to: within(two), address: '10.2.0.3', link: 'eth0' }, true],
      ['IPv6, from the machine', { from: host, to: within(two), address: 'fd00:2::3', link: 'eth0' }, true],
    ]);
    await story.run('rm', '-f', 'one', 'two');
    await story.run('network', 'rm', 'inner');
  });
});

for (const [option, ofMachine, ofContainers] of [
  ['auto', true, false],
  ['on', true, true],
  ['off', false, false],
] as const)
  test(`big-tcp=${option}: what leaves the machine leaves it as before`, async (t) => {
    await withStory(t, {}, async (story) => {
      const driver = ['-o', `gangway.big-tcp=${option}`, '-o', 'com.docker.network.bridge.name=front'];
      await story.run('network', 'create', ...driver, ...subnets(1), 'front');
      const web = await story.start('--name', 'web', '--network', 'front', ...sleep);
      const db = await story.start('--name', 'db', '--network', 'front', ...sleep);
      const machine = ofMachine ? large : small;
      t.deepEqual(await sizesOf(story, 'host', 'front'), [machine, machine, machine, machine]);
      const own = ofContainers ? large : small;
      t.deepEqual(await sizesOf(story, web, 'eth0'), [small, small, own, own]);
      await sendsAll(t, story, [
        ['IPv4, to a sibling', { from: within(web), to: within(db), address: '10.1.0.3', link: 'eth0' }, ofContainers],
        ['IPv6, to a sibling', { from: within(web), to: within(db), address: 'fd00:1::3', link: 'eth0' }, false],
        ['IPv4, from the machine', { from: host, to: within(web), address: '10.1.0.2', link: 'eth0' }, ofMachine],
        ['IPv6, from the machine', { from: host, to: within(web), address: 'fd00:1::2', link: 'eth0' }, ofMachine],
        ['IPv4, out', { from: within(web), to: world, address: '203.0.113.2', link: 'any' }, false],
        ['IPv6, out', { from: within(web), to: world, address: '2001:db8:f::2', link: 'any' }, false],
      ]);
      await story.run('rm', '-f', 'web', 'db');
      await story.run('network', 'rm', 'front');
    });
  });

test('packets beyond 64 KiB pass the rules that siblings who may not talk are held to', async (t) => {
  await withStory(t, {}, async (story) => {
    const apart = ['--internal', '-o', 'com.docker.network.bridge.enable_icc=false'];
    await story.run('network', 'create', ...apart, ...subnets(2), 'inner');
    const one = await story.start('--name', 'one', '--network', 'inner', ...sleep);
    await sendsAll(t, story, [
      ['IPv4, from the machine', { from: host, to: within(one), address: '10.2.0.2', link: 'eth0' }, true],
      ['IPv6, from the machine', { from: host, to: within(one), address: 'fd00:2::2', link: 'eth0' }, true],
    ]);
    t.regex(await refused(story, 'network create -o gangway.big-tcp=perhaps c'), /big-tcp "perhaps" is unknown/);
    await story.run('rm', '-f', 'one');
    await story.run('network', 'rm', 'inner');
  });
});
