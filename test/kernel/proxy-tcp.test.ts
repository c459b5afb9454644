import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type NetConnectOpts, type Server, type Socket } from 'node:net';
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import test, { registerCompletionHandler } from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import type { Relay } from '../../src/services/proxy/relay.ts';
import { reserve, serve } from '../../src/services/proxy/reservation.ts';
import type { SpliceWorker } from '../../src/services/proxy/splice-worker/splice-worker.ts';
import { abortOnClose, bind, closeSocket, listen, openStream, takeError } from '../../src/sys/inet-socket.ts';
import { call } from '../../src/sys/libc.ts';
import { parseAddress } from '../../src/values/address.ts';
import { hasErrno, type KernelError } from '../../src/values/errors.ts';
import { enterPrivateNetwork, ip } from '../support/private-network.ts';
import { sockets } from '../support/sockets.ts';
import { newWorker } from '../support/splice-worker.ts';
import { withWorker } from '../support/with-worker.ts';

/** Stands for the container: an address of its own, in the same network. */
const container = '10.9.0.2';
const mebibyte = 1 << 20;
let port = 8000;

// Servers and relays stay open until the end of the file.
registerCompletionHandler(() => process.exit());

test.before(() => {
  enterPrivateNetwork();
  ip(`address add ${container}/32 dev lo`);
});

interface Published {
  readonly relay: Relay;
  readonly hostPort: number;
}

function publish(worker: SpliceWorker, containerPort: number, hostAddress = '127.0.0.1'): Published {
  const binding = { protocol: 'tcp', hostAddress: parseAddress(hostAddress), hostPort: ++port, containerPort } as const;
  const reservations = reserve(sockets({ binding, target: parseAddress(container) }));
  const [relay] = serve(reservations, worker);
  if (relay === undefined) throw new Error('nothing served');
  return { relay, hostPort: port };
}

/** A server in the container, and its port published. */
async function service(
  worker: SpliceWorker,
  onConnection: (socket: Socket) => void,
  hostAddress?: string,
): Promise<Published> {
  // Of 1,000 clients at once none shall wait for its SYN to be sent again, as with Node's 511.
  const server = createServer({ allowHalfOpen: true }, onConnection).listen({
    port: 0,
    host: container,
    backlog: 1024,
  });
  await once(server, 'listening');
  return publish(worker, portOf(server), hostAddress);
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function client(port: number, options: Partial<NetConnectOpts> = {}): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true, ...options });
  await once(socket, 'connect');
  return socket;
}

async function readAll(socket: Socket): Promise<Buffer> {
  // Not by `for await`, which destroys the socket when one direction has ended.
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'end');
  return Buffer.concat(chunks);
}

function failure(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once('error', resolve));
}

withWorker('3 MB and FIN arrive, and then an answer of 200 KB comes back', async (t, worker) => {
  const question = randomBytes(3 * mebibyte);
  const answer = randomBytes(200 * 1024);
  let heard: Buffer | undefined;
  const { hostPort, relay } = await service(worker, async (socket) => {
    heard = await readAll(socket);
    socket.end(answer);
  });
  const socket = await client(hostPort);
  socket.end(question);
  t.true(answer.equals(await readAll(socket)));
  t.true(heard?.equals(question));
  await waitFor('no client is there', () => relay.clients === 0);
  t.pass();
});

withWorker('the container may end its direction first', async (t, worker) => {
  let heard: Buffer | undefined;
  const { hostPort } = await service(worker, async (socket) => {
    socket.end('hello');
    heard = await readAll(socket);
  });
  const socket = await client(hostPort);
  t.is(String(await readAll(socket)), 'hello');
  await delay(20);
  socket.end('goodbye');
  await waitFor('it has heard all', () => heard !== undefined);
  t.is(String(heard), 'goodbye');
});

const MSG_OOB = 1;

withWorker('what follows urgent data arrives, though a receive stops before it', async (t, worker) => {
  let heard = '';
  const { hostPort } = await service(worker, (socket) => {
    socket.on('data', (bytes: Buffer) => {
      heard += bytes;
    });
  });
  const socket = await client(hostPort);
  const send = (text: string, flags: number) =>
    call('send', 'long send(int, const char *, size_t, int)', descriptor(socket), text, text.length, flags);
  const long = 'x'.repeat(100_000);
  let expected = '';
  for (let round = 0; round < 40; round++) {
    const [before, behind] = round % 4 === 3 ? [long, long] : ['abc', 'def'];
    send(before, 0);
    send('!', MSG_OOB);
    send(behind, 0);
    expected += before + behind;
    await waitFor(`round ${round}`, () => heard.length >= expected.length, { timeoutMilliseconds: 5000 });
  }
  t.is(heard, expected);
  socket.destroy();
});

withWorker('RST from the client becomes RST for the container', async (t, worker) => {
  const errors: unknown[] = [];
  const { hostPort } = await service(worker, (socket) => {
    socket.on('error', (error) => errors.push(error));
    socket.write('x');
  });
  const socket = await client(hostPort);
  await once(socket, 'data');
  socket.resetAndDestroy();
  await waitFor('it sees the reset', () => errors.length > 0);
  t.like(errors[0], { code: 'ECONNRESET' });
});

withWorker('RST from the container becomes RST for the client', async (t, worker) => {
  const { hostPort, relay } = await service(worker, (socket) => socket.once('data', () => socket.resetAndDestroy()));
  const socket = await client(hostPort);
  socket.write('x');
  t.like(await failure(socket), { code: 'ECONNRESET' });
  await waitFor('no client is there', () => relay.clients === 0);
});

// Small buffers in the kernel, so that some of the amounts wait in the relay, with the client's FIN behind them.
const buffers = ['/proc/sys/net/ipv4/tcp_rmem', '/proc/sys/net/ipv4/tcp_wmem'];

withWorker('RST behind a FIN that still waits is never an orderly end', async (t, worker) => {
  const before = buffers.map((path) => readFileSync(path, 'utf8'));
  for (const path of buffers) writeFileSync(path, '4096 8192 8192');
  const outcomes: { readonly asked: number; readonly heard: Promise<number | 'reset'> }[] = [];
  const readers: Socket[] = [];
  for (let asked = 24_576; asked <= 65_536; asked += 1024) {
    const { hostPort } = await service(worker, (socket) => {
      readers.push(socket);
      outcomes.push({ asked, heard: heardBy(socket) });
      socket.pause();
    });
    const socket = await client(hostPort);
    socket.on('error', () => {}).end(Buffer.alloc(asked));
    await waitFor(`${asked} bytes are through`, () => outcomes.at(-1)?.asked === asked);
    setTimeout(() => {
      abortOnClose(descriptor(socket));
      socket.destroy();
    }, 100);
  }
  await delay(300);
  // What comes back finds nobody, and only then is the RST noticed.
  for (const socket of readers) socket.write('x');
  await delay(100);
  for (const socket of readers) socket.resume();
  for (const { asked, heard } of outcomes) t.true(['reset', asked].includes(await heard), `${asked}: ${await heard}`);
  for (const [index, path] of buffers.entries()) writeFileSync(path, before[index] ?? '');
});

/** How much came before the orderly end, or that there was none. */
function heardBy(socket: Socket): Promise<number | 'reset'> {
  let length = 0;
  socket.on('data', (chunk: Buffer) => {
    length += chunk.length;
  });
  return new Promise((resolve) => {
    socket.once('end', () => resolve(takeError(descriptor(socket)) === undefined ? length : 'reset'));
    socket.once('error', () => resolve('reset'));
  });
}

function descriptor(socket: Socket): number {
  return (socket as unknown as { readonly _handle: { readonly fd: number } })._handle.fd;
}

withWorker('RST right behind data is still an RST', async (t, worker) => {
  const { hostPort } = await service(worker, (socket) =>
    socket.once('data', () => socket.write(Buffer.alloc(4096), () => socket.resetAndDestroy())),
  );
  for (let attempt = 0; attempt < 20; attempt++) {
    const socket = await client(hostPort);
    socket.resume().write('x');
    // The test's own end is one of Node's sockets, and takes it for an end half of the time: the kernel knows.
    const fd = descriptor(socket);
    const ending = await Promise.race([failure(socket), once(socket, 'end').then(() => ({ code: takeError(fd) }))]);
    t.like(ending, { code: 'ECONNRESET' });
  }
});

withWorker('what a container has answered is heard, though it has gone without reading the rest', async (t, worker) => {
  const broken = await service(worker, (socket) => {
    socket.once('data', () => {
      socket.pause().write('no');
      socket.destroy();
    });
  });
  const ended = await service(worker, (socket) => {
    socket.once('data', () => socket.pause().end('no', () => socket.destroy()));
  });
  for (let round = 0; round < 50; round++) {
    t.deepEqual(await upload(broken.hostPort), { errno: 'ECONNRESET', heard: 'no' }, `round ${round}`);
    t.like(await upload(ended.hostPort), { heard: 'no' }, `round ${round}`);
  }
});

/** Sends until nobody takes it any more, past Node, which throws away what came before an error, and looks what has come. */
async function upload(hostPort: number): Promise<{ readonly errno: string; readonly heard: string }> {
  const socket = connect(hostPort, '127.0.0.1').pause();
  await once(socket, 'connect');
  const fd = descriptor(socket);
  const errno = await sendUntilBroken(fd);
  const memory = Buffer.alloc(100);
  const prototype = 'long recv(int, _Out_ char *, size_t, int)';
  const length = call('recv', prototype, fd, memory, memory.length, MSG_DONTWAIT_NOSIGNAL);
  socket.destroy();
  return { errno, heard: String(memory.subarray(0, length)) };
}

const MSG_DONTWAIT_NOSIGNAL = 0x4040;

async function sendUntilBroken(fd: number): Promise<string> {
  const chunk = Buffer.alloc(mebibyte);
  for (;;) {
    try {
      call('send', 'long send(int, const char *, size_t, int)', fd, chunk, chunk.length, MSG_DONTWAIT_NOSIGNAL);
    } catch (error) {
      if (!hasErrno(error, 'EAGAIN')) return (error as KernelError).errno;
    }
    await setImmediate();
  }
}

withWorker('a refused connection is reset, and the port goes on', async (t, worker) => {
  const { hostPort } = publish(worker, 1);
  for (let attempt = 0; attempt < 3; attempt++) {
    const socket = connect(hostPort, '127.0.0.1');
    t.like(await failure(socket), { code: 'ECONNRESET' });
  }
});

withWorker('a container that does not read holds the client back', async (t, worker) => {
  let accepted: Socket | undefined;
  const { hostPort, relay } = await service(worker, (socket) => {
    accepted = socket.pause();
  });
  const socket = await client(hostPort);
  const before = process.memoryUsage().arrayBuffers;
  let sent = 0;
  const chunk = Buffer.alloc(64 * 1024);
  for (let stalls = 0; stalls < 3 && sent < 512 * mebibyte; ) {
    if (socket.write(chunk)) {
      sent += chunk.length;
      continue;
    }
    const drained = await Promise.race([once(socket, 'drain').then(() => true), delay(200).then(() => false)]);
    if (!drained) stalls++;
  }
  t.true(sent < 64 * mebibyte, `the kernel's queues and no more: ${sent} bytes`);
  const buffered = process.memoryUsage().arrayBuffers - before;
  t.true(buffered < 8 * mebibyte, `${buffered} bytes in this process`);
  socket.on('error', () => {});
  socket.resetAndDestroy();
  accepted?.on('error', () => {}).resume();
  await waitFor('no client is there', () => relay.clients === 0);
});

withWorker('8 MB in pieces of any size come back as they went', async (t, worker) => {
  const { hostPort } = await service(worker, (socket) => socket.pipe(socket));
  const socket = await client(hostPort);
  const sent = createHash('sha256');
  void (async () => {
    for (let left = 8 * mebibyte; left > 0; ) {
      const piece = randomBytes(Math.min(left, 1 + Math.floor(Math.random() * 100_000)));
      left -= piece.length;
      sent.update(piece);
      if (!socket.write(piece)) await once(socket, 'drain');
    }
    socket.end();
  })();
  const echoed = createHash('sha256').update(await readAll(socket));
  t.is(echoed.digest('hex'), sent.digest('hex'));
});

withWorker('IPv6 clients reach a container that has only IPv4', async (t, worker) => {
  const { hostPort } = await service(worker, (socket) => socket.end(String(socket.remoteAddress)), '::1');
  t.is(String(await readAll(await client(hostPort, { host: '::1' }))), container);
});

withWorker('a withdrawn port refuses, and lets those who are served finish', async (t, worker) => {
  const { hostPort, relay } = await service(worker, (socket) => socket.pipe(socket));
  const socket = await client(hostPort);
  socket.write('a');
  await once(socket, 'data');
  const withdrawn = relay.drain();
  const late = connect(hostPort, '127.0.0.1');
  t.like(await failure(late), { code: 'ECONNREFUSED' });
  socket.end('b');
  t.is(String(await readAll(socket)), 'b');
  await withdrawn;
});

withWorker('who has not finished in time after a withdrawal is cut off', async (t) => {
  const { hostPort, relay } = await service(newWorker({ drainMilliseconds: 50 }), (socket) => {
    socket.on('error', () => {}).pipe(socket);
  });
  const socket = await client(hostPort);
  socket.write('a');
  await once(socket, 'data');
  const failed = failure(socket);
  await relay.drain();
  t.like(await failed, { code: 'ECONNRESET' });
});

withWorker('a port that is cut breaks off whoever is connected, at once', async (t, worker) => {
  const { hostPort, relay } = await service(worker, (socket) => socket.on('error', () => {}).pipe(socket));
  const sockets = await Promise.all(Array.from({ length: 3 }, () => client(hostPort)));
  for (const socket of sockets) {
    socket.write('a');
    await once(socket, 'data');
  }
  const failures = sockets.map(failure);
  await relay.abort();
  for (const failed of failures) t.like(await failed, { code: 'ECONNRESET' });
  await waitFor('no client is there', () => relay.clients === 0);
});

withWorker('a container that never answers is given up, and others go on meanwhile', async (t) => {
  const worker = newWorker({ synRetries: 1 });
  const listener = openStream(4);
  bind(listener, { address: parseAddress(container), port: ++port });
  listen(listener, 0);
  // One waits to be accepted, and for no further one there is room: their SYNs are dropped.
  const fillers = [connect(port, container), connect(port, container)];
  for (const filler of fillers) filler.on('error', () => {});
  await once(fillers[0] as Socket, 'connect');
  const { hostPort } = publish(worker, port);
  const failed = failure(await client(hostPort));
  const other = await service(worker, (socket) => socket.end('served'));
  t.is(String(await readAll(await client(other.hostPort))), 'served');
  t.like(await failed, { code: 'ECONNRESET' });
  for (const filler of fillers) filler.destroy();
  closeSocket(listener);
});

withWorker('a peer that vanishes is found out: both connections are asked for life every 15 s', async (t, worker) => {
  let accepted: Socket | undefined;
  const { hostPort, relay } = await service(worker, (socket) => {
    accepted = socket.on('error', () => {});
    socket.write('x');
  });
  const socket = await client(hostPort);
  await once(socket, 'data');
  for (const filter of [`sport = :${hostPort}`, `dport = :${accepted?.localPort}`]) {
    const listed = spawnSync('ss', ['-Htno', 'state', 'established', filter], { encoding: 'utf8' }).stdout;
    t.regex(listed, /timer:\(keepalive,1[0-5](\.\d+)?sec/, filter);
  }
  socket.destroy();
  await relay.abort();
});

withWorker('1,000 clients that say nothing keep nobody from being served', async (t, worker) => {
  const { hostPort, relay } = await service(worker, (socket) => socket.on('error', () => {}).pipe(socket));
  const silent = await Promise.all(
    Array.from({ length: 1000 }, async () => (await client(hostPort)).on('error', () => {})),
  );
  await waitFor('all clients are there', () => relay.clients === 1000);
  const socket = await client(hostPort);
  socket.end('hello');
  t.is(String(await readAll(socket)), 'hello');
  t.false(silent.some((each) => each.errored));
  await relay.abort();
  await waitFor('no client is there', () => relay.clients === 0);
});

withWorker('the queue of connections to be accepted is as long as the machine allows', (t, worker) => {
  const { hostPort } = publish(worker, 1);
  const listed = spawnSync('ss', ['-Hltn', `sport = :${hostPort}`], { encoding: 'utf8' }).stdout;
  const somaxconn = spawnSync('sysctl', ['-n', 'net.core.somaxconn'], { encoding: 'utf8' }).stdout.trim();
  t.regex(listed, new RegExp(`^LISTEN\\s+0\\s+${somaxconn}\\s`));
});
