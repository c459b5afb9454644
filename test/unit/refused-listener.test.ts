/** A socket that cannot be served is closed exactly once: another file may get its descriptor's number. */
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readdirSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { NameServers } from '../../src/services/dns/name-server.ts';
import { SpliceWorker } from '../../src/services/proxy/splice-worker/splice-worker.ts';
import { bind, closeSocket, listen, openDatagram, openStream } from '../../src/sys/inet-socket.ts';
import { parseAddress } from '../../src/values/address.ts';
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

for (const [protocol, message] of [
  ['tcp', /ENOTSOCK/],
  ['udp', /ENOTSOCK/],
  ['sctp', /ENOTSOCK/],
] as const)
  test.serial(`closes a descriptor that is not a socket, for a port of ${protocol}`, async (t) => {
    const fd = openSync('/dev/null', 'r');
    const targets = { 4: loopback, 6: parseAddress('::1') };
    const group = { protocol, hostAddress: loopback, isDualStack: false, targets };
    const worker = new SpliceWorker({ log: (line) => t.fail(line) });
    const serve = () => worker.serve(fd, { group, hostPort: 8080, containerPort: 80 });
    t.regex(String(await refusal(t, [fd], serve)), message);
  });

test.serial('closes a socket that the kernel does not watch, and serves the next one', async (t) => {
  const worker = new SpliceWorker({
    log: (line) => t.fail(line),
    start() {
      throw new Error('too many threads');
    },
  });
  const fd = openStream(4);
  const targets = { 4: loopback, 6: parseAddress('::1') };
  const group = { protocol: 'tcp', hostAddress: loopback, isDualStack: false, targets } as const;
  const serve = () => worker.serve(fd, { group, hostPort: 8080, containerPort: 80 });
  const before = readdirSync('/proc/self/fd').length;
  t.regex(String(await refusal(t, [fd], serve)), /too many threads/);
  t.is(readdirSync('/proc/self/fd').length, before, 'the epoll instance is closed; the eventfd stays');
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
