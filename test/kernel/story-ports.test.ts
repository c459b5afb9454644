// Chapter 5 on the real kernel: who reaches a published port from where, and under which address it is seen.
//
//      web 172.17.0.2        sibling 172.17.0.3
//      tcp and udp 80             |
//           |                     |
//     +-----+-----------+---------+----------+          +-----------------------+
//     |      gangway0 172.17.0.1/16     host |---cable--| world 203.0.113.2     |
//     |                  up0 203.0.113.1/24  |          |       2001:db8:f::2   |
//     +--------------------------------------+          +-----------------------+
import test from 'ava';
import { changes, quiet } from '../support/gangway.ts';
import { answers, ask, type Origin, untilAnswering } from '../support/probe.ts';
import { type Container, type Story, withStory } from '../support/story-lab.ts';

const both = (target: string) => [`tcp ${target}`, `udp ${target}`];

async function startWeb(story: Story, ...options: readonly string[]): Promise<Container> {
  const web = await story.start('--name', 'web', ...options, ...answers(80));
  await untilAnswering(story, web, 80);
  return web;
}

/** Asks over TCP and UDP, and expects the same answer from both. */
async function answersOf(story: Story, origin: Origin, targets: readonly string[]): Promise<Record<string, string>> {
  const said = await ask(story, origin, targets.flatMap(both));
  return Object.fromEntries(
    targets.map((target, index) => {
      const [tcp, udp] = said.slice(2 * index);
      return [target, tcp === udp ? String(tcp) : `tcp ${tcp}, udp ${udp}`];
    }),
  );
}

/** The switch that sends bridged packets through the rules of a router. It is not ours to change. */
const bridgeNetfilter = 'net.bridge.bridge-nf-call-iptables';

for (const bridged of ['0', '1']) {
  test(`a published port from everywhere, with ${bridgeNetfilter}=${bridged}`, async (t) => {
    await withStory(t, {}, async (story) => {
      const missing = (await story.lab.host.exec(['sysctl', '-qw', `${bridgeNetfilter}=${bridged}`])).exitCode !== 0;
      if (missing) {
        t.pass(`this kernel has no ${bridgeNetfilter}`);
        return;
      }
      const web = await startWeb(story, '-p', '8080:80', '-p', '8080:80/udp');
      const sibling = await story.start('--name', 'sibling', 'sleep', '100');
      const rows: readonly [Origin, Record<string, string>][] = [
        ['world', { '203.0.113.1:8080': '203.0.113.2', '[2001:db8:f::1]:8080': '172.17.0.1' }],
        [
          'host',
          {
            '127.0.0.1:8080': '172.17.0.1',
            '[::1]:8080': '172.17.0.1',
            '203.0.113.1:8080': '203.0.113.1',
            '[2001:db8:f::1]:8080': '172.17.0.1',
            '172.17.0.1:8080': '172.17.0.1',
            '172.17.0.2:80': '172.17.0.1',
          },
        ],
        [sibling, { '203.0.113.1:8080': '172.17.0.1', '172.17.0.1:8080': '172.17.0.1', '172.17.0.2:80': '172.17.0.3' }],
        [web, { '203.0.113.1:8080': '172.17.0.1', '172.17.0.1:8080': '172.17.0.1' }],
      ];
      for (const [origin, expected] of rows) {
        const name = typeof origin === 'string' ? origin : origin === web ? 'itself' : 'sibling';
        t.deepEqual(await answersOf(story, origin, Object.keys(expected)), expected, `from ${name}`);
      }
      t.is(await story.sh('cat /run/gangway/switchboard.log'), '', 'the engine did it, of whose failure would be told');
      await story.lab.world.run(['ip', 'route', 'add', '172.17.0.0/16', 'via', '203.0.113.1']);
      t.deepEqual(await answersOf(story, 'world', ['172.17.0.2:80']), { '172.17.0.2:80': 'silence' });
      t.is(await story.sysctl('host', bridgeNetfilter), bridged);
    });
  });
}

test('published on 127.0.0.1 is for the machine alone', async (t) => {
  await withStory(t, {}, async (story) => {
    await startWeb(story, '-p', '127.0.0.1:8080:80', '-p', '127.0.0.1:8080:80/udp', '-p', '[::1]:8081:80');
    t.deepEqual(await answersOf(story, 'host', ['127.0.0.1:8080', '203.0.113.1:8080', '172.17.0.1:8080']), {
      '127.0.0.1:8080': '172.17.0.1',
      '203.0.113.1:8080': 'refused',
      '172.17.0.1:8080': 'refused',
    });
    t.deepEqual(await answersOf(story, 'world', ['203.0.113.1:8080', '[2001:db8:f::1]:8080']), {
      '203.0.113.1:8080': 'refused',
      '[2001:db8:f::1]:8080': 'refused',
    });
    t.deepEqual(await ask(story, 'host', ['tcp [::1]:8081', 'tcp 127.0.0.1:8081']), ['172.17.0.1', 'refused']);
    t.deepEqual(await ask(story, 'world', ['tcp [2001:db8:f::1]:8081']), ['refused']);
  });
});

test('published on one address is reached by that address', async (t) => {
  await withStory(t, {}, async (story) => {
    const six = ['-p', '[2001:db8:f::1]:8081:80', '-p', '[2001:db8:f::1]:8081:80/udp'];
    await startWeb(story, '-p', '203.0.113.1:8080:80', '-p', '203.0.113.1:8080:80/udp', ...six);
    t.deepEqual(await answersOf(story, 'world', ['203.0.113.1:8080', '[2001:db8:f::1]:8081', '203.0.113.1:8081']), {
      '203.0.113.1:8080': '203.0.113.2',
      '[2001:db8:f::1]:8081': '172.17.0.1',
      '203.0.113.1:8081': 'refused',
    });
    t.deepEqual(await answersOf(story, 'host', ['203.0.113.1:8080', '127.0.0.1:8080', '172.17.0.1:8080']), {
      '203.0.113.1:8080': '203.0.113.1',
      '127.0.0.1:8080': 'refused',
      '172.17.0.1:8080': 'refused',
    });
  });
});

test('ranges: as many as there are, or the first that is free', async (t) => {
  await withStory(t, {}, async (story) => {
    await holdPort(story, 8100);
    const words = ['--name', 'web', '-p', '8000-8002:80-82', '-p', '8100-8110:80'];
    const web = await story.start(...words, ...answers(80, 81, 82));
    await untilAnswering(story, web, 82);
    const targets = [8000, 8001, 8002, 8003, 8101].map((port) => `tcp 203.0.113.1:${port}`);
    const here = '203.0.113.2';
    t.deepEqual(await ask(story, 'world', targets), [here, here, here, 'refused', here]);
    const told = (await story.run('port', 'web')).split('\n').filter((line) => line.includes('0.0.0.0'));
    t.deepEqual(told, [
      '80/tcp -> 0.0.0.0:8000',
      '80/tcp -> 0.0.0.0:8101',
      '81/tcp -> 0.0.0.0:8001',
      '82/tcp -> 0.0.0.0:8002',
    ]);
  });
});

test('without a host port, and with -P, the next free ephemeral one, the same in both families', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.sh('sysctl -qw net.ipv4.ip_local_port_range="40000 40010" net.ipv4.ip_local_reserved_ports=40000');
    await startWeb(story, '-p', '80', '-P', '--expose', '80/udp');
    t.deepEqual((await story.run('port', 'web')).split('\n'), [
      '80/tcp -> 0.0.0.0:40001',
      '80/tcp -> [::]:40001',
      '80/udp -> 0.0.0.0:40001',
      '80/udp -> [::]:40001',
    ]);
    t.deepEqual(await answersOf(story, 'world', ['203.0.113.1:40001', '[2001:db8:f::1]:40001']), {
      '203.0.113.1:40001': '203.0.113.2',
      '[2001:db8:f::1]:40001': '172.17.0.1',
    });
    await story.start('-p', '80', 'sleep', '100');
    t.deepEqual(await ask(story, 'world', ['tcp 203.0.113.1:40002']), ['refused'], 'nobody listens in there');
  });
});

test('a port that a container has is refused with its name, and nothing has changed', async (t) => {
  await withStory(t, {}, async (story) => {
    await startWeb(story, '-p', '8080:80');
    const refused = await unchanged(story, ['-p', '9000:80', '-p', '127.0.0.1:8080:80']);
    t.deepEqual([refused.exitCode, refused.changes], [125, []]);
    t.regex(refused.stderr, /^gangway: port 127\.0\.0\.1:8080\/tcp is in use by container web; .+\n$/);
    // The other protocol is another port.
    await story.start('-p', '8080:80/udp', 'sleep', '100');
  });
});

test('a port that a program has is refused with its name and pid, and nothing has changed', async (t) => {
  await withStory(t, {}, async (story) => {
    const pid = await holdPort(story, 8080);
    const refused = await unchanged(story, ['-p', '8079:79', '-p', '8080:80']);
    t.deepEqual([refused.exitCode, refused.changes], [125, []]);
    t.regex(
      refused.stderr,
      new RegExp(`^gangway: port 0\\.0\\.0\\.0:8080/tcp is in use by socat \\(pid ${pid}\\); .+\\n$`),
    );
  });
});

test('two hundred ports of one container, one process for all of them', async (t) => {
  await withStory(t, {}, async (story) => {
    const ports = Array.from({ length: 200 }, (_, index) => 10_000 + index);
    const web = await story.start('-p', '10000-10199:10000-10199', ...answers(...ports));
    await untilAnswering(story, web, 10_199);
    const outside = await ask(
      story,
      'world',
      ports.map((port) => `tcp 203.0.113.1:${port}`),
    );
    t.deepEqual([...new Set(outside)], ['203.0.113.2']);
    const own = await ask(
      story,
      'host',
      ports.map((port) => `tcp 127.0.0.1:${port}`),
    );
    t.deepEqual([...new Set(own)], ['172.17.0.1']);
    const holders = await story.sh(`ss -Hlntp 'sport >= :10000 and sport <= :10199' | grep -o 'pid=[0-9]*' | sort -u`);
    t.is(holders.trim().split('\n').length, 1);
  });
});

test('what stops lets go of its ports at once', async (t) => {
  await withStory(t, {}, async (story) => {
    await startWeb(story, '-p', '8080:80', '-p', '8080:80/udp');
    await story.run('stop', '--time', '0', 'web');
    t.is(await story.sh(`ss -Hlntu 'sport = :8080'`), '');
    t.deepEqual(await answersOf(story, 'world', ['203.0.113.1:8080']), { '203.0.113.1:8080': 'refused' });
    const again = await story.start('-p', '8080:80', '-p', '8080:80/udp', ...answers(80));
    await untilAnswering(story, again, 80);
    t.deepEqual(await answersOf(story, 'world', ['203.0.113.1:8080']), { '203.0.113.1:8080': '203.0.113.2' });
  });
});

/** A program of the host that listens. @returns its pid */
async function holdPort(story: Story, port: number): Promise<string> {
  story.lab.host.spawn(['socat', `TCP-LISTEN:${port},fork,reuseaddr`, 'SYSTEM:true']);
  await story.lab.host.waitFor(['sh', '-c', `ss -Hlnt 'sport = :${port}' | grep -q .`]);
  return (await story.sh(`ss -Hlntp 'sport = :${port}' | grep -o 'pid=[0-9]*' | cut -d= -f2`)).trim();
}

/** A `run` that is to be refused, and what it changed all the same. */
async function unchanged(story: Story, options: readonly string[]) {
  await story.run('gc');
  const before = await quiet(() => story.lab.leftovers());
  const result = await story.exec(['run', '-d', ...options, 'sleep', '100']);
  return { ...result, changes: await changes(before, () => story.lab.leftovers()) };
}
