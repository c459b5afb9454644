/** Servers that tell who they think asks, and clients that tell what they were told. Plain Node, and none of our code. */
import type { Story } from './story-lab.ts';

/** `node -e answering PORT…`: on TCP and UDP, whoever asks is told the address that it was seen under. */
const answering = `
'use strict';
const { createServer } = require('node:net');
const { createSocket } = require('node:dgram');
for (const port of process.argv.slice(1).map(Number)) {
  createServer((client) => client.on('error', () => {}).end(client.remoteAddress)).listen(port, '0.0.0.0');
  createServer((client) => client.on('error', () => {}).end(client.remoteAddress))
    .on('error', () => {}).listen({ port, host: '::', ipv6Only: true });
  const socket = createSocket('udp4');
  socket.on('message', (_, peer) => socket.send(peer.address, peer.port, peer.address));
  socket.bind(port, '0.0.0.0');
}
`;

/** The words of a container's command that answers on these ports. */
export function answers(...ports: readonly number[]): readonly string[] {
  return [process.execPath, '-e', answering, ...ports.map(String)];
}

/**
 * Asks all targets at once. The UDP socket is a connected one: an answer from another address than the one that was
 * asked does not count.
 *
 * Silence is what lasts longer than a SYN that is sent again, and a datagram that is. The last look is behind
 * `setImmediate`: a process that the machine has held up finds its timer due before it has read what has come.
 */
const asking = `
'use strict';
const { connect } = require('node:net');
const { createSocket } = require('node:dgram');
const patience = 2500;
const refused = (error) => (error.code === 'ECONNREFUSED' ? 'refused' : error.code);
const tcp = (host, port) => new Promise((resolve) => {
  let said = '';
  const socket = connect({ host, port });
  const timer = setTimeout(setImmediate, patience, () => { resolve('silence'); socket.destroy(); });
  socket.on('data', (data) => { said += data; });
  socket.on('error', (error) => resolve(refused(error)));
  socket.on('close', () => { clearTimeout(timer); resolve(said || 'closed'); });
});
const udp = (host, port) => new Promise((resolve) => {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  let open = true;
  const end = (answer) => {
    if (!open) return;
    open = false;
    clearTimeout(timer);
    clearInterval(again);
    resolve(answer);
    socket.close();
  };
  const say = () => open && socket.send('who am I?', () => {});
  const timer = setTimeout(setImmediate, patience, end, 'silence');
  const again = setInterval(say, 500);
  socket.once('message', (data) => end(String(data)));
  socket.on('error', (error) => end(refused(error)));
  socket.connect(port, host, say);
});
const ask = (target) => {
  const [, protocol, host, port] = /^(tcp|udp) \\[?(.*?)\\]?:(\\d+)$/.exec(target);
  return (protocol === 'tcp' ? tcp : udp)(host, Number(port));
};
Promise.all(process.argv.slice(1).map(ask)).then((all) => console.log(JSON.stringify(all)));
`;

/** Who asks: the machine, the world outside, or a container by the name of its namespace. */
export type Origin = 'host' | 'world' | { readonly namespace: string };

/**
 * What each target answers to somebody at `origin`.
 *
 * @param targets `tcp 203.0.113.1:8080`, `udp [::1]:53`
 * @returns the source address that the server saw; or `refused`, `silence`, or `closed` without a word
 */
export async function ask(story: Story, origin: Origin, targets: readonly string[]): Promise<readonly string[]> {
  const place = origin === 'world' ? story.lab.world : story.lab.host;
  const enter = typeof origin === 'string' ? [] : ['nsenter', `--net=/run/netns/${origin.namespace}`];
  const argv = [...enter, process.execPath, '-e', asking, ...targets];
  return JSON.parse(await place.run(argv, { environment: { NODE_OPTIONS: undefined } })) as readonly string[];
}

/** Waits until a container's program answers: it was started, not asked whether it is ready. */
export async function untilAnswering(
  story: Story,
  container: { readonly namespace: string },
  port: number,
): Promise<void> {
  const listens = `ss -Hlnt 'sport = :${port}' | grep -q .`;
  await story.lab.host.waitFor(['nsenter', `--net=/run/netns/${container.namespace}`, 'sh', '-c', listens]);
}
