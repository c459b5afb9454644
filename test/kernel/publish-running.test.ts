// Publishing on containers that are there already: what `run -p` does, before, while and after others are served.
//
//      web 172.17.0.2        sibling 172.17.0.3
//      tcp and udp 80             |
//           |                     |
//     +-----+-----------+---------+----------+          +-----------------------+
//     |      gangway0 172.17.0.1/16     host |---cable--| world 203.0.113.2     |
//     |                  up0 203.0.113.1/24  |          |       2001:db8:f::2   |
//     +--------------------------------------+          +-----------------------+
import test from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { missingStrace } from '../support/crash.ts';
import { changes, program } from '../support/gangway.ts';
import { answers, ask, untilAnswering } from '../support/probe.ts';
import { skipUnless } from '../support/skip.ts';
import { type Container, type Story, withStory } from '../support/story-lab.ts';

const everywhere = (protocol: string, port: number) =>
  ['203.0.113.1', '[2001:db8:f::1]'].map((address) => `${protocol} ${address}:${port}`);

async function startWeb(story: Story, ...options: readonly string[]): Promise<Container> {
  const web = await story.start('--name', 'web', ...options, ...answers(80, 81));
  await untilAnswering(story, web, 81);
  return web;
}

test('published while it runs: from outside, from here, from a sibling, in both families; and taken back', async (t) => {
  await withStory(t, {}, async (story) => {
    const web = await startWeb(story, '-p', '8081:81');
    const sibling = await story.start('--name', 'sibling', 'sleep', '100');
    t.deepEqual(await ask(story, 'world', everywhere('tcp', 8080)), ['refused', 'refused']);

    t.is(
      await story.run('publish', 'web', '-p', '8080:80', '8080:80/udp'),
      '80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080\n80/udp -> 0.0.0.0:8080\n80/udp -> [::]:8080',
    );
    const [outside, here] = ['203.0.113.2', '172.17.0.1'];
    t.deepEqual(await ask(story, 'world', everywhere('tcp', 8080)), [outside, here]);
    t.deepEqual(await ask(story, 'world', everywhere('udp', 8080)), [outside, here]);
    t.deepEqual(await ask(story, 'host', ['tcp 127.0.0.1:8080', 'udp 127.0.0.1:8080', 'tcp [::1]:8080']), [
      here,
      here,
      here,
    ]);
    t.deepEqual(await ask(story, sibling, ['tcp 203.0.113.1:8080']), [here]);
    t.regex(await story.run('ps'), /0\.0\.0\.0:8080->80\/tcp/);
    t.is((await story.run('port', 'web')).split('\n').length, 6);
    const ports = JSON.parse(await story.run('inspect', 'web'))[0].NetworkSettings.Ports;
    t.deepEqual(ports['80/udp'], [
      { HostIp: '0.0.0.0', HostPort: '8080' },
      { HostIp: '::', HostPort: '8080' },
    ]);

    await story.run('restart', '-t', '0', 'web');
    await untilAnswering(story, web, 81);
    t.deepEqual(await ask(story, 'world', [...everywhere('tcp', 8080), 'tcp 203.0.113.1:8081']), [
      outside,
      here,
      outside,
    ]);

    t.is(await story.run('unpublish', 'web', '80', '80/udp'), '');
    t.deepEqual(await ask(story, 'world', everywhere('tcp', 8080)), ['refused', 'refused']);
    t.deepEqual(await ask(story, 'host', ['tcp 127.0.0.1:8080', 'udp 127.0.0.1:8080']), ['refused', 'refused']);
    t.deepEqual(await ask(story, 'world', everywhere('tcp', 8081)), [outside, here]);
    t.is(await story.run('port', 'web'), '81/tcp -> 0.0.0.0:8081\n81/tcp -> [::]:8081');
    t.is(await story.sh(`nft list table inet gangway | grep 8080 || :; ss -Hlntu 'sport = :8080'`), '');
  });
});

test('a port that somebody has is refused by name, and nothing of the others is published', async (t) => {
  await withStory(t, {}, async (story) => {
    await startWeb(story, '-p', '8081:81');
    story.lab.host.spawn(['socat', 'TCP-LISTEN:8080,fork,reuseaddr', 'SYSTEM:true']);
    await story.lab.host.waitFor(['sh', '-c', `ss -Hlnt 'sport = :8080' | grep -q .`]);
    const pid = (await story.sh(`ss -Hlntp 'sport = :8080' | grep -o 'pid=[0-9]*' | cut -d= -f2`)).trim();
    const before = await story.lab.leftovers();
    const program = await story.exec(['publish', 'web', '8079:80', '8080:80']);
    t.is(program.exitCode, 1);
    t.true(
      program.stderr.startsWith(`gangway: port 0.0.0.0:8080/tcp is in use by socat (pid ${pid}); `),
      program.stderr,
    );
    const own = await story.exec(['publish', 'web', '8079:80', '8081:81']);
    t.true(own.stderr.startsWith('gangway: port 0.0.0.0:8081/tcp is in use by container web; '), own.stderr);
    const unknown = await story.exec(['unpublish', 'web', '81', '8080:80']);
    t.is(unknown.exitCode, 1);
    t.is(
      unknown.stderr,
      'gangway: container web does not publish 8080:80/tcp; it publishes 81/tcp -> 0.0.0.0:8081, 81/tcp -> [::]:8081\n',
    );
    t.deepEqual(await changes(before, () => story.lab.leftovers()), []);
    t.deepEqual(await ask(story, 'world', ['tcp 203.0.113.1:8079', 'tcp 203.0.113.1:8081']), [
      'refused',
      '203.0.113.2',
    ]);
  });
});

test('one that does not run publishes when it starts; without a way out there is only the record', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.run('create', '--name', 'web', '-p', '8081:81', ...answers(80, 81));
    t.is(await story.run('publish', 'web', '8080:80'), '');
    const twice = await story.exec(['publish', 'web', '0.0.0.0:8080:81']);
    t.regex(twice.stderr, /^gangway: 8080:80\/tcp and 0\.0\.0\.0:8080:81\/tcp publish the same port of the host; /);
    await story.run('unpublish', 'web', '8081:81');
    await story.run('start', 'web');
    t.is(await story.run('port', 'web'), '80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080');

    await story.run('network', 'create', '--internal', 'inside');
    await story.run('run', '-d', '--name', 'shut', '--network', 'inside', 'sleep', '100');
    const shut = await story.exec(['publish', 'shut', '9000:80']);
    t.deepEqual([shut.exitCode, shut.stdout], [0, '']);
    t.regex(shut.stderr, /^gangway: warning: container shut has no way out: /);
    t.is(await story.sh(`ss -Hlntu 'sport = :9000'`), '');
    await story.run('unpublish', 'shut', '9000:80');
  });
});

test('who has no network of its own is told whose it is', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.start('--name', 'web', 'sleep', '100');
    await story.start('--name', 'joined', '--network', 'container:web', 'sleep', '100');
    await story.start('--name', 'free', '--network', 'host', 'sleep', '100');
    await story.start('--name', 'none', '--network', 'none', 'sleep', '100');
    const said = async (name: string) => (await story.exec(['publish', name, '8080:80'])).stderr;
    t.is(
      await said('joined'),
      'gangway: container joined lives in the stack of container web; publish or unpublish ports of web\n',
    );
    t.regex(await said('free'), /^gangway: container free lives in the machine’s own network; /);
    t.regex(await said('none'), /^gangway: container none has no network: nobody can come in by a port; /);
  });
});

test('the ports go with the way out, in networks of one’s own', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.run('network', 'create', '--subnet', '10.7.0.0/24', 'front');
    await story.run('network', 'create', '--subnet', '10.8.0.0/24', 'back');
    const web = await story.start('--name', 'web', '--network', 'back', ...answers(80));
    await untilAnswering(story, web, 80);
    await story.run('network', 'connect', '--gw-priority', '5', 'front', 'web');
    await story.run('publish', 'web', '8080-8081:80');
    t.regex(
      await story.sh('nft list map inet gangway ports4'),
      /tcp \. 8080 counter \S+ \d+ \S+ \d+ : 10\.7\.0\.2 \. 80/,
    );
    t.deepEqual(await ask(story, 'world', ['tcp 203.0.113.1:8080']), ['203.0.113.2']);
    await story.run('network', 'disconnect', 'front', 'web');
    t.deepEqual(await ask(story, 'world', ['tcp 203.0.113.1:8080']), ['203.0.113.2']);
    await story.run('network', 'disconnect', 'back', 'web');
    t.is(await story.sh(`ss -Hlntu 'sport = :8080'`), '');
  });
});

test('the ports come with the way out: back with the network, or first with the one that brings it', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.run('network', 'create', '--subnet', '10.7.0.0/24', 'front');
    await story.run('network', 'create', '--internal', '--subnet', '10.8.0.0/24', 'back');
    const web = await story.start(
      '--name',
      'web',
      '--network',
      'back',
      '-p',
      '8080:80',
      '-p',
      '8080:80/udp',
      ...answers(80),
    );
    await untilAnswering(story, web, 80);
    t.is(await story.run('port', 'web'), '');
    const asked = ['tcp 203.0.113.1:8080', 'udp 203.0.113.1:8080'];
    for (let round = 0; round < 2; round++) {
      await story.run('network', 'connect', 'front', 'web');
      t.is((await story.run('port', 'web')).split('\n').length, 4);
      t.deepEqual(await ask(story, 'world', asked), ['203.0.113.2', '203.0.113.2']);
      t.deepEqual(await ask(story, 'host', ['tcp 127.0.0.1:8080']), ['10.7.0.1']);
      await story.run('network', 'disconnect', 'front', 'web');
      t.is(await story.sh(`ss -Hlntu 'sport = :8080'`), '');
    }
    // Whoever has it meanwhile is named, and nothing of the network is there.
    const thief = story.lab.place('host').spawn(['socat', 'TCP-LISTEN:8080,reuseaddr', '-']);
    await waitFor('somebody has the port', async () => (await story.sh("ss -Hlnt 'sport = :8080'")) !== '');
    const refused = await story.exec(['network', 'connect', 'front', 'web']);
    t.deepEqual([refused.exitCode, refused.stdout], [1, '']);
    t.regex(refused.stderr, /^gangway: port 0\.0\.0\.0:8080\/tcp is in use by socat/);
    t.is((await story.ip(web, 'link')).length, 2);
    await thief.kill();
    await story.run('unpublish', 'web', '8080:80/udp');
    await story.run('network', 'connect', 'front', 'web');
    t.is((await story.run('port', 'web')).split('\n').length, 2);
  });
});

test('on the wire there is nothing to publish, and that is said', async (t) => {
  await withStory(t, {}, async (story) => {
    await story.run(
      'network',
      'create',
      '-d',
      'macvlan',
      '-o',
      'parent=up0',
      '--subnet',
      '203.0.113.0/24',
      '--gateway',
      '203.0.113.2',
      'wire',
    );
    const { exitCode, stderr } = await story.exec([
      'run',
      '-d',
      '--name',
      'web',
      '--network',
      'wire',
      '-p',
      '8080:80',
      'sleep',
      '100',
    ]);
    t.is(exitCode, 0);
    t.regex(stderr, /^gangway: warning: ports of container web are not published: its way out /);
    t.is(await story.run('port', 'web'), '');
    t.is(await story.sh(`ss -Hlntu 'sport = :8080'`), '');
    t.notRegex(await story.sh('nft list map inet gangway ports4 2>&1 || true'), /8080/);
  });
});

test('in a routed network ports are opened, and none of the machine is taken', async (t) => {
  await withStory(t, {}, async (story) => {
    const routed = 'com.docker.network.bridge.gateway_mode_ipv4=routed';
    await story.run('network', 'create', '--subnet', '10.7.0.0/24', '-o', routed, 'open');
    await story.start('--name', 'one', '--network', 'open', '-p', '8080:80', 'sleep', '100');
    await story.start('--name', 'two', '--network', 'open', '-p', '8080:80', 'sleep', '100');
    const web = await story.start('--name', 'web', '-p', '8080:80', ...answers(80));
    await untilAnswering(story, web, 80);
    t.deepEqual(await ask(story, 'world', ['tcp 203.0.113.1:8080']), ['203.0.113.2']);
    t.is(await story.run('port', 'one'), '');
    const columns = await story.run('ps', '--format', '{{.Names}} {{.Ports}}');
    t.regex(columns, /^two 80\/tcp$/m);
    t.regex(columns, /^web 0\.0\.0\.0:8080->80\/tcp/m);
  });
});

test('one port that cannot be had again does not cost the others', async (t) => {
  await withStory(t, {}, async (story) => {
    const web = await startWeb(story, '-p', '8080:80');
    await story.sh('kill -9 $(pgrep -f "[_]switchboard")');
    await waitFor('the port is free', async () => (await story.sh("ss -Hlnt 'sport = :8080'")) === '');
    const thief = story.lab.place('host').spawn(['socat', 'TCP-LISTEN:8080,reuseaddr', '-']);
    await waitFor('somebody has the port', async () => (await story.sh("ss -Hlnt 'sport = :8080'")) !== '');
    t.regex((await story.exec(['publish', 'web', '9000:80'])).stderr, /8080\/tcp/);
    await untilAnswering(story, web, 80);
    t.deepEqual(await ask(story, 'host', ['tcp 127.0.0.1:9000']), ['172.17.0.1']);
    t.is((await story.exec(['network', 'create', 'other'])).exitCode, 0);
    t.deepEqual(await ask(story, 'host', ['tcp 127.0.0.1:9000']), ['172.17.0.1'], 'after another command as well');
    await thief.kill();
  });
});

test('what is published already is not published again', async (t) => {
  await withStory(t, {}, async (story) => {
    await startWeb(story, '-p', '8080:80');
    const again = await story.exec(['publish', 'web', '8080:80']);
    t.is(again.exitCode, 1);
    t.regex(again.stderr, /^gangway: port 0\.0\.0\.0:8080\/tcp is in use by container web; /);
    await story.run('restart', '-t', '0', 'web');
    t.is(await story.run('port', 'web'), '80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080');
  });
});

test('two at once want the same port: one gets it, the other is told who has it', async (t) => {
  await withStory(t, {}, async (story) => {
    await Promise.all(['ann', 'bob'].map((name) => story.start('--name', name, 'sleep', '100')));
    const results = await Promise.all(['ann', 'bob'].map((name) => story.exec(['publish', name, '8080:80'])));
    t.deepEqual(results.map(({ exitCode }) => exitCode).sort(), [0, 1]);
    const [winner, loser] = results[0]?.exitCode === 0 ? ['ann', 'bob'] : ['bob', 'ann'];
    const refused = results.find(({ exitCode }) => exitCode === 1);
    t.regex(
      refused?.stderr ?? '',
      new RegExp(`^gangway: port 0\\.0\\.0\\.0:8080/tcp is in use by container ${winner}; `),
    );
    t.is(await story.run('port', loser), '');
    t.is((await story.run('port', winner)).split('\n').length, 2);
  });
});

/** Sends its name every 20 ms from port 4000, and says who answers. One flow, as long as it lives. */
const asking = `
const socket = require('node:dgram').createSocket('udp4');
socket.on('message', (data) => process.stdout.write(data + '\\n'));
socket.on('error', () => {});
socket.bind(4000, () => setInterval(() => socket.send('?', 5353, '203.0.113.1'), 20));
`;

const telling = (name: string) =>
  `const s = require('node:dgram').createSocket('udp4'); s.on('message', (_, { port, address }) => s.send('${name} sees ' + address, port, address)); s.bind(53)`;

test('sends a continuous UDP client to the port’s new target', async (t) => {
  await withStory(t, {}, async (story) => {
    for (const name of ['ann', 'bob']) await story.start('--name', name, process.execPath, '-e', telling(name));
    const client = story.lab.world.spawn([process.execPath, '-e', asking]);
    const toldSince = (length: number) => client.stdout.slice(length);
    // Nobody is there yet, and the machine remembers that.
    await story.lab.host.waitFor(['grep', '-q', 'dport=5353', '/proc/net/nf_conntrack']);
    await story.run('publish', 'ann', '5353:53/udp');
    await client.waitForOutput(/ann/);
    t.notRegex(client.stdout, /172\.17\.0\.1/, 'the kernel leads, and not the switchboard');
    await story.run('unpublish', 'ann', '53/udp');
    await story.run('publish', 'bob', '5353:53/udp');
    const moved = client.stdout.length;
    await waitFor('bob answers', () => /bob/.test(toldSince(moved)));
    await story.run('rm', '-f', 'bob');
    await story.run('publish', 'ann', '5353:53/udp');
    const back = client.stdout.length;
    await waitFor('ann answers', () => /ann sees 203/.test(toldSince(back)));
  });
});

for (const [how, words] of [
  ['it is taken back', ['unpublish', 'web', '80']],
  [
    'the way out is another one, through which nothing is carried',
    ['network', 'connect', '--gw-priority=1', 'open', 'web'],
  ],
  ['the way out goes', ['network', 'disconnect', 'bridge', 'web']],
] as const) {
  test(`a port is closed before the rules go that say who may not ask it: ${how}`, async (t) => {
    await withStory(t, {}, async (story) => {
      await story.run('network', 'create', '-o', 'com.docker.network.bridge.gateway_mode_ipv4=routed', 'open');
      await startWeb(story, '-p', '0.0.0.0:8080:80');
      const elements = `nft list table inet gangway | grep -c '[ .]8080\\b' || :`;
      const before = await story.sh(elements);
      t.true(Number(before) > 0);
      t.deepEqual(await ask(story, 'host', ['tcp 127.0.0.1:8080']), ['172.17.0.1']);
      const switchboard = await story.sh('pgrep -f "[_]switchboard"');
      await story.sh(`kill -STOP ${switchboard}`);
      const change = story.exec(words);
      await waitFor('somebody waits for the switchboard', async () =>
        /^u_str\s+LISTEN\s+[1-9]/m.test(await story.sh('ss -Hxl src /run/gangway/switchboard.sock')),
      );
      t.is(await story.sh(elements), before);
      await story.sh(`kill -CONT ${switchboard}`);
      t.is((await change).exitCode, 0);
      t.is(await story.sh(elements), '0');
      t.deepEqual(await ask(story, 'host', ['tcp 127.0.0.1:8080']), ['refused']);
    });
  });
}

test('who is killed between the closed port and the rules has closed nothing', async (t) => {
  await withStory(t, {}, async (story) => {
    await startWeb(story, '-p', '8080:80', '-p', '8081:81');
    const library = `${process.cwd()}/dist/index.js`;
    const unpublish = [process.execPath, '--input-type=module', '-e', unpublishHalf, library];
    const killed = await story.lab.host.exec(unpublish, { timeoutMilliseconds: 60_000 });
    t.is(killed.exitCode, 137, killed.stderr);
    await waitFor(
      'it is open again',
      async () => (await ask(story, 'host', ['tcp 127.0.0.1:8080']))[0] === '172.17.0.1',
    );
    t.is((await story.run('port', 'web')).split('\n').length, 4);
  });
});

test('who is killed between the rules and the record has closed it for the very next command', async (t) => {
  if (skipUnless(t, await missingStrace())) return;
  await withStory(t, {}, async (story) => {
    const { id } = await startWeb(story, '-p', '8080:80', '-p', '8081:81');
    const record = `/var/lib/gangway/containers/${id}.json.new`;
    const killing = ['strace', '-qq', '-o', '/dev/null', '-P', record, '-e', 'inject=rename:signal=KILL'];
    const killed = await story.lab.host.exec([...killing, ...program, 'unpublish', 'web', '80']);
    t.is(killed.exitCode, 137, killed.stderr);
    const listening = () => story.sh("ss -Hlnt 'sport = :8080'");
    await waitFor('the switchboard has opened it again: the records say so', async () => (await listening()) !== '');
    t.is(await story.sh(`nft list table inet gangway | grep -c '[ .]8080\\b' || :`), '0', 'without rules');
    const next = await story.exec(['run', '-d', '-p', '8080:80', 'sleep', '1000']);
    t.is(next.exitCode, 0, next.stderr);
    t.regex(next.stderr, /completed an interrupted "unpublish 80\/tcp of web"/);
  });
});

/** Dies when the plan is told, which is when the port has been closed. */
const unpublishHalf = `
const { createEngine, parsePublish } = await import(process.argv[1]);
const onPlan = ({ subject }) => { if (subject.startsWith('unpublish')) process.kill(process.pid, 'SIGKILL'); };
await createEngine({ onPlan }).unpublish('web', [parsePublish('8080:80')]);
`;
