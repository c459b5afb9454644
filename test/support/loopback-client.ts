/** A process that asks ports of its own machine, and says what it sees of who answers. Plain Node, and none of our code. */

/** One socket. */
export interface Ask {
  readonly protocol: 'tcp' | 'udp';
  /** TCP: one. UDP: it sends to each of them in turn, and waits for the answer. */
  readonly to: readonly string[];
  readonly port: number;
  /** The address to which it is bound. */
  readonly from?: string;
}

/** For each of those that were asked, or the name of an error. */
export interface Answer {
  readonly said?: string;
  /** getpeername(2), recvfrom(2): `127.0.0.1 8080` */
  readonly peer?: string;
  /** getsockname(2), of TCP */
  readonly own?: string;
  readonly error?: string;
}

const client = `
'use strict';
const { connect } = require('node:net');
const { createSocket } = require('node:dgram');
const { once } = require('node:events');
const tcp = ({ to: [host], port, from }) => new Promise((resolve) => {
  const socket = connect({ host, port, localAddress: from, autoSelectFamily: false });
  const seen = {};
  let said = '';
  // At once: of a connection that has ended nothing is told.
  socket.once('connect', () => {
    seen.peer = socket.remoteAddress + ' ' + socket.remotePort;
    seen.own = socket.localAddress;
  });
  socket.on('data', (bytes) => { said += bytes; });
  socket.once('end', () => resolve([{ said, ...seen }]));
  socket.once('error', ({ code }) => resolve([{ error: code }]));
});
async function udp({ to, port, from }) {
  const socket = createSocket(to[0].includes(':') ? 'udp6' : 'udp4');
  if (from !== undefined) socket.bind(0, from);
  const answers = [];
  for (const host of to) {
    const send = () => socket.send('who am I?', port, host);
    send();
    // What is lost on the way is said again.
    const again = setInterval(send, 500);
    const [said, peer] = await once(socket, 'message');
    clearInterval(again);
    answers.push({ said: String(said).trim(), peer: peer.address + ' ' + peer.port });
  }
  socket.close();
  return answers;
}
async function main() {
  const answers = [];
  for (const ask of JSON.parse(process.argv[1])) answers.push(...await (ask.protocol === 'tcp' ? tcp : udp)(ask));
  console.log(JSON.stringify(answers));
}
void main();
`;

/** The words that run it. What it prints are `Answer`s. */
export function asking(asks: readonly Ask[]): readonly string[] {
  return [process.execPath, '-e', client, JSON.stringify(asks)];
}
