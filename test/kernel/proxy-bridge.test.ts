/**
 *     client ── lo ── relay ── gw0 172.30.0.1 ══ veth ══ eth0 172.30.0.2, container
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import test, { registerCompletionHandler } from 'ava';
import type { Relay } from '../../src/services/proxy/relay.ts';
import { reserve, serve } from '../../src/services/proxy/reservation.ts';
import type { SpliceWorker } from '../../src/services/proxy/splice-worker/splice-worker.ts';
import { parseAddress } from '../../src/values/address.ts';
import type { Protocol } from '../../src/values/port.ts';
import { enterPrivateNetwork, ip } from '../support/private-network.ts';
import { startRelayProcess } from '../support/relay-process.ts';
import { sockets } from '../support/sockets.ts';
import { withWorker } from '../support/with-worker.ts';

let port = 8100;
const children: ChildProcess[] = [];

registerCompletionHandler(() => {
  for (const child of children) child.kill('SIGKILL');
  process.exit();
});

test.before(async () => {
  enterPrivateNetwork();
  const container = start('unshare', '--net', 'sleep', '1000');
  const network = () => readlinkSync(`/proc/${container.pid}/ns/net`);
  while (network() === readlinkSync('/proc/thread-self/ns/net')) await delay(1);
  ip(`link add gw0 up type veth peer name eth0 netns ${container.pid}`);
  ip('address add 172.30.0.1/16 dev gw0');
  const inside = ['--net', '--target', `${container.pid}`];
  for (const command of ['link set lo up', 'link set eth0 up', 'address add 172.30.0.2/16 dev eth0'])
    await once(start('nsenter', ...inside, 'ip', ...command.split(' ')), 'exit');
  start('nsenter', ...inside, 'socat', 'TCP4-LISTEN:80,fork', 'SYSTEM:echo $SOCAT_PEERADDR');
  start('nsenter', ...inside, 'socat', 'UDP4-RECVFROM:80,fork', 'SYSTEM:echo $SOCAT_PEERADDR');
  while (!(await answers('172.30.0.2', 80))) await delay(10);
});

function start(program: string, ...parameters: readonly string[]): ChildProcess {
  const child = spawn(program, parameters, { stdio: 'ignore' });
  children.push(child);
  return child;
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => resolve(true)).on('error', () => resolve(false));
    socket.resume();
  });
}

function publish(worker: SpliceWorker, protocol: Protocol, hostAddress: string): Relay {
  const binding = { protocol, hostAddress: parseAddress(hostAddress), hostPort: 8080, containerPort: 80 };
  const [relay] = serve(reserve(sockets({ binding, target: parseAddress('172.30.0.2') })), worker);
  if (relay === undefined) throw new Error('nothing served');
  return relay;
}

withWorker('the container sees the gateway as the client, and never a loopback address', async (t, worker) => {
  for (const [listener, asked] of [
    ['0.0.0.0', '127.0.0.1'],
    ['::', '::1'],
  ] as const) {
    const stream = publish(worker, 'tcp', listener);
    const socket = connect(8080, asked);
    const [seen] = (await once(socket, 'data')) as [Buffer];
    t.is(String(seen).trim(), '172.30.0.1');
    const datagrams = publish(worker, 'udp', listener);
    const asker = createSocket(asked.includes(':') ? 'udp6' : 'udp4');
    asker.connect(8080, asked);
    await once(asker, 'connect');
    // The container's server may not have begun to listen: a datagram that nobody hears is lost.
    const asking = setInterval(() => asker.send('who am I?'), 50);
    const [answer] = (await once(asker, 'message')) as [Buffer];
    clearInterval(asking);
    t.is(String(answer).trim(), '172.30.0.1');
    asker.close();
    socket.destroy();
    await Promise.all([stream.abort(), datagrams.abort()]);
  }
});

for (const descriptorLimit of ['Infinity', '60'])
  withWorker(
    `when descriptors run out, those who are served stay, and the port recovers (limit ${descriptorLimit})`,
    async (t) => {
      const server = createServer((socket) => socket.pipe(socket)).listen(0, '172.30.0.1');
      await once(server, 'listening');
      const targetPort = (server.address() as AddressInfo).port;
      const whole = { hostPort: ++port, target: '172.30.0.1', targetPort, descriptorLimit };
      const relay = await startRelayProcess(whole, ['prlimit', '--nofile=100']);
      const clients = await Promise.all(Array.from({ length: 100 }, () => echoed(port)));
      const served = clients.filter((client) => client !== undefined);
      t.log(`${served.length} of 100 clients are served with 100 descriptors`);
      t.true(served.length >= 10 && served.length < 60);
      for (const client of served) {
        client.write('still there?');
        const [answer] = (await once(client, 'data')) as [Buffer];
        t.is(String(answer), 'still there?');
      }
      for (const client of served) client.destroy();
      let again: Socket | undefined;
      while (again === undefined) again = await echoed(port);
      t.is(relay.exitCode, null);
    },
  );

/** A connection on which one word has come back; undefined if it was cut off. */
function echoed(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => resolve(socket));
    socket.on('error', () => {});
    socket.once('close', () => resolve(undefined));
    socket.write('hello');
  });
}
