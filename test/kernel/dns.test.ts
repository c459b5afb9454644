/** The name server at work, with dig as the witness: test/support/name-server-scene.ts has the topology. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import test, { registerCompletionHandler } from 'ava';
import { type Answer, decode, encode, type Packet } from 'dns-packet';
import type { KernelNamespace } from '../../src/kernel/namespace.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { TcpMessageReader, withLengthPrefix } from '../../src/services/dns/message.ts';
import {
  type NameServer,
  type NameServerSockets,
  NameServers,
  openNameServerSockets,
} from '../../src/services/dns/name-server.ts';
import type { Dial } from '../../src/services/dns/upstream-socket.ts';
import { bind, closeSocket, openDatagram, openStream } from '../../src/sys/inet-socket.ts';
import { openFiles } from '../../src/sys/open-files.ts';
import { parseAddress, unspecified } from '../../src/values/address.ts';
import { nameServerPort } from '../../src/values/resolver.ts';
import { question, table, upstream, zone } from '../support/dns.ts';
import { digMissing, NameServerScene } from '../support/name-server-scene.ts';
import { skipUnless } from '../support/skip.ts';

let scene: NameServerScene;
let container: KernelNamespace;
let server: NameServer;
let dial: Dial;

/** What the upstream server was asked: `udp A x.test`. */
let asked: string[] = [];
/** The same without repetitions: a server that does not answer within 100 ms is rightly asked again. */
const questions = () => [...new Set(asked)];

const front = table('front', { 'web 0123456789ab': ['172.18.0.2'], 'six web6': ['fd00::2'] });
const inside = zone([front], { upstreams: [upstream('203.0.113.2'), upstream('203.0.113.1')] });

registerCompletionHandler(() => process.exit());

test.before(async () => {
  scene = await NameServerScene.open(inside);
  ({ container, server, dial } = scene);
  await openUpstream('203.0.113.1', (packet) => packet);
});

test.beforeEach(() => {
  asked = [];
  server.updateZone(inside);
});

test.after.always(() => scene.close());

/** Of a further server beside the scene's. */
const otherPort = nameServerPort + 1;

function openOther(): NameServerSockets {
  return container.inside(() => openNameServerSockets(otherPort));
}

function dig(...words: readonly string[]): Promise<string> {
  return scene.dig(...words);
}

/** A server of the world: one address for every name; `big` names have much text, `cut` ones are cut by UDP. */
async function openUpstream(address: string, change: (packet: Packet) => Packet): Promise<void> {
  const answer = (message: Buffer, protocol: 'udp' | 'tcp'): Buffer => {
    const { id = 0, questions = [] } = decode(message);
    const [{ name, type } = { name: '', type: 'A' }] = questions;
    asked.push(`${protocol} ${type} ${name}`);
    const answers: Answer[] = name.startsWith('big')
      ? Array.from({ length: 20 }, (_, count) => ({ type: 'TXT', name, ttl: 60, data: `${count}`.padStart(100, 'x') }))
      : [{ type: 'A', name, ttl: 60, data: '192.0.2.1' }];
    const cut = protocol === 'udp' && name.startsWith('big');
    return encode(
      change({ type: 'response', id, flags: cut ? 0x8380 : 0x8180, questions, answers: cut ? [] : answers }),
    );
  };
  const datagrams = createSocket('udp4');
  datagrams.bind(53, address);
  datagrams.on('message', (message, peer) => datagrams.send(answer(message, 'udp'), peer.port, peer.address));
  const streams = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => socket.write(withLengthPrefix(answer(bytes.subarray(2), 'tcp'))));
  }).listen(53, address);
  await Promise.all([once(datagrams, 'listening'), once(streams, 'listening')]);
}

/** The messages that come on a connection, until it is closed. */
async function conversation(socket: Socket): Promise<readonly Buffer[]> {
  const splitter = new TcpMessageReader();
  const messages: Buffer[] = [];
  for await (const bytes of socket) messages.push(...splitter.push(bytes as Buffer));
  return messages;
}

test.serial('names of the container’s networks are answered, by UDP and TCP, and nobody else is asked', async (t) => {
  if (skipUnless(t, digMissing())) return;
  t.is(await dig('web'), 'NOERROR 172.18.0.2');
  t.is(await dig('WEB.front', '+tcp'), 'NOERROR 172.18.0.2');
  t.is(await dig('web', 'AAAA'), 'NOERROR');
  t.is(await dig('six', 'AAAA'), 'NOERROR fd00::2');
  t.is(await dig('web', 'TXT'), 'NOERROR');
  t.is(await dig('-x', '172.18.0.2'), 'NOERROR web.front.');
  t.is(await dig('-x', 'fd00::2'), 'NOERROR six.front.');
  t.deepEqual(asked, []);
});

test.serial('everything else is asked of the next server where nobody listens, and remembered', async (t) => {
  if (skipUnless(t, digMissing())) return;
  t.is(await dig('+nocookie', 'x1.test'), 'NOERROR 192.0.2.1');
  t.is(await dig('+nocookie', 'X1.test'), 'NOERROR 192.0.2.1');
  t.deepEqual(questions(), ['udp A x1.test']);
});

test.serial(
  'by TCP it is asked by TCP; what UDP cuts is fetched whole, and cut for those who take no more',
  async (t) => {
    if (skipUnless(t, digMissing())) return;
    t.is(await dig('+tcp', '+nocookie', 'x2.test'), 'NOERROR 192.0.2.1');
    const whole = await dig('+bufsize=4096', '+nocookie', '+ignore', 'big1.test', 'TXT');
    t.is(whole.split(' ').length, 21);
    const part = await dig('+noedns', '+ignore', 'big2.test', 'TXT');
    t.regex(part, /^NOERROR tc "x+0" "x+1" "x+2"/);
    const asTold = [
      'tcp A x2.test',
      'udp TXT big1.test',
      'tcp TXT big1.test',
      'udp TXT big2.test',
      'tcp TXT big2.test',
    ];
    t.deepEqual(questions(), asTold);
    asked = [];
    t.is((await dig('+noedns', 'big2.test', 'TXT')).split(' ').length, 21);
    t.deepEqual(asked, [], 'all of it was remembered');
  },
);

test.serial('in internal networks nothing is asked of the machine’s servers; one within is reached', async (t) => {
  if (skipUnless(t, digMissing())) return;
  server.updateZone({ ...inside, hasExternalNetwork: false });
  t.is(await dig('secret.test'), 'SERVFAIL');
  t.is(await dig('secret.test', '+tcp'), 'SERVFAIL');
  t.is(await dig('web'), 'NOERROR 172.18.0.2');
  t.deepEqual(asked, []);

  const fd = container.inside(() => {
    const opened = openDatagram(4);
    bind(opened, { address: parseAddress('127.0.0.1'), port: 53 });
    return opened;
  });
  const within = createSocket('udp4').bind({ fd });
  within.on('message', (message, peer) => {
    const { id = 0, questions = [] } = decode(message);
    const answers = [{ type: 'A' as const, name: questions[0]?.name ?? '', ttl: 60, data: '10.0.0.53' }];
    within.send(encode({ type: 'response', id, flags: 0x8180, questions, answers }), peer.port, peer.address);
  });
  server.updateZone({
    ...inside,
    hasExternalNetwork: false,
    upstreams: [upstream('203.0.113.1'), upstream('127.0.0.1', 'container')],
  });
  t.is(await dig('secret.test'), 'NOERROR 10.0.0.53');
  t.deepEqual(asked, []);
  within.close();
});

test.serial('a container may serve DNS itself, at every address and port 53', async (t) => {
  if (skipUnless(t, digMissing())) return;
  const fds = container.inside(() => [openDatagram(4), openStream(4)]);
  t.teardown(() => fds.forEach(closeSocket));
  for (const fd of fds) t.notThrows(() => container.inside(() => bind(fd, { address: unspecified(4), port: 53 })));
  t.is(await dig('web'), 'NOERROR 172.18.0.2');
});

test.serial('after 128 questions a connection is closed in order', async (t) => {
  const socket = scene.connect();
  socket.write(Buffer.concat(Array.from({ length: 200 }, () => withLengthPrefix(question('web')))));
  t.is((await conversation(socket)).length, 128);
});

test.serial('a connection without a whole question is closed after two seconds', async (t) => {
  const begun = performance.now();
  const [silent, half, slow] = [scene.connect(), scene.connect(), scene.connect()];
  half.write(Buffer.of(0x10));
  const drip = setInterval(() => slow.write(Buffer.of(0x10)), 100);
  // A machine that holds up this process holds up a timer as well.
  const control = delay(2000).then(() => performance.now() - begun);
  const ended = await Promise.all(
    [silent, half, slow].map(async (socket) => {
      await conversation(socket).catch(() => {});
      return performance.now() - begun;
    }),
  );
  clearInterval(drip);
  const latest = (await control) + 1000;
  for (const time of ended) t.true(time > 1800 && time < latest, `${time} of ${latest} ms`);
});

test.serial('serves other clients while some stall, disconnect or do not read', async (t) => {
  const before = process.cpuUsage();
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, server.tcp.connections);
  }, 1);
  const stalling = Array.from({ length: 200 }, (_, count) => {
    const socket = scene.connect();
    socket.write(count % 2 === 0 ? Buffer.of(0xff, 0xff, 1, 2) : withLengthPrefix(question('web')));
    socket.pause();
    return socket;
  });
  await waitFor('all places are taken', () => server.tcp.connections >= 64);
  for (const socket of stalling.slice(0, 150)) socket.resetAndDestroy();
  const greedy = scene.connect();
  greedy.pause();
  for (let count = 0; count < 127; count++) greedy.write(withLengthPrefix(question('big3.test', 'TXT')));
  if (!digMissing()) t.is(await dig('web'), 'NOERROR 172.18.0.2');
  const whole = scene.connect();
  whole.write(withLengthPrefix(question('web')));
  const [bytes] = (await once(whole, 'data')) as [Buffer];
  t.is(decode(bytes.subarray(2)).answers?.length, 1);
  await waitFor('all were closed', () => server.tcp.connections === 0);
  clearInterval(watch);
  t.is(most, 64);
  const idle = process.cpuUsage();
  await delay(500);
  const { user, system } = process.cpuUsage(idle);
  t.true(user + system < 100_000, `${user + system} µs in half a second of nothing`);
  t.true(process.cpuUsage(before).user < 3_000_000);
  for (const socket of [...stalling, greedy, whole]) socket.destroy();
});

test.serial(
  'control: where clients are served one after the other, one that stalls keeps all others out',
  async (t) => {
    let last: Promise<unknown> = Promise.resolve();
    const inTurn = createServer({ pauseOnConnect: true }, (client) => {
      const gone = once(
        client.on('error', () => {}),
        'close',
      );
      last = last.then(() => {
        client.once('data', (message) => client.end(message)).resume();
        return gone;
      });
    });
    await once(inTurn.listen(0, '127.0.0.1'), 'listening');
    const { port } = inTurn.address() as AddressInfo;
    const stalling = connect(port, '127.0.0.1');
    await once(stalling, 'connect');
    const whole = connect(port, '127.0.0.1');
    const answered = once(whole, 'data').then(() => 'answered');
    whole.write(withLengthPrefix(question('web')));
    t.is(await Promise.race([answered, delay(300, 'silence')]), 'silence');
    stalling.destroy();
    t.is(await answered, 'answered');
    whole.destroy();
    inTurn.close();
  },
);

test.serial('a successor takes the same port', (t) => {
  const first = openOther();
  t.throws(openOther, { message: /EADDRINUSE/ });
  new NameServers().serve(first, inside, dial).close();
  new NameServers().serve(openOther(), inside, dial).close();
  t.pass();
});

test.serial('a client for whom there is no descriptor is turned away, and hears so at once', async (t) => {
  const other = openOther();
  const full = new NameServers(openFiles()).serve(other, inside, dial);
  const ask = (port: number) =>
    new Promise<string>((resolve) => {
      const client = scene.connect(port);
      client.once('data', () => resolve('answered')).once('close', () => resolve('closed'));
      client.write(withLengthPrefix(question('web')));
    });
  t.is(await ask(nameServerPort), 'answered', 'a server with room for it');
  t.is(await ask(otherPort), 'closed');
  full.close();
});

test.serial('nothing stays open: no socket of a question, none of the server', async (t) => {
  const other = openOther();
  const silent = createSocket('udp4').bind(53, '203.0.113.2');
  await once(silent, 'listening');
  const before = openFiles();
  const brief = new NameServers().serve(other, { ...inside, upstreams: [upstream('203.0.113.2')] }, dial);
  const client = createSocket('udp4').bind({ fd: container.inside(() => openDatagram(4)) });
  for (let count = 0; count < 100; count++) client.send(question(`x${count}.test`), otherPort, '127.0.0.11');
  await waitFor('all questions wait', () => brief.responder.pendingCount === 100);
  t.true(openFiles() >= before + 100);
  client.close();
  silent.close();
  brief.close();
  await waitFor('all are closed', () => openFiles() <= before - 2);
  t.pass();
});
