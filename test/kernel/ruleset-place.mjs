// One place of the test's topology: a process that lives in a network namespace and does what its parent asks.
import { spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import { writeFileSync } from 'node:fs';
import net from 'node:net';

const plain = (address) => address.replace(/^::ffff:/, '');

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

  /** Answers every connection and every datagram with the address that it came from. */
  async serve({ port, host = '::' }) {
    const server = net.createServer((socket) => socket.on('error', () => {}).end(plain(socket.remoteAddress ?? '')));
    const socket = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.on('message', (_, peer) => socket.send(plain(peer.address), peer.port, peer.address));
    await new Promise((resolve) => server.listen(port, host, resolve));
    await new Promise((resolve) => socket.bind(port, host, resolve));
  },

  /** The address under which the server saw us, `refused`, or `silent` after `wait` milliseconds. */
  ask({ protocol, host, port, localAddress, wait = 700 }) {
    return protocol === 'tcp' ? askTcp(host, port, wait, localAddress) : askUdp(host, port, wait);
  },
};

function askTcp(host, port, wait, localAddress) {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, localAddress });
    const settle = (answer) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(settle, wait, 'silent');
    socket.on('data', (data) => settle(data.toString()));
    socket.on('error', (error) => settle(error.code === 'ECONNREFUSED' ? 'refused' : error.code));
  });
}

/** The socket is connected, so an answer from another address than the one asked is no answer. */
function askUdp(host, port, wait) {
  return new Promise((resolve) => {
    const socket = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4');
    const settle = (answer) => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(settle, wait, 'silent');
    socket.on('message', (data) => settle(data.toString()));
    socket.on('error', (error) => settle(error.code === 'ECONNREFUSED' ? 'refused' : error.code));
    socket.connect(port, host, () => socket.send('?'));
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
