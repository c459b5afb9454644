// SCTP ports: from everywhere, and where the kernel has none.
//
//      web 172.17.0.2        sibling 172.17.0.3
//      sctp 80, answers           |
//           |                     |
//     +-----+-----------+---------+----------+          +-----------------------+
//     |      gangway0 172.17.0.1/16     host |---cable--| world 203.0.113.2     |
//     |                  up0 203.0.113.1/24  |          |       2001:db8:f::2   |
//     +--------------------------------------+          +-----------------------+
import test from 'ava';
import type { Background } from '../../src/lab/background.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { changes } from '../support/gangway.ts';
import { lacksSctp, type Step, sctpClient, sctpServer } from '../support/sctp-peers.ts';
import { skipUnless } from '../support/skip.ts';
import { type Container, refused, type Story, withStory } from '../support/story-lab.ts';

const patience = { timeoutMilliseconds: 120_000 };

async function startWeb(story: Story, backend: string): Promise<Container> {
  const words = ['run', '-d', '--name', 'web', '-p', '8080:80/sctp'];
  const id = await story.run(
    `--firewall-backend=${backend}`,
    ...words,
    ...sctpServer('0.0.0.0', 80, { name: true, echo: true }),
  );
  const web = { id, namespace: `gangway-${id.slice(0, 12)}`, pid: '' };
  await waitFor(
    'the container listens',
    async () => {
      return (await story.inside(web, 'cat /proc/net/sctp/eps')).stdout.includes(' 80 ');
    },
    patience,
  );
  return web;
}

/** The address under which the container sees who asks, and whether a message came back that is larger than a packet. */
async function answer(story: Story, from: 'host' | 'world' | Container, address: string): Promise<string> {
  const steps: readonly Step[] = [['receive'], ['send', 100_000, 3, 46], ['receive'], ['close']];
  const words = sctpClient(address, 8080, steps);
  const enter = typeof from === 'string' ? [] : ['nsenter', `--net=/run/netns/${from.namespace}`];
  const place = from === 'world' ? story.lab.world : story.lab.host;
  const told = (await place.run([...enter, ...words], patience)).trim().split('\n');
  const [name = {}, echo = {}] = told.map((line) => JSON.parse(line) as Record<string, unknown>);
  if ('error' in name) return String(name.error);
  return echo.length === 100_000 && echo.stream === 3 && echo.kind === 46 ? String(name.text) : JSON.stringify(echo);
}

const addresses = {
  world: { '203.0.113.1': '203.0.113.2', '2001:db8:f::1': '172.17.0.1' },
  host: {
    '127.0.0.1': '172.17.0.1',
    '::1': '172.17.0.1',
    '203.0.113.1': '172.17.0.1',
    '2001:db8:f::1': '172.17.0.1',
    '172.17.0.1': '172.17.0.1',
  },
  sibling: { '203.0.113.1': '172.17.0.1', '172.17.0.1': '172.17.0.1' },
} as const;

for (const backend of ['nftables', 'iptables']) {
  test(`${backend}: a published port of SCTP from everywhere, until it is published no more`, async (t) => {
    if (skipUnless(t, lacksSctp())) return;
    await withStory(t, {}, async (story) => {
      await startWeb(story, backend);
      const sibling = await story.start('--name', 'sibling', 'sleep', '1000');
      for (const [name, expected] of Object.entries(addresses)) {
        const from = name === 'sibling' ? sibling : (name as 'host' | 'world');
        const said: Record<string, string> = {};
        for (const address of Object.keys(expected)) said[address] = await answer(story, from, address);
        t.deepEqual(said, expected, `from ${name}`);
      }
      t.is(await story.run('port', 'web'), '80/sctp -> 0.0.0.0:8080\n80/sctp -> [::]:8080');
      t.is(await story.sh('cat /run/gangway/switchboard.log'), '', 'the engine did it, of whose failure would be told');
      await endsWith(story, () => story.run('unpublish', 'web', '8080:80/sctp'));
      t.is(await answer(story, 'world', '203.0.113.1'), 'ECONNREFUSED');
      await story.run('rm', '-f', 'web', 'sibling');
    });
  });
}

/** Who is led to the container when its port goes is broken off, and hears it with the next word. */
async function endsWith(story: Story, unpublish: () => Promise<unknown>): Promise<void> {
  const steps: readonly Step[] = [['receive'], ['wait'], ['send', 1], ['drain']];
  const client: Background = story.lab.world.spawn(sctpClient('203.0.113.1', 8080, steps));
  await client.waitForOutput(/waiting/, patience);
  await unpublish();
  client.stdin.write('\n');
  await client.waitForOutput(/ECONNRESET/, patience);
  await client.result;
}

test('where the kernel has no SCTP, a port of it is refused before anything changes', async (t) => {
  if (skipUnless(t, lacksSctp() === undefined ? 'this kernel has SCTP' : undefined)) return;
  await withStory(t, {}, async (story) => {
    const before = await story.state();
    const said =
      /^125 gangway: cannot publish port (0\.0\.0\.0|\[::\]):8080\/sctp: the kernel has no SCTP \(Protocol not supported\); `modprobe sctp` loads it/;
    t.regex(await refused(story, 'run -d -p 8080:80/sctp sleep 100'), said);
    t.deepEqual(await changes(before, () => story.state()), []);
    t.is(await story.run('ps', '-aq'), '');
    await story.start('--name', 'web', '-p', '8081:80', 'sleep', '100');
    t.regex(await refused(story, 'publish web 8080:80/sctp'), /the kernel has no SCTP/);
    t.is(await story.run('port', 'web'), '80/tcp -> 0.0.0.0:8081\n80/tcp -> [::]:8081');
    await story.run('rm', '-f', 'web');
  });
});
