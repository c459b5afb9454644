/** What can't be served is closed, and once: its number may be somebody else's a moment later. */
import { once } from 'node:events';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { NameServers } from '../../src/services/dns/name-server.ts';
import { NodeRelays } from '../../src/services/proxy/fallback-relays.ts';
import { bind, closeSocket, listen, openDatagram, openStream } from '../../src/sys/inet-socket.ts';
import { parseAddress } from '../../src/values/address.ts';
import type { Protocol } from '../../src/values/port.ts';
import { zone } from '../support/dns.ts';

const loopback = parseAddress('127.0.0.1');

/** A socket at a port where another one listens, which began to when both were bound. */
async function late(t: ExecutionContext): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  const [first, second] = [openStream(4), openStream(4)];
  for (const fd of [first, second]) bind(fd, { address: loopback, port });
  listen(first, 1);
  t.teardown(() => closeSocket(first));
  return second;
}

/** What `serve` throws. Whatever has the descriptor's number next keeps it. */
async function refusal(t: ExecutionContext, fds: readonly number[], serve: () => unknown): Promise<unknown> {
  const error = t.throws(serve);
  for (const fd of fds) t.throws(() => fstatSync(fd), { code: 'EBADF' }, `descriptor ${fd}`);
  const next = fds.map(() => openSync('/dev/null', 'r'));
  await turn();
  await turn();
  for (const fd of next) t.notThrows(() => closeSync(fd));
  return error;
}

for (const [protocol, what, open, message] of [
  ['tcp', 'a file', () => openSync('/dev/null', 'r'), /ENOTSOCK/],
  ['tcp', 'a datagram socket', () => openDatagram(4), /EOPNOTSUPP/],
  ['tcp', 'a socket whose port another one has', late, /EADDRINUSE/],
  ['udp', 'a file', () => openSync('/dev/null', 'r'), /ENOTSOCK/],
  ['sctp', 'a file', () => openSync('/dev/null', 'r'), /ENOTSOCK/],
] as const satisfies readonly [Protocol, string, (t: ExecutionContext) => number | Promise<number>, RegExp][])
  test.serial(`where a port of ${protocol} is ${what}, Node's relays close it`, async (t) => {
    const fd = await open(t);
    const targets = { 4: loopback, 6: parseAddress('::1') };
    const way = { protocol, hostAddress: loopback, isShared: false, targets };
    const serve = () => new NodeRelays().serve(fd, { way, hostPort: 8080, containerPort: 80 });
    t.regex(String(await refusal(t, [fd], serve)), message);
  });

for (const [what, open, message] of [
  ['a datagram socket', () => openDatagram(4), /EOPNOTSUPP/],
  ['a socket whose port another one has', late, /EADDRINUSE/],
] as const)
  test.serial(`where a name server is to listen on ${what}, both its sockets are closed`, async (t) => {
    const [datagram, stream] = [openDatagram(4), await open(t)];
    const dial = () => t.fail() as never;
    const serve = () => new NameServers().serve({ udp: datagram, tcp: stream }, zone([]), dial);
    t.regex(String(await refusal(t, [datagram, stream], serve)), message);
  });
