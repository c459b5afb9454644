/**
 * Runs an external name server with a few names of corp.test, which logs every query.
 *
 * At the address of its argument it answers every query with an error.
 */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode } from 'dns-packet';

const serverFailure = 2;
const nameError = 3;
const known: Readonly<Record<string, Answer>> = {
  'ext.corp.test A': { type: 'A', name: 'ext.corp.test', data: '192.0.2.7', ttl: 60 },
  'ext.corp.test AAAA': { type: 'AAAA', name: 'ext.corp.test', data: '2001:db8::7', ttl: 60 },
  'ext.corp.test TXT': { type: 'TXT', name: 'ext.corp.test', data: 'outside', ttl: 60 },
  'big.corp.test TXT': {
    type: 'TXT',
    name: 'big.corp.test',
    data: ['b', 'i', 'g', 's'].map((l) => l.repeat(250)),
    ttl: 60,
  },
  'db.corp.test A': { type: 'A', name: 'db.corp.test', data: '192.0.2.66', ttl: 60 },
};

const statuses: Readonly<Record<string, number>> = { 'refused.corp.test': 5, 'fail.corp.test': 2 };

function reply(message: Buffer, peer: RemoteInfo, fails: boolean): Buffer | undefined {
  const query = decode(message);
  const [question] = query.questions ?? [];
  if (question === undefined) return undefined;
  const name = question.name.toLowerCase();
  console.log(`asked ${name} ${question.type} from ${peer.address}${fails ? ', and failed' : ''}`);
  const answer = fails ? undefined : known[`${name} ${question.type}`];
  const exists = Object.keys(known).some((key) => key.startsWith(`${name} `));
  const status = fails ? serverFailure : (statuses[name] ?? (exists ? 0 : nameError));
  return encode({
    type: 'response',
    id: query.id ?? 0,
    flags: AUTHORITATIVE_ANSWER | ((query.flags ?? 0) & 0x0100) | status,
    questions: [question],
    answers: answer === undefined ? [] : [{ ...answer, name: question.name } as Answer],
  });
}

function serve(address: string, fails = false): Promise<void> {
  const family = address.includes(':') ? ({ type: 'udp6', ipv6Only: true } as const) : ({ type: 'udp4' } as const);
  const socket = createSocket({ ...family, reuseAddr: true });
  socket.on('message', (message, peer) => {
    const answer = reply(message, peer, fails);
    if (answer !== undefined) socket.send(answer, peer.port, peer.address);
  });
  return new Promise((resolve) => socket.bind(53, address, resolve));
}

const failing = process.argv.slice(2);
await Promise.all([serve('0.0.0.0'), serve('::'), ...failing.map((address) => serve(address, true))]);
console.log('ready');
