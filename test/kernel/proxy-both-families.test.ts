/**
 * One socket for both families, on everything that carries published ports:
 *
 *     127.0.0.1, 127.0.0.2, 203.0.113.1 ──┐               ┌── IPv4 ──> 10.9.0.2, which says "4"
 *                                         ├── [::]:8001 ──┤
 *                   ::1, 2001:db8::1 ─────┘               └── IPv6 ──> fd09::2, which says "6"
 *
 * All of it is on the loopback of one network.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import test, { registerCompletionHandler } from 'ava';
import type { Relay } from '../../src/services/proxy/relay.ts';
import { reserve, serve } from '../../src/services/proxy/reservation.ts';
import type { SpliceWorker } from '../../src/services/proxy/splice-worker/splice-worker.ts';
import { parseAddress } from '../../src/values/address.ts';
import type { Forward, Protocol } from '../../src/values/port.ts';
import { enterPrivateNetwork, ip } from '../support/private-network.ts';
import { sockets } from '../support/sockets.ts';
import { withWorker } from '../support/with-worker.ts';

const containers = { 4: '10.9.0.2', 6: 'fd09::2' } as const;
const holders: ChildProcess[] = [];
let port = 8000;

registerCompletionHandler(() => {
  for (const holder of holders) holder.kill('SIGKILL');
  process.exit();
});

test.before(async () => {
  enterPrivateNetwork();
  for (const address of ['10.9.0.2/32', '203.0.113.1/32']) ip(`address add ${address} dev lo`);
  for (const address of ['fd09::2/128', '2001:db8::1/128']) ip(`address add ${address} dev lo nodad`);
  for (const [family, address] of Object.entries(containers)) {
    const server = createServer((socket) => socket.on('error', () => {}).end(family)).listen(80, address);
    const datagrams = createSocket(family === '4' ? 'udp4' : 'udp6').bind(53, address);
    datagrams.on('message', (_, peer) => datagrams.send(family, peer.port, peer.address));
    await Promise.all([once(server, 'listening'), once(datagrams, 'listening')]);
  }
});

/** A port on all addresses of both families. */
function forwards(protocol: Protocol, hostPort: number, targets: Record<4 | 6, string> = containers): Forward[] {
  const containerPort = protocol === 'tcp' ? 80 : 53;
  return ([4, 6] as const).map((family) => ({
    binding: { protocol, hostAddress: parseAddress(family === 4 ? '0.0.0.0' : '::'), hostPort, containerPort },
    target: parseAddress(targets[family]),
  }));
}

function publish(worker: SpliceWorker, protocol: Protocol, targets?: Record<4 | 6, string>): readonly [Relay, number] {
  const relays = serve(reserve(sockets(...forwards(protocol, ++port, targets))), worker);
  const [relay] = relays;
  if (relay === undefined || relays.length > 1) throw new Error('not one socket');
  return [relay, port];
}

async function ask(address: string, hostPort: number): Promise<string> {
  const socket = connect(hostPort, address);
  const [answer] = await once(socket, 'data', { signal: AbortSignal.timeout(30_000) });
  socket.on('error', () => {}).destroy();
  return String(answer);
}

/** From a connected socket, which takes an answer from nobody else. */
async function inquire(address: string, hostPort: number): Promise<string> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.connect(hostPort, address);
  await once(socket, 'connect');
  socket.send('who?');
  return heard(socket);
}

async function heard(socket: Socket): Promise<string> {
  const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(30_000) });
  socket.close();
  return String(answer);
}

const asked = [
  ['127.0.0.1', '4'],
  ['127.0.0.2', '4'],
  ['203.0.113.1', '4'],
  ['::1', '6'],
  ['2001:db8::1', '6'],
] as const;

for (const [protocol, question] of [
  ['tcp', ask],
  ['udp', inquire],
] as const) {
  withWorker(`${protocol}: clients of either family come to the container's address of theirs`, async (t, worker) => {
    const [relay, hostPort] = publish(worker, protocol);
    for (const [address, family] of asked) t.is(await question(address, hostPort), family, address);
    await relay.abort();
  });

  withWorker(`${protocol}: clients of both come to a container that has only one`, async (t, worker) => {
    for (const family of ['4', '6'] as const) {
      const [relay, hostPort] = publish(worker, protocol, { 4: containers[family], 6: containers[family] });
      for (const [address] of asked) t.is(await question(address, hostPort), family, address);
      await relay.abort();
    }
  });
}

withWorker('who asks all by a broadcast of IPv4 is answered', async (t, worker) => {
  const [relay, hostPort] = publish(worker, 'udp');
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  socket.setBroadcast(true);
  socket.send('who?', hostPort, '127.255.255.255');
  t.is(await heard(socket), '4');
  await relay.abort();
});

withWorker('where IPv6 is turned off, clients of IPv4 are served all the same', async (t, worker) => {
  const turnOff = (value: string) => writeFileSync('/proc/sys/net/ipv6/conf/all/disable_ipv6', value);
  turnOff('1');
  try {
    for (const [protocol, question] of [
      ['tcp', ask],
      ['udp', inquire],
    ] as const) {
      const [relay, hostPort] = publish(worker, protocol, { 4: containers[4], 6: containers[4] });
      t.is(await question('127.0.0.1', hostPort), '4');
      await relay.abort();
    }
  } finally {
    turnOff('0');
    for (const address of ['fd09::2/128', '2001:db8::1/128', '::1/128']) ip(`address replace ${address} dev lo nodad`);
  }
});

for (const [what, taken] of [
  ['TCP4-LISTEN:7001', '0.0.0.0:7001/tcp'],
  ['TCP4-LISTEN:7001,bind=127.0.0.1', '0.0.0.0:7001/tcp'],
  ['TCP6-LISTEN:7001,ipv6only=0', '0.0.0.0:7001/tcp'],
  ['TCP6-LISTEN:7001,ipv6only=1', '[::]:7001/tcp'],
  ['TCP6-LISTEN:7001,ipv6only=1,bind=[::1]', '[::]:7001/tcp'],
  ['TCP4-LISTEN:7001,reuseaddr', '0.0.0.0:7001/tcp'],
  ['TCP6-LISTEN:7001,ipv6only=1,reuseaddr', '[::]:7001/tcp'],
  ['UDP4-RECVFROM:7001', '0.0.0.0:7001/udp'],
  ['UDP6-RECVFROM:7001,ipv6only=1', '[::]:7001/udp'],
] as const)
  test.serial(`what another program has in one family is told by its name: ${what}`, async (t) => {
    const protocol = what.startsWith('TCP') ? 'tcp' : 'udp';
    const holder = spawn('socat', ['-d', '-d', what, 'PIPE'], { stdio: ['ignore', 'ignore', 'pipe'] });
    holders.push(holder);
    for await (const line of holder.stderr) if (/listening on|receiving on/.test(String(line))) break;
    t.throws(() => reserve(sockets(...forwards(protocol, 7000), ...forwards(protocol, 7001))), {
      message: `port ${taken} is in use by socat (pid ${holder.pid})`,
    });
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    t.is(spawnSync('ss', ['-Hltun', 'sport >= :7000 and sport <= :7001'], { encoding: 'utf8' }).stdout, '');
    for (const reservation of reserve(sockets(...forwards(protocol, 7001)))) reservation.release();
  });

test.serial('as long as one socket has a port, nobody else gets it in either family', (t) => {
  const [reservation] = reserve(sockets(...forwards('tcp', 7002)));
  for (const forward of forwards('tcp', 7002)) t.throws(() => reserve(sockets(forward)), { code: 'port-in-use' });
  reservation?.release();
});
