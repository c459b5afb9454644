// One place of the test's topology: a process that lives in a network namespace and does what its parent asks.
import { spawn, spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { PacketSocket } from './packet-socket.mjs';

const plain = (address) => address.replace(/^::ffff:/, '');

/** Datagrams that came in. */
const heard = [];

/** Packet sockets that listen, with the frames that came in. */
const taps = new Map();

const acts = {
  /** Runs a program to its end; a failure is an error. */
  run({ argv, input = '' }) {
    const { status, stdout, stderr, error } = spawnSync(argv[0], argv.slice(1), { input, encoding: 'utf8' });
    if (error !== undefined || status !== 0) throw new Error(`${argv.join(' ')}: ${error?.message ?? stderr}`);
    return stdout;
  },

  /** Sets sysctls: `{'net.ipv4.ip_forward': 1}`. */
  sysctl(values) {
    for (const [name, value] of Object.entries(values))
      writeFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, `${value}`);
  },

  /** Answers every connection and every datagram with the address that it came from; with a signature, behind that one. */
  async serve({ port, host = '::', signature }) {
    const answer = (address) => [...(signature === undefined ? [] : [signature]), plain(address)].join(' ');
    const server = net.createServer((socket) => socket.on('error', () => {}).end(answer(socket.remoteAddress ?? '')));
    const socket = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.on('message', (data, peer) => {
      heard.push(data.toString());
      socket.send(answer(peer.address), peer.port, peer.address);
    });
    await new Promise((resolve) => server.listen(port, host, resolve));
    await new Promise((resolve) => socket.bind(port, host, resolve));
  },

  /** The address under which the server saw us, `refused`, or `silent` after `wait` milliseconds. */
  ask(question) {
    return question.protocol === 'tcp' ? askTcp(question) : askUdp(question);
  },

  heard() {
    return heard;
  },

  /** One datagram, to all if need be, after which nobody waits for an answer. */
  tell({ host, port, text }) {
    return new Promise((resolve, reject) => {
      const socket = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4');
      socket.bind(() => {
        socket.setBroadcast(true);
        socket.send(text, port, host, (error) => {
          socket.close();
          if (error) reject(error);
          else resolve();
        });
      });
    });
  },

  /** Sends whole Ethernet frames, written in hexadecimal, by a link. */
  frames({ link, frames }) {
    const socket = new PacketSocket(link, false);
    for (const frame of frames) socket.send(Buffer.from(frame, 'hex'));
    socket.close();
  },

  /** The frames that have come by a link since this was first asked. */
  seen({ link }) {
    if (!taps.has(link)) taps.set(link, { socket: new PacketSocket(link, true), frames: [] });
    const { socket, frames } = taps.get(link);
    frames.push(...socket.receive().map((frame) => frame.toString('hex')));
    return frames;
  },

  heardLately() {
    return heard.splice(0);
  },

  ping({ host, wait, localAddress }) {
    const from = localAddress === undefined ? [] : ['-I', localAddress];
    return new Promise((resolve) => {
      const child = spawn('ping', ['-q', '-c', '1', '-W', `${wait / 1000}`, ...from, host], { stdio: 'ignore' });
      child.on('close', (status) => resolve(status === 0 ? 'yes' : 'silent'));
    });
  },
};

/**
 * How long nothing may come until it counts as silence: long enough for a SYN that is sent again. The last look is behind
 * `setImmediate`, since a process that the machine has held up finds its timer due before it has read what has come.
 */
const patienceMilliseconds = 1500;

function askTcp({ host, port, localAddress, wait = patienceMilliseconds }) {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, localAddress });
    const settle = (answer) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(setImmediate, wait, settle, 'silent');
    socket.on('data', (data) => settle(data.toString()));
    socket.on('error', (error) => settle(error.code === 'ECONNREFUSED' ? 'refused' : error.code));
  });
}

/**
 * The socket is connected, so an answer from another address than the one asked is no answer. It asks more than once:
 * the first datagram may be the one from which the kernel learns the path's MTU.
 */
function askUdp({
  host,
  port,
  localAddress,
  localPort = 0,
  text = '?',
  bytes = text.length,
  wait = patienceMilliseconds,
}) {
  return new Promise((resolve) => {
    const socket = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4');
    let settled = false;
    const settle = (answer) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      clearInterval(again);
      socket.close();
      resolve(answer);
    };
    let again;
    const fail = ({ code }) => code !== 'EMSGSIZE' && settle(code === 'ECONNREFUSED' ? 'refused' : code);
    const ask = () => socket.send(text.padEnd(bytes), (error) => error && fail(error));
    const begin = (error) => {
      if (error) return fail(error);
      again = setInterval(ask, 300);
      ask();
    };
    const timer = setTimeout(setImmediate, wait, settle, 'silent');
    socket.on('message', (data) => settle(data.toString()));
    socket.on('error', fail);
    const connect = () => socket.connect(port, host, begin);
    if (localAddress === undefined) connect();
    else socket.bind(localPort, localAddress, connect);
  });
}

process.on('message', async ({ id, act, request }) => {
  try {
    process.send({ id, result: await acts[act](request) });
  } catch (error) {
    process.send({ id, error: String(error.stack) });
  }
});
process.on('disconnect', () => process.exit());
process.send({ ready: true });
