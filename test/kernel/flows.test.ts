// What connection tracking knows of a published port, when that is taken away or leads elsewhere: exactly that is cut.
//
//      one 172.17.0.2        two 172.17.0.3
//      tcp and udp 7         tcp and udp 7
//           |                     |
//     +-----+-----------+---------+-----------+          +-------------------------+
//     |      gangway0 172.17.0.1/16      host |---cable--| world 203.0.113.2       |
//     |        up0 203.0.113.1, 203.0.113.9   |          | third 203.0.113.3: 7007 |
//     +---------------------------------------+          +-------------------------+
import test, { type ExecutionContext } from 'ava';
import type { Background } from '../../src/lab/background.ts';
import type { Place } from '../../src/lab/namespace-runner.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { untilAnswering } from '../support/probe.ts';
import { type Container, type Story, withStory } from '../support/story-lab.ts';

/** On TCP and UDP, says each line back, and its own name with it. */
const echo = (name: string) => [
  process.execPath,
  '-e',
  `const say = (data) => String(data).trim().split('\\n').map((line) => process.argv[1] + ' ' + line + '\\n').join('');
   require('node:net').createServer((c) => c.on('error', () => {}).on('data', (d) => c.write(say(d)))).listen(7);
   for (const type of ['udp4', 'udp6']) {
     const s = require('node:dgram').createSocket({ type, ipv6Only: type === 'udp6' });
     s.on('error', () => {}).on('message', (d, p) => s.send(say(d), p.port, p.address)).bind(7);
   }`,
  name,
];

/** Repeats a word each 100 ms on one connection, or from one port, and prints the answers; how it ends is its last word. */
const talk = `
const [protocol, host, port] = process.argv.slice(1);
const end = (word) => { console.log(word); process.exit(); };
if (protocol === 'tcp') {
  const c = require('node:net').connect(Number(port), host);
  c.on('data', (d) => console.log(String(d).trim())).on('error', (e) => end(e.code)).on('end', () => end('END'));
  setInterval(() => c.write('x\\n'), 100);
} else {
  const s = require('node:dgram').createSocket(host.includes(':') ? 'udp6' : 'udp4');
  s.on('message', (d) => console.log(String(d).trim())).on('error', (e) => console.log(e.code));
  s.connect(Number(port), host, () => setInterval(() => s.send('x', () => {}), 100));
}`;

function speak(place: Place, protocol: string, host: string, port: number, enter: readonly string[] = []): Background {
  return place.spawn([...enter, process.execPath, '-e', talk, protocol, host, String(port)]);
}

const last = (talking: Background) => talking.stdout.trim().split('\n').at(-1);

/** Each goes on: there are more answers than there were. */
async function goOn(t: ExecutionContext, all: Readonly<Record<string, Background>>, when: string): Promise<void> {
  for (const [name, talking] of Object.entries(all)) {
    const before = talking.stdout.length;
    await waitFor(`${when}: ${name} goes on`, () => talking.stdout.length > before);
    t.regex(last(talking) ?? '', / x$/, `${when}: ${name}`);
  }
}

/**
 * Whose packets are answered by RST is reset; whose socket the kernel has ended itself, because it was led, is aborted. Where
 * it lies behind an answer that is still unread, Node tells either as the end: uv__stream_io in libuv's src/unix/stream.c
 * doesn't read on after POLLHUP.
 */
const isCut = (talking: Background) =>
  waitFor(`${talking.argv.slice(-3)} is cut`, () => /^(ECONN(RESET|ABORTED)|END)$/.test(last(talking) ?? '')).catch(
    (error) => {
      throw new Error(`${error.message}: ${talking.stdout.slice(-80)} | ${talking.stderr}`);
    },
  );

async function start(story: Story, name: string, ...ports: readonly string[]): Promise<Container> {
  const container = await story.start('--name', name, ...ports.flatMap((port) => ['-p', port]), ...echo(name));
  await untilAnswering(story, container, 7);
  return container;
}

const own = '203.0.113.1';

for (const backend of ['nftables', 'iptables'] as const)
  test(`${backend}: what came in by a port that is taken away is cut, TCP and UDP, and nothing else`, (t) =>
    withStory(t, { outside: ['world', 'third'] }, async (story) => {
      const { world, host } = story.lab;
      await host.run(['ip', 'address', 'add', '203.0.113.9/24', 'dev', 'up0']);
      await story.run(
        `--firewall-backend=${backend}`,
        'network',
        'create',
        '--ipv6',
        '--subnet',
        '172.30.0.0/24',
        'net',
      );
      const net = ['--network', 'net'];
      const one = await story.start(
        '--name',
        'one',
        ...net,
        ...['7007:7', '7007:7/udp', '7008:7', '203.0.113.9:7009:7', '203.0.113.1:7009:7'].flatMap((port) => [
          '-p',
          port,
        ]),
        ...echo('one'),
      );
      await untilAnswering(story, one, 7);
      const third = story.lab.place('third');
      third.spawn(echo('third'));
      await third.waitFor(['sh', '-c', "ss -Hlnt 'sport = :7' | grep -q ."]);
      const direct = { v4: '172.30.0.2' };
      const survivors = {
        'another port': speak(world, 'tcp', own, 7008),
        'the same port of another address': speak(world, 'tcp', '203.0.113.9', 7009),
        'a way out of the container': speak(host, 'tcp', '203.0.113.3', 7, [
          'nsenter',
          `--net=/run/netns/${one.namespace}`,
        ]),
        'who asks the container itself': speak(host, 'tcp', direct.v4, 7),
      };
      const cut = { IPv4: speak(world, 'tcp', own, 7007), IPv6: speak(world, 'tcp', '2001:db8:f::1', 7007) };
      const onAddress = speak(world, 'tcp', own, 7009);
      const datagrams = speak(world, 'udp', own, 7007);
      await goOn(t, { ...survivors, ...cut, onAddress, datagrams }, 'at first');

      await story.run('unpublish', 'one', '7007:7', '7007:7/udp', '203.0.113.1:7009:7');
      await Promise.all([...Object.values(cut), onAddress].map(isCut));
      await waitFor('datagrams are refused', () => last(datagrams) === 'ECONNREFUSED');
      await goOn(t, survivors, 'after unpublish');

      await story.run('publish', 'one', '7007:7', '7007:7/udp');
      await waitFor('the same socket is led again', () => last(datagrams) === 'one x');
      const again = speak(world, 'tcp', own, 7007);
      const here = speak(host, 'tcp', '127.0.0.1', 7007);
      await goOn(t, { again, here }, 'again');
      await story.run('unpublish', 'one', '7007:7', '7007:7/udp');
      await Promise.all([again, here].map(isCut));
      const two = await story.start('--name', 'two', ...net, '-p', '7007:7', '-p', '7007:7/udp', ...echo('two'));
      await untilAnswering(story, two, 7);
      await waitFor('who sends datagrams has moved along', () => last(datagrams) === 'two x');
      await goOn(t, survivors, 'after the move');
      for (const talking of [...Object.values(survivors), datagrams]) await talking.kill();
    }));

test('a container that ends, is disconnected, or is found dead, takes its connections along', (t) =>
  withStory(t, {}, async (story) => {
    const { world } = story.lab;
    await story.run('network', 'create', 'other');
    await start(story, 'stays', '7000:7');
    const stays = speak(world, 'tcp', own, 7000);
    const ends: readonly (readonly [string, (name: string) => Promise<unknown>])[] = [
      ['removed', (name) => story.run('rm', '-f', name)],
      ['stopped', (name) => story.run('stop', '-t', '0', name)],
      ['disconnected', (name) => story.run('network', 'disconnect', 'bridge', name)],
      [
        'dead',
        async (name) => {
          const state = JSON.parse(await story.run('inspect', name))[0].State;
          await story.sh('kill -KILL $(pgrep conmon -f -- "$1") "$2" || :', `${name}`, String(state.Pid));
          await story.run('gc');
        },
      ],
    ];
    for (const [index, [name, end]] of ends.entries()) {
      await start(story, name, `${7001 + index}:7`);
      const talking = speak(world, 'tcp', own, 7001 + index);
      await goOn(t, { [name]: talking, stays }, name);
      const tracked = () => story.sh('grep -c "dport=$1 " /proc/net/nf_conntrack || :', String(7001 + index));
      t.is(await tracked(), '1', `${name}: control`);
      await end(name);
      await waitFor(`${name}: the client hears of it`, () => /^(ECONNRESET|END)$/.test(last(talking) ?? ''));
      t.is(await tracked(), '0', name);
      await goOn(t, { stays }, `${name}: the others`);
    }
    await stays.kill();
  }));

/**
 * Answers whoever asks it at 9 from there ever after, two hundred times a second: often enough for one of them to come while
 * the container's plug has gone already and the kernel still knows the flow. It waits for ARP then, for whoever answers.
 */
const insistent = `
const s = require('node:dgram').createSocket('udp4');
const send = (port, address) => s.send('still', port, address, () => console.log('sent'));
s.on('message', (_, { port, address }) => setInterval(send, 5, port, address)).bind(9, '203.0.113.2');
`;

/** Asks `insistent` from port 11211, and prints what comes there. */
const asking = `
const s = require('node:dgram').createSocket('udp4');
s.on('message', (d) => console.log(String(d))).bind(11211, () => process.argv[1] && s.send('x', 9, process.argv[1]));
`;

test('sends no packets of an old container to a new container with its address', (t) =>
  withStory(t, {}, async (story) => {
    const { world } = story.lab;
    const talking = world.spawn([process.execPath, '-e', insistent]);
    await world.waitFor(['sh', '-c', "ss -Hlnu 'sport = :9' | grep -q ."]);
    await story.run('network', 'create', '--subnet', '172.30.0.0/24', 'net');
    const at = ['--network', 'net', '--ip', '172.30.0.9'];
    const run = (name: string, ...words: string[]) =>
      story.start('--name', name, ...at, process.execPath, '-e', asking, ...words);
    const ends: readonly (readonly string[])[] = [
      ['rm', '-f'],
      ['network', 'disconnect', 'net'],
    ];
    for (const [index, end] of ends.entries()) {
      const before = `before${index}`;
      const next = `next${index}`;
      await run(before, '203.0.113.2');
      await waitFor('control: it is answered', async () => (await story.run('logs', before)).includes('still'));
      await story.run('exec', before, 'ping', '-c', '1', '203.0.113.2');
      const tracked = () =>
        story.sh('grep -c -e "src=172.30.0.9 .*icmp" -e "icmp.* src=172.30.0.9 " /proc/net/nf_conntrack || :');
      t.is(await tracked(), '1', 'control');
      await story.run(...end, before);
      t.is(await tracked(), '0');
      await run(next);
      const sent = talking.stdout.length;
      await waitFor('more has been sent since', () => talking.stdout.length > sent + 'sent\n'.length * 3);
      const logs = () => story.run('logs', next);
      await waitFor('what may come comes', async () => {
        await story.sh('echo mark | socat -u - UDP4:172.30.0.9:11211');
        return (await logs()).includes('mark');
      });
      t.false((await logs()).includes('still'), end.join(' '));
      await story.run('rm', '-f', next);
    }
    await talking.kill();
  }));
