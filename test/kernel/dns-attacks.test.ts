/** Servers that lie, clients that send nonsense, and too many of both: test/support/name-server-scene.ts has the topology. */
import { execFileSync } from 'node:child_process';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import test, { registerCompletionHandler } from 'ava';
import { type Answer, decode, encode, type Packet, type SoaAnswer } from 'dns-packet';
import { waitFor } from '../../src/lab/wait.ts';
import { TcpMessageReader, withLengthPrefix } from '../../src/services/dns/message.ts';
import { bind, openDatagram } from '../../src/sys/inet-socket.ts';
import { raiseOpenFileLimit } from '../../src/sys/open-files.ts';
import { parseAddress } from '../../src/values/address.ts';
import { nameServerPort } from '../../src/values/resolver.ts';
import { question, table, upstream, zone } from '../support/dns.ts';
import { digMissing, NameServerScene } from '../support/name-server-scene.ts';
import { skipUnless } from '../support/skip.ts';

/** What a server of the world was asked, and whom it would answer. */
interface Asked {
  readonly message: Buffer;
  readonly name: string;
  readonly packet: Packet;
  readonly peer: RemoteInfo;
}

const inside = zone([table('front', { web: ['172.18.0.2'] })], { upstreams: [upstream('203.0.113.1')] });
let scene: NameServerScene;
/** 203.0.113.1:53, and what each test makes it do. */
let honest: Socket;
let asked: Asked[] = [];
/** The names it was asked for, without repetitions: whoever does not answer within 100 ms is rightly asked again. */
const names = () => [...new Set(asked.map(({ name }) => name))];
let answer: (question: Asked) => void;

registerCompletionHandler(() => process.exit());

test.before(async () => {
  raiseOpenFileLimit();
  scene = await NameServerScene.open(inside);
  honest = await listen('203.0.113.1');
  honest.on('message', (message, peer) => {
    const packet = decode(message);
    const found = { message, packet, peer, name: packet.questions?.[0]?.name ?? '' };
    asked.push(found);
    answer(found);
  });
});

test.beforeEach(() => {
  asked = [];
  answer = (q) => tell(honest, q, reply(q));
  scene.server.updateZone(inside);
});

test.after.always(() => scene.close());

async function listen(address: string, port = 53): Promise<Socket> {
  const socket = createSocket('udp4').bind(port, address);
  await once(socket, 'listening');
  return socket;
}

/** One address for the name that was asked for, or what `more` says. */
function reply({ packet, name }: Asked, more: Packet = {}): Buffer {
  const answers: Answer[] = [{ type: 'A', name, ttl: 60, data: '192.0.2.1' }];
  const { id = 0, questions = [] } = packet;
  return encode({ type: 'response', id, questions, answers, ...more, flags: 0x8180 | (more.flags ?? 0) });
}

function tell(from: Socket, { peer }: Asked, message: Buffer): void {
  from.send(message, peer.port, peer.address);
}

/** A client's socket in the container. It is bound before Node takes it, which would let two of them have one port. */
function clientSocket(): Socket {
  const fd = scene.container.inside(() => {
    const opened = openDatagram(4);
    bind(opened, { address: parseAddress('127.0.0.1'), port: 0 });
    return opened;
  });
  return createSocket('udp4').bind({ fd });
}

const forged: Answer[] = [{ type: 'A', name: 'bank.test', ttl: 60, data: '198.51.100.66' }];

test.serial('rejects a forged answer unless address, port, id and question match', async (t) => {
  if (skipUnless(t, digMissing())) return;
  const [stranger, otherPort] = [await listen('203.0.113.9'), await listen('203.0.113.1', 5353)];
  const forgeries: readonly (readonly [string, (question: Asked) => void])[] = [
    ['another address', (q) => tell(stranger, q, reply(q, { answers: forged }))],
    ['another port', (q) => tell(otherPort, q, reply(q, { answers: forged }))],
    ['another id', (q) => tell(honest, q, reply(q, { id: ((q.packet.id ?? 0) + 1) & 0xffff, answers: forged }))],
    [
      'another question',
      (q) => tell(honest, q, reply(q, { questions: [{ name: 'other.test', type: 'A' }], answers: forged })),
    ],
    ['a question', (q) => tell(honest, q, q.message)],
    ['half of it', (q) => tell(honest, q, reply(q, { answers: forged }).subarray(0, 11))],
  ];
  for (const [index, [what, forge]] of forgeries.entries()) {
    answer = (q) => {
      forge(q);
      // The right answer comes behind it, on the same path.
      setTimeout(() => tell(honest, q, reply(q)), 20);
    };
    t.is(await scene.dig(`bank${index}.test`), 'NOERROR 192.0.2.1', what);
  }
  answer = (q) => tell(honest, q, reply(q, { answers: forged }));
  t.is(await scene.dig('bank.test'), 'NOERROR 198.51.100.66', 'the control: all of it right');
  stranger.close();
  otherPort.close();
});

test.serial('chooses random ports and ids for queries', async (t) => {
  const client = clientSocket();
  for (let count = 0; count < 200; count++)
    client.send(question(`guess${count}.test`, 'A', { id: count }), nameServerPort, '127.0.0.11');
  await waitFor('all were asked', () => new Set(asked.map(({ name }) => name)).size === 200);
  client.close();
  for (const numbers of [asked.map(({ peer }) => peer.port), asked.map(({ packet }) => packet.id ?? 0)]) {
    t.true(new Set(numbers).size > 180, 'they differ');
    const steps = numbers.slice(1).map((number, index) => number - (numbers[index] ?? 0));
    t.true(new Set(steps).size > 150, 'and no step between two of them says what the next one is');
  }
});

test.serial('a silent server costs SERVFAIL before the C library gives up, and others nothing', async (t) => {
  if (skipUnless(t, digMissing())) return;
  answer = () => {};
  const silence = scene.timedDig('silent.test');
  await waitFor('its server was asked', () => names().includes('silent.test'));
  const web = await scene.timedDig('web');
  t.is(web.answer, 'NOERROR 172.18.0.2');
  t.true(web.milliseconds < 2000, `${web.milliseconds} ms`);
  const { answer: status, milliseconds: waited } = await silence;
  t.is(status, 'SERVFAIL');
  t.true(waited > 4000 && waited < 5500, `${waited} ms`);
  t.is(asked.filter(({ name }) => name === 'silent.test').length, 3, 'asked again, in case a packet got lost');
});

test.serial('a "no" is remembered as long as its SOA says, and an address as long as its TTL', async (t) => {
  if (skipUnless(t, digMissing())) return;
  const soa = {
    type: 'SOA',
    name: 'test',
    ttl: 60,
    data: { mname: 'a.test', rname: 'b.test', serial: 1, minimum: 60 },
  };
  const no = { flags: 3, answers: [] };
  answer = (q) => {
    const more: Packet =
      q.name === 'no.test'
        ? { ...no, authorities: [soa as SoaAnswer] }
        : q.name === 'rude.test'
          ? no
          : { answers: [{ type: 'A', name: q.name, ttl: 1, data: '192.0.2.1' }] };
    tell(honest, q, reply(q, more));
  };
  for (let count = 0; count < 3; count++) {
    asked = [];
    t.is(await scene.dig('+nocookie', 'no.test'), 'NXDOMAIN');
    t.is(await scene.dig('+nocookie', 'rude.test'), 'NXDOMAIN');
    t.deepEqual(names(), count === 0 ? ['no.test', 'rude.test'] : ['rude.test']);
  }
  t.is(await scene.dig('+nocookie', 'brief.test'), 'NOERROR 192.0.2.1');
  asked = [];
  await waitFor('its second has passed', async () => {
    await scene.dig('+nocookie', 'brief.test');
    return names().includes('brief.test');
  });
});

test.serial('a chain of names arrives whole, and what EDNS says reaches the server as it was said', async (t) => {
  if (skipUnless(t, digMissing())) return;
  const chain: Answer[] = [
    { type: 'CNAME', name: 'chain.test', ttl: 60, data: 'a.test' },
    { type: 'CNAME', name: 'a.test', ttl: 60, data: 'web' },
    { type: 'A', name: 'web', ttl: 60, data: '192.0.2.9' },
  ];
  answer = (q) => tell(honest, q, reply(q, { answers: chain }));
  for (let count = 0; count < 2; count++) {
    asked = [];
    t.is(await scene.dig('+nocookie', 'chain.test'), 'NOERROR a.test. web. 192.0.2.9');
    t.deepEqual(names(), count === 0 ? ['chain.test'] : [], 'remembered');
  }
  t.is(await scene.dig('web'), 'NOERROR 172.18.0.2', 'a name of the network is not what a stranger’s chain says');

  await scene.dig('+nocookie', '+subnet=192.0.2.0/24', '+dnssec', '+bufsize=1400', 'edns.test');
  const [option] = asked.at(-1)?.packet.additionals ?? [];
  t.like(option, { type: 'OPT', udpPayloadSize: 1400, flag_do: true });
  t.true(option?.type === 'OPT' && option.options.some(({ code }) => code === 8), 'the subnet');
});

test.serial('survives arbitrary bytes from clients and servers', async (t) => {
  if (skipUnless(t, digMissing())) return;
  const client = clientSocket();
  const loop = Buffer.from('000001000001000000000000c00c00010001', 'hex');
  const answers: string[] = [];
  client.on('message', (message) => answers.push(message.toString('hex', 2, 4)));
  const junk = [Buffer.alloc(0), Buffer.of(1), loop, Buffer.alloc(60_000, 0x3f), Buffer.alloc(60_000)];
  for (const message of junk) client.send(message, nameServerPort, '127.0.0.11');
  await waitFor('those that have a header were refused', () => answers.length === 3);
  t.deepEqual(new Set(answers.map((flags) => flags.slice(-1))), new Set(['1', '4']), 'malformed, or not implemented');
  client.close();

  // A record's name that is a pointer to itself, in an answer: carried on, and followed by nobody here.
  answer = (q) => {
    const sent = reply(q);
    const end = q.message.length - 11;
    sent.writeUInt16BE(0xc000 | end, sent.length - 16);
    tell(honest, q, sent);
  };
  const twisted = clientSocket();
  twisted.send(question('twisted.test', 'A', { id: 7 }), nameServerPort, '127.0.0.11');
  const [carried] = (await once(twisted, 'message')) as [Buffer];
  t.is(carried.readUInt16BE(0), 7);
  twisted.close();
  t.is(await scene.dig('web'), 'NOERROR 172.18.0.2');
});

test.serial('64 KiB by TCP are refused, and the connection goes on', async (t) => {
  const socket = scene.connect();
  const large = question('web');
  socket.write(withLengthPrefix(Buffer.concat([large, Buffer.alloc(0xffff - large.length)])));
  socket.write(withLengthPrefix(question('web')));
  const splitter = new TcpMessageReader();
  const messages: Buffer[] = [];
  socket.on('data', (bytes: Buffer) => messages.push(...splitter.push(bytes)));
  await waitFor('both were answered', () => messages.length === 2);
  t.deepEqual(
    messages.map((message) => message.readUInt16BE(2) & 0xf),
    [1, 0],
  );
  socket.destroy();
});

test.serial('a thousand clients at once are all answered, of the network and of the world', async (t) => {
  const clients = Array.from({ length: 1000 }, () => clientSocket());
  const heard = new Map<number, string[]>();
  for (const [index, client] of clients.entries()) {
    client.on('message', (message) => {
      const { id, answers = [] } = decode(message);
      const [record] = answers;
      const data = record !== undefined && 'data' in record ? String(record.data) : 'none';
      heard.set(index, [...(heard.get(index) ?? []), `${id === index ? '' : 'another’s '}${data}`]);
    });
    const ask = (name: string) => client.send(question(name, 'A', { id: index }), nameServerPort, '127.0.0.11');
    ask('web');
    ask(`client${index}.test`);
  }
  const all = () => [...heard.values()].filter((answers) => answers.length === 2).length;
  await waitFor('all have both', () => all() === 1000, { timeoutMilliseconds: 10_000 });
  const given = new Set([...heard.values()].map((answers) => answers.sort().join(' ')));
  t.deepEqual(given, new Set(['172.18.0.2 192.0.2.1']));
  for (const client of clients) client.close();
});

test.serial('closes a listener that the container destroyed, and still answers UDP', async (t) => {
  const descriptors = () => readdirSync('/proc/self/fd').length;
  const before = descriptors();
  execFileSync('ip', ['netns', 'exec', 'c1', 'ss', '--kill', '-ltn', `sport = :${nameServerPort}`]);
  await waitFor('its descriptor is closed', () => descriptors() < before);
  t.is(await scene.dig('+notcp', 'web'), 'NOERROR 172.18.0.2');
});
