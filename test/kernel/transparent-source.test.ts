// A relay that connects in its client's name, on each worker. What the plan has for the way back is typed as it is explained.
//
//     namespace world                 this thread's own network                       namespace container
//     203.0.113.2 ──── 203.0.113.1:8001 │ relay │ from 203.0.113.2 ──── 10.9.0.1 ──── 10.9.0.2:80
//     2001:db8::2      2001:db8::1      │       │ from 2001:db8::2      fd00:9::1     fd00:9::2
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import test, { registerCompletionHandler } from 'ava';
import { everyKind } from '../../src/engine/step-kinds.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { returnPath } from '../../src/networks/transparent-source.ts';
import { kindOf } from '../../src/plan/kind.ts';
import type { Relay } from '../../src/services/proxy/relay.ts';
import { reserve, serve } from '../../src/services/proxy/reservation.ts';
import type { SpliceWorker } from '../../src/services/proxy/splice-worker/splice-worker.ts';
import { parseAddress, parsePrefix } from '../../src/values/address.ts';
import { enterPrivateNetwork, enterPrivatePins, ip } from '../support/private-network.ts';
import { sockets } from '../support/sockets.ts';
import { withWorker } from '../support/with-worker.ts';

const children: ChildProcess[] = [];
let port = 8000;

registerCompletionHandler(() => {
  for (const child of children) child.kill('SIGKILL');
  process.exit();
});

const links = [
  {
    namespace: 'world',
    here: 'w0',
    own: ['203.0.113.1/24', '2001:db8::1/64'],
    there: ['203.0.113.2/24', '2001:db8::2/64'],
  },
  { namespace: 'container', here: 'c0', own: ['10.9.0.1/24', 'fd00:9::1/64'], there: ['10.9.0.2/24', 'fd00:9::2/64'] },
] as const;

test.before(() => {
  enterPrivateNetwork();
  enterPrivatePins();
  for (const { namespace, here, own, there } of links) {
    ip(`netns add ${namespace}`);
    ip(`link add ${here} type veth peer name eth0 netns ${namespace}`);
    for (const address of own) ip(`address add ${address} dev ${here}${address.includes(':') ? ' nodad' : ''}`);
    for (const address of there)
      ip(`-n ${namespace} address add ${address} dev eth0${address.includes(':') ? ' nodad' : ''}`);
    ip(`link set ${here} up`);
    for (const link of ['lo', 'eth0']) ip(`-n ${namespace} link set ${link} up`);
  }
  for (const gateway of ['10.9.0.1', 'fd00:9::1']) ip(`-n container route add default via ${gateway}`);
  // As unseen.ts has it: what this machine sends to its containers.
  for (const subnet of ['10.9.0.0/24', 'fd00:9::/64'])
    ip(`${subnet.includes(':') ? '-6 ' : ''}rule add pref 640 to ${subnet} iif lo lookup main`);
  execFileSync('sysctl', ['-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.c0.src_valid_mark=1']);
  for (const family of ['4', '6']) {
    const server = `TCP${family}-LISTEN:80,reuseaddr,fork${family === '6' ? ',ipv6only' : ''}`;
    children.push(
      spawn('ip', ['netns', 'exec', 'container', 'socat', '-T5', server, 'SYSTEM:echo $SOCAT_PEERADDR; cat']),
    );
  }
});

function publish(
  worker: SpliceWorker,
  hostAddress: string,
  target: string,
  containerPort = 80,
): { relay: Relay; hostPort: number } {
  const hostPort = ++port;
  const clientAddress = 'transparent';
  const binding = {
    protocol: 'tcp',
    hostAddress: parseAddress(hostAddress),
    hostPort,
    containerPort,
    clientAddress,
  } as const;
  const near = ['10.9.0.0/24', 'fd00:9::/64'].map(parsePrefix);
  const [relay] = serve(reserve(sockets({ binding, target: parseAddress(target), near })), worker);
  if (relay === undefined) throw new Error('nothing served');
  return { relay, hostPort };
}

/** What a client hears that says `words`. */
async function ask(namespace: string, target: string, words = ''): Promise<string> {
  const client = [
    'netns',
    'exec',
    namespace,
    'sh',
    '-c',
    `printf %s "$1" | socat -t5 - TCP:${target},connect-timeout=3`,
    'sh',
    words,
  ];
  const { stdout } = await promisify(execFile)('ip', client).catch((error) => error);
  return stdout;
}

const ready = () =>
  waitFor(
    'the server listens',
    async () => (await ask('container', '10.9.0.2:80')) !== '' && (await ask('container', '[fd00:9::2]:80')) !== '',
  );

withWorker('without the way back nobody answers, with it the container sees the client', async (t, worker) => {
  await ready();
  const { hostPort } = publish(worker, '0.0.0.0', '10.9.0.2');
  const commands = returnPath([4, 6]).map((step) => ({
    make: kindOf(everyKind(), step).commands(step),
    unmake: kindOf(everyKind(), step).undoCommands(step),
  }));
  const run = (lines: readonly string[]) => execFileSync('sh', ['-euc', lines.join('\n')]);
  t.is(await ask('world', `203.0.113.1:${hostPort}`), '', 'the control');
  run(commands.flatMap(({ make }) => make));
  t.teardown(() => run(commands.toReversed().flatMap(({ unmake }) => unmake)));

  t.is(await ask('world', `203.0.113.1:${hostPort}`, 'hello'), '203.0.113.2\nhello');
  const six = publish(worker, '::', 'fd00:9::2');
  t.is(
    await ask('world', `[2001:db8::1]:${six.hostPort}`, 'hello'),
    '[2001:0db8:0000:0000:0000:0000:0000:0002]\nhello',
  );
  const across = publish(worker, '::', '10.9.0.2');
  t.is(await ask('world', `[2001:db8::1]:${across.hostPort}`), '10.9.0.1\n', 'no address of IPv6 is one of IPv4');
  t.is(
    await ask('container', `10.9.0.1:${hostPort}`),
    '10.9.0.1\n',
    'whom the container answers itself, it does not see',
  );
  const large = 'x'.repeat(50_000);
  t.is(await ask('world', `203.0.113.1:${hostPort}`, large), `203.0.113.2\n${large}`);
  const closed = publish(worker, '0.0.0.0', '10.9.0.2', 81);
  t.is(await ask('world', `203.0.113.1:${closed.hostPort}`), '');
  await waitFor('a refusal ends it', () => closed.relay.clients === 0);
});
