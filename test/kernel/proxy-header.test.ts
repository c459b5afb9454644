// Who the client is, told to the container by a header before its first byte.
//
//     client 203.0.113.2 ── 203.0.113.1:8001 │ relay │ 10.9.0.2:80 server that expects the header
//            2001:db8::2 ── [2001:db8::1]:8002 │     │ fd00:9::2:80
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext, registerCompletionHandler } from 'ava';
import { clientIdentity, proxyHeader } from '../../src/services/proxy/client-address.ts';
import { reserve, serve } from '../../src/services/proxy/reservation.ts';
import type { SpliceWorker } from '../../src/services/proxy/splice-worker/splice-worker.ts';
import { bind, closeSocket, listen, openStream, takeError } from '../../src/sys/inet-socket.ts';
import { StreamCalls } from '../../src/sys/tcp-calls.ts';
import { parseAddress } from '../../src/values/address.ts';
import { enterPrivateNetwork, ip } from '../support/private-network.ts';
import { lacksProgram, skipUnless } from '../support/skip.ts';
import { sockets } from '../support/sockets.ts';
import { withWorker } from '../support/with-worker.ts';

const addresses = [
  '203.0.113.1/24',
  '203.0.113.2/32',
  '10.9.0.2/32',
  '2001:db8::1/64',
  '2001:db8::2/128',
  'fd00:9::2/64',
];
const configuration = `haproxy-${process.pid}.cfg`;
const children: ChildProcess[] = [];
let port = 8000;

// Servers and relays stay open until the end of the file.
registerCompletionHandler(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(configuration, { force: true });
  process.exit();
});

test.before(() => {
  enterPrivateNetwork();
  for (const address of addresses) ip(`address add ${address} dev lo${address.includes(':') ? ' nodad' : ''}`);
});

function publish(worker: SpliceWorker, hostAddress: string, target: string, containerPort: number): number {
  const hostPort = ++port;
  const clientAddress = 'header';
  const binding = {
    protocol: 'tcp',
    hostAddress: parseAddress(hostAddress),
    hostPort,
    containerPort,
    clientAddress,
  } as const;
  serve(reserve(sockets({ binding, target: parseAddress(target) })), worker);
  return hostPort;
}

async function listening(target: string, onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, onConnection).listen(0, target);
  await once(server, 'listening');
  return portOf(server);
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function client(host: string, port: number, localAddress: string): Promise<Socket> {
  const socket = connect({ host, port, localAddress, allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

/** What the specification says it is, of addresses in hexadecimal. */
function header(from: string, to: string, clientPort: number, serverPort: number): string {
  const family = from.length === 8 ? '11' : '21';
  const number = (value: number) => value.toString(16).padStart(4, '0');
  const behind = `${from}${to}${number(clientPort)}${number(serverPort)}`;
  return `0d0a0d0a000d0a515549540a21${family}${number(behind.length / 2)}${behind}`;
}

const [four, fourServer] = ['cb007102', 'cb007101'];
const [six, sixServer] = ['20010db8000000000000000000000002', '20010db8000000000000000000000001'];

/** Everything that the server hears, until the end. */
async function heard(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'end');
  return Buffer.concat(chunks);
}

const ways = [
  { title: 'IPv4', asked: '203.0.113.1', from: '203.0.113.2', target: '10.9.0.2', ends: [four, fourServer] },
  { title: 'IPv6', asked: '2001:db8::1', from: '2001:db8::2', target: 'fd00:9::2', ends: [six, sixServer] },
  { title: 'IPv6 to IPv4', asked: '2001:db8::1', from: '2001:db8::2', target: '10.9.0.2', ends: [six, sixServer] },
] as const;

for (const { title, asked, from, target, ends } of ways)
  withWorker(`${title}: the header is first, and everything follows it`, async (t, worker) => {
    const said = randomBytes(3 << 20);
    let bytes: Promise<Buffer> | undefined;
    const hostPort = publish(
      worker,
      asked.includes(':') ? '::' : '0.0.0.0',
      target,
      await listening(target, (socket) => {
        bytes = heard(socket);
        socket.end('answer');
      }),
    );
    const socket = await client(asked, hostPort, from);
    const clientPort = socket.localPort ?? 0;
    const answer = heard(socket);
    socket.end(said);
    t.is(String(await answer), 'answer');
    const all = await bytes;
    const expected = header(ends[0], ends[1], clientPort, hostPort);
    t.is(all?.subarray(0, expected.length / 2).toString('hex'), expected);
    t.true(all?.subarray(expected.length / 2).equals(said));
  });

withWorker('a client that says nothing is introduced all the same, and its end comes behind', async (t, worker) => {
  const greeted: string[] = [];
  const containerPort = await listening('10.9.0.2', (socket) => {
    socket.once('data', (first) => {
      greeted.push(first.toString('hex'));
      socket.write('hello');
    });
    socket.once('end', () => socket.end('bye'));
  });
  const hostPort = publish(worker, '0.0.0.0', '10.9.0.2', containerPort);
  const socket = await client('203.0.113.1', hostPort, '203.0.113.2');
  const [hello] = await once(socket, 'data');
  t.is(String(hello), 'hello');
  t.deepEqual(greeted, [header(four, fourServer, socket.localPort ?? 0, hostPort)]);
  socket.end();
  t.is(String(await heard(socket)), 'bye');
});

withWorker('a hundred clients at once are told apart', async (t, worker) => {
  const containerPort = await listening('10.9.0.2', (socket) => {
    socket.once('data', (first: Buffer) => socket.end(String(first.readUInt16BE(24))));
  });
  const hostPort = publish(worker, '0.0.0.0', '10.9.0.2', containerPort);
  const told = await Promise.all(
    Array.from({ length: 100 }, async () => {
      const socket = await client('203.0.113.1', hostPort, '203.0.113.2');
      const own = String(socket.localPort);
      return String(await heard(socket)) === own;
    }),
  );
  t.deepEqual(new Set(told), new Set([true]));
});

withWorker('forwards a header from the client as data', async (t, worker) => {
  const forged = proxyHeader(
    { address: parseAddress('198.51.100.66'), port: 1 },
    { address: parseAddress('203.0.113.1'), port: 2 },
  );
  let told: Promise<Buffer> | undefined;
  const containerPort = await listening('10.9.0.2', (socket) => {
    told = heard(socket);
    socket.end();
  });
  const hostPort = publish(worker, '0.0.0.0', '10.9.0.2', containerPort);
  const socket = await client('203.0.113.1', hostPort, '203.0.113.2');
  const own = header(four, fourServer, socket.localPort ?? 0, hostPort);
  socket.end(forged);
  await heard(socket);
  t.is((await told)?.toString('hex'), `${own}${forged.toString('hex')}`);
});

test('forwards nothing from a client without a known address', async (t) => {
  const streams = new StreamCalls(0);
  const listener = openStream(4);
  bind(listener, { address: parseAddress('203.0.113.1'), port: 7999 });
  listen(listener, 8);
  const here = await client('203.0.113.1', 7999, '203.0.113.2');
  const stays = streams.accept(listener);
  t.truthy(
    clientIdentity(stays, { clientAddress: 'header' }, parseAddress('10.9.0.2')),
    'the control: one that is there',
  );
  const gone = await client('203.0.113.1', 7999, '203.0.113.2');
  const said = streams.accept(listener);
  await new Promise((resolve) => gone.write('PROXY', resolve));
  gone.resetAndDestroy();
  while (takeError(said) === undefined) await delay(5);
  t.is(clientIdentity(said, { clientAddress: 'header' }, parseAddress('10.9.0.2')), undefined);
  t.is(streams.receive(said), 5, 'although its words could still be read');
  here.destroy();
  for (const fd of [stays, said, listener]) closeSocket(fd);
});

/** haproxy answers who it was told that the client is, and refuses whom nobody introduces. */
async function startHaproxy(t: ExecutionContext): Promise<void> {
  writeFileSync(
    configuration,
    `defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend told
  bind 10.9.0.2:8800 accept-proxy
  http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] %[dst] %[dst_port]"
`,
  );
  const child = spawn('haproxy', ['-db', '-f', configuration], { stdio: ['ignore', 'ignore', 'pipe'] });
  children.push(child);
  child.stderr.on('data', (line) => t.log(String(line)));
  while (!(await isListening(8800))) await delay(20);
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '10.9.0.2', () => resolve(true)).on('error', () => resolve(false));
    socket.once('close', () => resolve(false)).end();
  });
}

let haproxy: Promise<void> | undefined;

/** What haproxy answers, and from which port it was asked. */
async function get(host: string, port: number, localAddress: string): Promise<{ own: string; body: string }> {
  const socket = await client(host, port, localAddress);
  const own = String(socket.localPort);
  socket.write('GET / HTTP/1.0\r\n\r\n');
  const answer = await heard(socket).catch(({ code }) => code);
  return { own, body: String(answer).split('\r\n\r\n').at(-1) ?? '' };
}

withWorker('haproxy understands it', async (t, worker) => {
  if (skipUnless(t, lacksProgram({ haproxy: 'haproxy' }))) return;
  haproxy ??= startHaproxy(t);
  await haproxy;
  for (const [asked, from, bound] of [
    ['203.0.113.1', '203.0.113.2', '0.0.0.0'],
    ['2001:db8::1', '2001:db8::2', '::'],
  ] as const) {
    const hostPort = publish(worker, bound, '10.9.0.2', 8800);
    const { own, body } = await get(asked, hostPort, from);
    t.is(body, `${from} ${own} ${asked} ${hostPort}`);
  }
  const { body } = await get('10.9.0.2', 8800, '203.0.113.2');
  t.is(body, 'ECONNRESET', 'the control: it refuses whom nobody has introduced');
});
