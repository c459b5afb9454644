/**
 * What the engine carries of SCTP, on the loopback of one network:
 *
 *     Python ── 127.0.0.1 ──┬── the engine, 0.0.0.0:8001 and [::]:8001 ── 10.9.0.2:PORT ── Python
 *               ::1 ────────┘
 */
import test, { type ExecutionContext, registerCompletionHandler } from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import type { Relay } from '../../src/services/proxy/relay.ts';
import { reserve, serve } from '../../src/services/proxy/reservation.ts';
import type { SpliceWorker } from '../../src/services/proxy/splice-worker/splice-worker.ts';
import { parseAddress } from '../../src/values/address.ts';
import type { Forward } from '../../src/values/port.ts';
import { enterPrivateNetwork, ip } from '../support/private-network.ts';
import {
  type Behaviour,
  lacksSctp,
  type Peer,
  type Step,
  sctpClient,
  sctpServer,
  startPeer,
} from '../support/sctp-peers.ts';
import { skipUnless } from '../support/skip.ts';
import { sockets } from '../support/sockets.ts';
import { newWorker } from '../support/splice-worker.ts';

const container = '10.9.0.2';
const peers: Peer[] = [];
let port = 8000;

registerCompletionHandler(() => {
  for (const { child } of peers) child.kill('SIGKILL');
  process.exit();
});

test.before(() => {
  enterPrivateNetwork();
  ip(`address add ${container}/32 dev lo`);
  // As on a cable: two packets of 64 KiB are more than Python's sockets have room for, and one comes again after a second.
  ip('link set lo mtu 1500');
});

/** A published port, and a container that does as it is told behind it. */
interface Scene {
  readonly relays: readonly Relay[];
  readonly port: number;
  readonly server?: Peer;
}

async function scene(behaviour: Behaviour | undefined, worker: SpliceWorker = engine()): Promise<Scene> {
  port += 1;
  const server = behaviour && startPeer(sctpServer(container, port + 1000, behaviour));
  if (server !== undefined) {
    peers.push(server);
    await server.next();
  }
  const forwards = ['0.0.0.0', '::'].map((address) => forward(address, port, port + 1000));
  const relays = serve(reserve(sockets(...forwards)), worker);
  return { relays, port, ...(server && { server }) };
}

function forward(address: string, hostPort: number, containerPort: number): Forward {
  const hostAddress = parseAddress(address);
  return { binding: { protocol: 'sctp', hostAddress, hostPort, containerPort }, target: parseAddress(container) };
}

function start({ port }: Pick<Scene, 'port'>, steps: readonly Step[], address = '127.0.0.1'): Peer {
  const peer = startPeer(sctpClient(address, port, steps));
  peers.push(peer);
  return peer;
}

let shared: SpliceWorker | undefined;

function engine(): SpliceWorker {
  shared ??= newWorker();
  return shared;
}

function sctp(title: string, body: (t: ExecutionContext) => Promise<void>): void {
  test.serial(title, async (t) => {
    if (!skipUnless(t, lacksSctp())) await body(t);
  });
}

const clientsOf = ({ relays }: Scene) => relays.reduce((sum, relay) => sum + relay.clients, 0);
const countsOf = ({ relays }: Scene) => relays[0]?.counts();

sctp('messages stay whole, in their streams, with their numbers, from either family', async (t) => {
  const stage = await scene({ echo: true });
  const messages: readonly Step[] = [
    ['send', 1, 0, 0],
    ['send', 1400, 3, 46],
    ['send', 3000, 9, 0xfffffffe, 1],
    ['send', 65_536, 1, 1],
    ['send', 150_000, 19, 2],
  ];
  const steps = messages.flatMap((each): readonly Step[] => [each, ['receive']]);
  for (const address of ['127.0.0.1', '::1']) {
    const told = await start(stage, [...steps, ['close']], address).rest();
    t.deepEqual(
      told.map(({ length, stream, kind, unordered }) => [length, stream, kind, unordered]),
      messages.map(([, length, stream, kind, unordered = 0]) => [length, stream, kind, unordered]),
    );
    t.like(await stage.server?.next(), { peer: container, end: 'shutdown' });
  }
  const bytes = messages.reduce((sum, [, length = 0]) => sum + length, 0);
  t.like(countsOf(stage), { connections: 1, bytesIn: bytes, bytesOut: bytes, containerReset: 0, clientReset: 0 });
});

sctp('who ends it in order ends all of it, and nothing that was said before is lost', async (t) => {
  const talkative = await scene({ messages: 100, end: 'close' });
  t.deepEqual(await start(talkative, [['drain']]).rest(), [{ bytes: 5_000_000, end: 'shutdown' }]);
  const quiet = await scene({});
  const sends = Array.from({ length: 100 }, (): Step => ['send', 50_000]);
  await start(quiet, [...sends, ['close']]).rest();
  t.like(await quiet.server?.next(), { bytes: 5_000_000, end: 'shutdown' });
  for (const each of [talkative, quiet]) await waitFor('nobody is connected', () => clientsOf(each) === 0);
  t.like(countsOf(quiet), { clientReset: 0, containerReset: 0 });
});

sctp('who breaks it off breaks off the other side', async (t) => {
  const listening = await scene({});
  await start(listening, [['send', 10], ['abort']]).rest();
  t.like(await listening.server?.next(), { end: 'ECONNRESET' });
  t.like(countsOf(listening), { clientReset: 1 });
  const rude = await scene({ end: 'abort' });
  t.deepEqual(await start(rude, [['drain']]).rest(), [{ error: 'ECONNRESET' }]);
  await waitFor('it is counted', () => countsOf(rude)?.containerReset === 1);
});

sctp('a container that does not listen', async (t) => {
  const nobody = await scene(undefined);
  t.deepEqual(await start(nobody, [['drain']]).rest(), [{ error: 'ECONNRESET' }]);
  t.like(countsOf(nobody), { refused: 1 });
});

sctp('a reader that does not read holds back the writer, and gets everything', async (t) => {
  const stage = await scene({ messages: 200, end: 'close' });
  const client = start(stage, [['wait'], ['drain']]);
  await client.next();
  const heldBack = () => countsOf(stage)?.bytesOut ?? 0;
  let [before, looks] = [0, 0];
  await waitFor('no more goes through', () => {
    const now = heldBack();
    looks = now > 0 && now === before ? looks + 1 : 0;
    before = now;
    return looks === 100;
  });
  t.true(heldBack() < 5_000_000, `${heldBack()} bytes`);
  client.go();
  t.deepEqual(await client.rest(), [{ bytes: 10_000_000, end: 'shutdown' }]);
});

sctp('without descriptors a client is turned away, and others go on', async (t) => {
  const stage = await scene({ echo: true });
  const served = start(stage, [['send', 1], ['receive'], ['wait'], ['send', 2], ['receive']]);
  await served.next();
  await served.next();
  const full = await scene({}, newWorker({ descriptorLimit: 0 }));
  t.deepEqual(await start(full, [['drain']]).rest(), [{ error: 'ECONNRESET' }]);
  t.like(countsOf(full), { turnedAway: 1 });
  served.go();
  t.like(await served.next(), { length: 2 });
  for (const relay of full.relays) await relay.abort();
});

sctp('a withdrawn port is free, and who is served has some time', async (t) => {
  const stage = await scene({ echo: true });
  const served = start(stage, [['send', 1], ['receive'], ['wait'], ['send', 2], ['receive'], ['close']]);
  await served.next();
  await served.next();
  const ended = Promise.all(stage.relays.map((relay) => relay.drain()));
  t.deepEqual(await start(stage, [['drain']]).rest(), [{ error: 'ECONNREFUSED' }]);
  served.go();
  t.like(await served.next(), { length: 2 });
  await ended;
  const cut = await scene({});
  const client = start(cut, [['send', 1], ['wait'], ['drain']]);
  await client.next();
  await waitFor('it is connected', () => clientsOf(cut) === 1);
  await Promise.all(cut.relays.map((relay) => relay.abort()));
  client.go();
  t.deepEqual(await client.rest(), [{ error: 'ECONNRESET' }]);
});

sctp('a port whose holder is another program is refused with its name', async (t) => {
  const holder = startPeer(sctpServer('127.0.0.1', 7001, {}));
  peers.push(holder);
  await holder.next();
  t.throws(() => reserve(sockets(forward('0.0.0.0', 7001, 80))), {
    message: /^port 0\.0\.0\.0:7001\/sctp is in use by python3 \(pid \d+\)$/,
  });
});
