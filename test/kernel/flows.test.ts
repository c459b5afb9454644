// Flows of a published port end when the port is unpublished or moves to another container; all other flows continue.
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

/** A TCP and UDP server on port 7 that answers each line with its name and the line. */
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

/** A client that sends a word every 100 ms on one connection, or from one UDP port. It prints the answers, and last the error. */
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

/** Waits until each client receives further answers. */
async function goOn(t: ExecutionContext, all: Readonly<Record<string, Background>>, when: string): Promise<void> {
  for (const [name, talking] of Object.entries(all)) {
    const before = talking.stdout.length;
    await waitFor(`${when}: ${name} goes on`, () => talking.stdout.length > before);
    t.regex(last(talking) ?? '', / x$/, `${when}: ${name}`);
  }
}

/**
 * Waits until a TCP client loses its connection. An RST resets it; a socket that the connect hook redirected is aborted by the
 * kernel. Node reports either as the end while an answer is unread: uv__stream_io in libuv's src/unix/stream.c stops reading
 * after POLLHUP.
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
  test(`${backend}: cuts the TCP and UDP flows of an unpublished port, and no others`, (t) =>
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
        'a client of the container’s own address': speak(host, 'tcp', direct.v4, 7),
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
      await waitFor('the same UDP socket reaches the container again', () => last(datagrams) === 'one x');
      const again = speak(world, 'tcp', own, 7007);
      const here = speak(host, 'tcp', '127.0.0.1', 7007);
      await goOn(t, { again, here }, 'again');
      await story.run('unpublish', 'one', '7007:7', '7007:7/udp');
      await Promise.all([again, here].map(isCut));
      const two = await story.start('--name', 'two', ...net, '-p', '7007:7', '-p', '7007:7/udp', ...echo('two'));
      await untilAnswering(story, two, 7);
      await waitFor('the UDP client reaches the other container', () => last(datagrams) === 'two x');
      await goOn(t, survivors, 'after the move');
      for (const talking of [...Object.values(survivors), datagrams]) await talking.kill();
    }));

test('cuts the connections of a container that is removed, stopped, disconnected, or found dead', (t) =>
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
      await waitFor(`${name}: the client loses its connection`, () => /^(ECONNRESET|END)$/.test(last(talking) ?? ''));
      t.is(await tracked(), '0', name);
      await goOn(t, { stays }, `${name}: the others`);
    }
    await stays.kill();
  }));

/**
 * A UDP server on port 9 that goes on answering each client two hundred times a second. So often, some datagram arrives
 * after the container's link is gone and before its flow is deleted, and then waits for an answer to ARP.
 */
const insistent = `
const s = require('node:dgram').createSocket('udp4');
const send = (port, address) => s.send('still', port, address, () => console.log('sent'));
s.on('message', (_, { port, address }) => setInterval(send, 5, port, address)).bind(9, '203.0.113.2');
`;

/** A client that sends to `insistent` from port 11211, and prints every datagram that it receives there. */
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
      await waitFor('control: the client receives an answer', async () =>
        (await story.run('logs', before)).includes('still'),
      );
      await story.run('exec', before, 'ping', '-c', '1', '203.0.113.2');
      const tracked = () =>
        story.sh('grep -c -e "src=172.30.0.9 .*icmp" -e "icmp.* src=172.30.0.9 " /proc/net/nf_conntrack || :');
      t.is(await tracked(), '1', 'control');
      await story.run(...end, before);
      t.is(await tracked(), '0');
      await run(next);
      const sent = talking.stdout.length;
      await waitFor('the server has sent more', () => talking.stdout.length > sent + 'sent\n'.length * 3);
      const logs = () => story.run('logs', next);
      await waitFor('the next container receives a new datagram', async () => {
        await story.sh('echo mark | socat -u - UDP4:172.30.0.9:11211');
        return (await logs()).includes('mark');
      });
      t.false((await logs()).includes('still'), end.join(' '));
      await story.run('rm', '-f', next);
    }
    await talking.kill();
  }));
