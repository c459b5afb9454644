/** The name server of the world: it knows a few names of corp.test, and writes down every question. */
import { createSocket } from 'node:dgram';
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode } from 'dns-packet';

const nameError = 3;
const known: Readonly<Record<string, Answer>> = {
  'ext.corp.test A': { type: 'A', name: 'ext.corp.test', data: '192.0.2.7', ttl: 60 },
  'ext.corp.test AAAA': { type: 'AAAA', name: 'ext.corp.test', data: '2001:db8::7', ttl: 60 },
  'ext.corp.test TXT': { type: 'TXT', name: 'ext.corp.test', data: 'outside', ttl: 60 },
  'db.corp.test A': { type: 'A', name: 'db.corp.test', data: '192.0.2.66', ttl: 60 },
};

const socket = createSocket('udp4');
socket.on('message', (message, peer) => {
  const query = decode(message);
  const [question] = query.questions ?? [];
  if (question === undefined) return;
  const name = question.name.toLowerCase();
  console.log(`asked ${name} ${question.type} from ${peer.address}`);
  const answer = known[`${name} ${question.type}`];
  const exists = Object.keys(known).some((key) => key.startsWith(`${name} `));
  const reply = encode({
    type: 'response',
    id: query.id ?? 0,
    flags: AUTHORITATIVE_ANSWER | ((query.flags ?? 0) & 0x0100) | (exists ? 0 : nameError),
    questions: [question],
    answers: answer === undefined ? [] : [{ ...answer, name: question.name } as Answer],
  });
  socket.send(reply, peer.port, peer.address);
});
socket.bind(53, '0.0.0.0', () => console.log('ready'));
