// Names, with dig and getent as witnesses.
//
//      world 203.0.113.2:53 ---- host ---- br-… (front) ---- web  db  …
//      answers 192.0.2.1,             \
//      and tells what it was asked     +-- br-… (vault, internal) ---- safe
import test from 'ava';
import type { Background } from '../../src/lab/background.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { missingStrace } from '../support/crash.ts';
import { program } from '../support/gangway.ts';
import { skipUnless } from '../support/skip.ts';
import { type Story, withStory } from '../support/story-lab.ts';
import { worldNames } from '../support/world-names.ts';

const sleep = ['sleep', '1000'];
/** A server that says 198.51.100.1. */
const elsewhere = worldNames.replace('c0000201', 'c6336401');

/** A story on a machine whose resolv.conf names a server of the world. */
class Names {
  constructor(
    readonly story: Story,
    readonly world: Background,
  ) {}

  /** The world's server was asked these since the last time. */
  async asked(): Promise<readonly string[]> {
    // What was asked before has arrived: it answers in order.
    await this.story.sh('dig @203.0.113.2 +short +tries=1 mark.test');
    const lines = this.world.stdout.split('\n').filter((line) => line !== '');
    return lines.slice(
      lines.findLastIndex((line, index) => line === 'A mark.test' && index < lines.length - 1) + 1,
      -1,
    );
  }

  /** dig's status and answers: `NOERROR 172.18.0.2`. */
  async dig(from: string, ...words: readonly string[]): Promise<string> {
    const { stdout, stderr } = await this.story.exec(
      ['exec', from, 'dig', '+tries=1', '+time=6', '+noall', '+comments', '+answer', ...words],
      { timeoutMilliseconds: 20_000 },
    );
    const data = stdout.split('\n').filter((line) => line !== '' && !line.startsWith(';'));
    const status = /status: (\w+)/.exec(stdout)?.[1] ?? `none ${stdout} ${stderr}`;
    return [status, ...data.map((line) => line.split(/\s+/).slice(4).join(' '))].join(' ');
  }

  run(line: string): Promise<string> {
    return this.story.run(...line.split(' '));
  }
}

function withNames(t: Parameters<typeof withStory>[0], body: (names: Names) => Promise<void>): Promise<void> {
  return withStory(t, {}, async (story) => {
    await story.resolvConf('nameserver 203.0.113.2');
    const world = story.lab.place('world').spawn([process.execPath, '-e', worldNames]);
    await waitFor('the world’s name server', () => world.stdout.includes('ready'));
    await body(new Names(story, world));
  });
}

test('containers find each other by every name that they have, and the world hears of none', async (t) => {
  await withNames(t, async (names) => {
    await names.run('network create front');
    await names.run('network create other');
    const web = await names.story.start(
      ...['--name', 'web', '--hostname', 'shop', '--network', 'front'],
      ...['--network-alias', 'www', '--network-alias', '*.apps', ...sleep],
    );
    await names.run('run -d --name db --network front sleep 1000');
    await names.run('run -d --name far --network other sleep 1000');
    for (const name of ['web', 'WEB', 'shop', 'www', 'a.apps', 'a.b.apps', web.id.slice(0, 12), 'web.front'])
      t.is(await names.dig('db', name), 'NOERROR 172.18.0.2', name);
    t.is(await names.dig('db', '+tcp', 'web'), 'NOERROR 172.18.0.2');
    t.is(await names.dig('db', 'AAAA', 'web'), 'NOERROR', 'empty, and nobody else is asked');
    for (const type of ['TXT', 'SOA', 'NS', 'DS', 'DNSKEY'])
      for (const name of ['web', 'web.front']) t.is(await names.dig('db', type, name), 'NOERROR', `${type} ${name}`);
    t.is(await names.dig('db', '-x', '172.18.0.2'), 'NOERROR web.front.');
    t.is(await names.dig('db', 'far'), 'NOERROR', 'of another network');
    t.is(await names.dig('db', 'far.front'), 'NXDOMAIN', 'not in this one');
    const [inspected] = JSON.parse(await names.run('inspect web'));
    t.deepEqual(inspected.NetworkSettings.Networks.front.DNSNames, [
      'web',
      'www',
      '*.apps',
      web.id.slice(0, 12),
      'shop',
    ]);
    t.is(await names.run('exec db getent hosts db'), '172.18.0.3      db');
    t.deepEqual(await names.asked(), ['ready']);
    t.is(await names.dig('db', 'x.test'), 'NOERROR 192.0.2.1');
    t.deepEqual(await names.asked(), ['A x.test']);
    t.is(
      await names.story.read(web, '/etc/resolv.conf').then((text) => text.split('\n').slice(0, 3).join('\n')),
      '# Names are answered by gangway, at 127.0.0.11.\nnameserver 127.0.0.11\noptions ndots:0',
    );
    // A resolver that looks at where an answer comes from, as musl's does.
    const unconnected = `
      const socket = require('dgram').createSocket('udp4');
      socket.on('message', (_, peer) => { console.log(peer.address, peer.port); socket.close(); });
      socket.send(Buffer.from('00010100000100000000000003776562000001' + '0001', 'hex'), 53, '127.0.0.11');`;
    t.is(await names.story.run('exec', 'db', process.execPath, '-e', unconnected), '127.0.0.11 53');
  });
});

test('an alias that several share is all of them; who starts, stops, connects and disconnects is known at once', async (t) => {
  await withNames(t, async (names) => {
    await names.run('network create front');
    await names.run('network create back');
    await names.run('run -d --name one --network front --network-alias all sleep 1000');
    await names.run('run -d --name two --network front --network-alias all sleep 1000');
    await names.run('run -d --name asker --network front sleep 1000');
    const all = async () => (await names.dig('asker', 'all')).split(' ').sort().join(' ');
    t.is(await all(), '172.18.0.2 172.18.0.3 NOERROR');
    await names.run('stop -t 0 one');
    t.is(await all(), '172.18.0.3 NOERROR');
    t.is(await names.dig('asker', 'one'), 'NOERROR', 'it is known, and has no address');
    await names.run('start one');
    t.regex(await names.dig('asker', 'one'), /^NOERROR 172\.18\.0\.\d+$/);
    await names.run('network disconnect front two');
    t.is(await names.dig('asker', 'two'), 'NOERROR 192.0.2.1');
    await names.run('network connect --alias second front two');
    t.regex(await names.dig('asker', 'second'), /^NOERROR 172\.18\.0\.\d+$/);
    await names.run('network connect back asker');
    await names.run('run -d --name late --network back sleep 1000');
    t.is(await names.dig('asker', 'late'), 'NOERROR 172.19.0.3');
    await names.run('rm -f late');
    t.is(await names.dig('asker', 'late'), 'NOERROR 192.0.2.1');
    await names.run('restart -t 0 asker');
    t.regex(await names.dig('asker', 'one'), /^NOERROR 172\.18\.0\.\d+$/);
  });
});

test('a server on the machine’s own loopback is asked from there, and a private user namespace is no obstacle', async (t) => {
  await withNames(t, async (names) => {
    await names.story.sh('echo "nameserver 127.0.0.53" >/run/servers');
    const server = names.story.lab.host.spawn([process.execPath, '-e', elsewhere, '127.0.0.53']);
    await waitFor('the machine’s server', () => server.stdout.includes('ready'));
    await names.run('network create --ipv6 front');
    const web = await names.story.start('--name', 'web', '--userns', 'private', '--network', 'front', ...sleep);
    t.is(await names.dig('web', 'x.test'), 'NOERROR 198.51.100.1');
    t.is(await names.dig('web', 'web'), 'NOERROR 172.18.0.2');
    const [, six] = (await names.dig('web', 'AAAA', 'web')).split(' ');
    t.true(JSON.stringify(await names.story.ip(web, '-6', 'address', 'show', 'dev', 'eth0')).includes(`"${six}"`));
    t.is(await names.dig('web', '-x', `${six}`), 'NOERROR web.front.');
  });
});

test('the very first command of a container has its names', async (t) => {
  await withNames(t, async (names) => {
    await names.run('network create my');
    await names.run('run -d --name web --network my sleep 1000');
    for (let count = 0; count < 20; count++)
      t.is(await names.run('run --rm --network my getent hosts web'), '172.18.0.2      web');
    t.regex(await names.run('run --rm --name self --network my getent hosts self'), /^172\.18\.0\.\d+ +self$/);
  });
});

test('links are the asker’s own, and one that starts again and again has its names each time', async (t) => {
  await withNames(t, async (names) => {
    await names.run('network create my');
    await names.run('run -d --name web --network my sleep 1000');
    await names.story.run(
      ...['run', '-d', '--name', 'again', '--network', 'my', '--link', 'web:store', '--restart', 'always'],
      ...['sh', '-c', 'getent hosts store; sleep 0.2'],
    );
    await waitFor('three lives', async () => (await names.run('logs again')).split('\n').length >= 3);
    t.deepEqual([...new Set((await names.run('logs again')).split('\n'))], ['172.18.0.2      store']);
    t.is(await names.dig('web', 'store'), 'NOERROR 192.0.2.1');
  });
});

test('a program that took the name server’s port while none ran is told of, and gives way when it ends', async (t) => {
  await withNames(t, async (names) => {
    const { story } = names;
    await names.run('network create my');
    const web = await story.start('--name', 'web', '--network', 'my', ...sleep);
    await story.sh('kill -9 $(pgrep -f "[_]switchboard")');
    const bind = 'require("dgram").createSocket("udp4").bind(61053, () => console.log("bound"))';
    const enter = ['nsenter', `--net=/run/netns/${web.namespace}`];
    const thief = story.lab.host.spawn([...enter, process.execPath, '-e', bind]);
    await waitFor('the port is taken', () => thief.stdout.includes('bound'));
    const { stderr } = await story.exec(['create', '--name', 'next', 'true']);
    t.regex(stderr, /warning: names of container web are not served: a program in it has port 61053/);
    await thief.kill();
    await names.run('rm next');
    t.is(await names.dig('web', 'web'), 'NOERROR 172.18.0.2');
  });
});

test('forwards no query of an internal network until it has an outbound path', async (t) => {
  await withNames(t, async (names) => {
    await names.run('network create --internal vault');
    await names.run('network create front');
    await names.run('run -d --name safe --network vault sleep 1000');
    await names.run('run -d --name box --network vault sleep 1000');
    t.is(await names.dig('box', 'safe'), 'NOERROR 172.18.0.2');
    t.is(await names.dig('box', 'secret.attacker.test'), 'SERVFAIL');
    t.deepEqual(await names.asked(), ['ready']);
    await names.run('network connect front box');
    t.is(await names.dig('box', 'x.test'), 'NOERROR 192.0.2.1');
    await names.run('network disconnect front box');
    t.is(await names.dig('box', 'y.test'), 'SERVFAIL');
    t.deepEqual(await names.asked(), ['A x.test']);
  });
});

test('the default bridge has no names, until a network of one’s own is connected', async (t) => {
  await withNames(t, async (names) => {
    await names.run('network create front');
    await names.run('run -d --name web --network front sleep 1000');
    const plain = await names.story.start('--name', 'plain', '--dns-search', 'corp.test', ...sleep);
    t.is((await names.story.inside(plain, 'nft list ruleset; ss -Hlntu')).stdout, '');
    const lines = async () =>
      (await names.story.read(plain, '/etc/resolv.conf')).split('\n').filter((line) => /^\w/.test(line));
    t.deepEqual(await lines(), ['search corp.test', 'nameserver 203.0.113.2']);
    await names.run('network connect front plain');
    t.deepEqual(await lines(), ['nameserver 127.0.0.11', 'search corp.test', 'options ndots:0']);
    t.is(await names.dig('plain', 'web'), 'NOERROR 172.18.0.2');
    t.is(await names.dig('web', 'plain'), 'NOERROR 172.18.0.3');
  });
});

test('resolves a short name with the container’s search domains, and rotates shared names', async (t) => {
  await withNames(t, async (names) => {
    await names.run('network create front');
    await names.run('run -d --name one --network front --network-alias all sleep 1000');
    await names.run('run -d --name two --network front --network-alias all sleep 1000');
    await names.run('run -d --name searcher --network front --dns-search corp.test --dns-search b.test sleep 1000');
    await names.run('run -d --name blunt --network front --dns-search . sleep 1000');
    const getent = async (from: string, name: string) =>
      (await names.story.exec(['exec', from, 'getent', 'ahostsv4', name])).stdout.split(/\s/)[0];
    t.is(await getent('searcher', 'one'), '172.18.0.2', 'a container, before any domain');
    t.deepEqual(await names.asked(), ['ready']);
    t.is(await getent('searcher', 'printer'), '192.0.2.1');
    t.true((await names.asked()).includes('A printer'), 'ndots:0: as it stands first');
    t.notRegex(await names.story.run('exec', 'blunt', 'cat', '/etc/resolv.conf'), /^search/m);
    const twenty = 'for n in $(seq 20); do dig +short all | xargs; done';
    const orders = new Set((await names.story.run('exec', 'searcher', 'sh', '-c', twenty)).split('\n'));
    t.deepEqual([...orders].sort(), ['172.18.0.2 172.18.0.3', '172.18.0.3 172.18.0.2']);
  });
});

test('a container may be a name server itself, for everybody', async (t) => {
  await withNames(t, async (names) => {
    await names.run('network create front');
    await names.story.run(
      ...['run', '-d', '--name', 'dns', '--network', 'front', process.execPath],
      ...['-e', elsewhere],
    );
    await names.run('run -d --name web --network front sleep 1000');
    await waitFor('the container’s server', async () => (await names.run('logs dns')).includes('ready'));
    t.is(await names.dig('web', '@172.18.0.2', 'x.test'), 'NOERROR 198.51.100.1');
    t.is(await names.dig('dns', '@127.0.0.1', 'x.test'), 'NOERROR 198.51.100.1');
    t.is(await names.dig('dns', 'web'), 'NOERROR 172.18.0.3', 'and still has its own');
  });
});

test('--dns is asked from the container, and gangway says who answers and why', async (t) => {
  await withNames(t, async (names) => {
    await names.run('network create --internal vault');
    await names.run('network create front');
    await names.story.run(
      ...['run', '-d', '--name', 'dns', '--network', 'vault', process.execPath],
      ...['-e', elsewhere],
    );
    await waitFor('the container’s server', async () => (await names.run('logs dns')).includes('ready'));
    await names.run('run -d --name box --network vault --dns 172.18.0.2 --dns-option ndots:1 sleep 1000');
    t.is(await names.dig('box', 'x.test'), 'NOERROR 198.51.100.1');
    t.is(await names.dig('box', 'single'), 'NOERROR', 'with ndots set, a single label is not asked outside');
    t.is(
      await names.run('dns query --from box dns'),
      'dns 5 IN A 172.18.0.2\ngangway answers: dns is a name in network vault',
    );
    t.is(
      await names.run('dns query --from box 172.18.0.2'),
      '2.0.18.172.in-addr.arpa 5 IN PTR dns.vault\ngangway answers: 2.0.18.172.in-addr.arpa is the address of a container in network vault',
    );
    const asked = JSON.parse(await names.run('dns query --from box --format json x.test'));
    t.like(asked, { Name: 'x.test', Type: 'A', Status: 'NOERROR', By: 'upstream' });
    t.regex(asked.Why, /172\.18\.0\.2 \(reached from the container\)/);
    await names.run('run -d --name plain sleep 1000');
    const { exitCode, stderr } = await names.story.exec(['dns', 'query', '--from', 'plain', 'x.test']);
    t.is(exitCode, 1);
    t.regex(stderr, /container plain has no name server/);
  });
});

test('a switchboard that was killed is there again after the next command, and at the end nothing is left', async (t) => {
  await withNames(t, async (names) => {
    const { story } = names;
    const switchboard = () => story.sh('pgrep -f "gangway.js .*[_]switchboard" || true');
    await names.run('network create front');
    const before = await story.state();
    await names.run('run -d --name web --network front sleep 1000');
    await names.run('run -d --name db --network front sleep 1000');
    const pid = await switchboard();
    t.regex(pid, /^\d+$/, 'one for all');
    await story.sh(`kill -9 ${pid}`);
    t.regex(await names.dig('db', 'web'), /^none/);
    await names.run('run -d --name more --network front sleep 1000');
    for (const name of ['web', 'db', 'more']) t.is(await names.dig(name, 'web'), 'NOERROR 172.18.0.2');
    await story.sh(`kill -9 ${await switchboard()}`);
    await names.run('rm -f more');
    t.is(await names.dig('db', 'web'), 'NOERROR 172.18.0.2');
    await names.run('rm -f web');
    await names.run('rm -f db');
    await waitFor('the switchboard ends with the last name', async () => (await switchboard()) === '');
    await story.settlesAt(t, before);
  });
});

test('a client that is killed before its record is written takes the name with it, and afterwards leaves it', async (t) => {
  if (skipUnless(t, await missingStrace())) return;
  await withNames(t, async (names) => {
    await names.run('network create front');
    await names.run('run -d --name web --network front sleep 1000');
    const before = await names.story.state();
    const crash = (rename: number) =>
      names.story.lab.host.exec([
        ...['strace', '-qq', '-o', '/dev/null', '-e', `inject=rename:signal=KILL:when=${rename}`, ...program],
        ...['run', '-d', '--name', 'victim', '--network', 'front', 'sleep', '1000'],
      ]);
    // The first one tells who the processes are, the second one is the record.
    await crash(2);
    t.is(await names.dig('web', 'victim'), 'NOERROR 192.0.2.1', 'nobody of this name');
    await names.run('ps');
    t.regex((await names.story.exec(['run', '--rm', 'true'])).stderr, /rolled back an interrupted "run victim"/);
    await names.run('gc');
    await crash(3);
    t.regex(await names.dig('web', 'victim'), /^NOERROR 172\.18\.0\.\d+$/, 'its record is there');
    await names.run('rm -f victim');
    await names.run('gc');
    await names.story.settlesAt(t, before);
  });
});
