/** What the connect hook says of ports that it leads no more: by which of them there may be a connection. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import test, { registerCompletionHandler } from 'ava';
import { readLayout } from '../../src/kernel/cgroup.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { ConnectHook } from '../../src/services/connect-hook/connect-hook.ts';
import { parseAddress } from '../../src/values/address.ts';
import type { ForwardSet } from '../../src/values/forward-set.ts';
import { lacksHook } from '../support/bpf.ts';
import { enterPrivateNetwork, ip } from '../support/private-network.ts';
import { skipUnless } from '../support/skip.ts';

const container = '10.9.0.2';

registerCompletionHandler(() => {
  process.exit();
});

function forward(protocol: 'tcp' | 'udp', hostPort: number, containerPort: number): ForwardSet {
  const [hostAddress, target] = [parseAddress('127.0.0.1'), parseAddress(container)];
  return { protocol, hostAddress, target, ports: [{ hostPort, containerPort, count: 1 }] };
}

/** socat, in a cgroup in which it is led. */
function socat(group: string, address: string): ChildProcess {
  const words = ['-c', 'echo 0 >"$1/cgroup.procs"; exec socat - "$2"', 'sh', group, address];
  return spawn('sh', words, { stdio: ['pipe', 'ignore', 'ignore'] });
}

test('of ports that are led to no more those are told by which a connection was led, and it is found and broken off', async (t) => {
  if (skipUnless(t, lacksHook())) return;
  enterPrivateNetwork();
  ip(`address add ${container}/32 dev lo`);
  const server = createServer().listen(0, container);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const tree = readLayout().hierarchies.find(({ version }) => version === 2);
  const group = mkdtempSync(join(tree?.mountPoint ?? '', 'gangway-test-'));
  const hook = new ConnectHook(group);
  const [used, unused, datagrams] = [
    forward('tcp', 8080, port),
    forward('tcp', 8081, port),
    forward('udp', 8082, port),
  ];
  hook.redirect([used, unused, datagrams]);
  const accepted = once(server, 'connection');
  const clients = [socat(group, 'TCP4:127.0.0.1:8080'), socat(group, 'UDP4-SENDTO:127.0.0.1:8082')];
  t.teardown(async () => {
    for (const client of clients) client.kill('SIGKILL');
    await waitFor('its processes have ended', () =>
      clients.every(({ exitCode, signalCode }) => exitCode ?? signalCode),
    );
    hook.close();
    rmdirSync(group);
  });
  clients[1]?.stdin?.write('hello\n');
  const [connection] = (await accepted) as [Socket];
  await waitFor('the datagram is led', () => hook.counts()([datagrams]) === 1);
  t.is(hook.counts()([used]), 1, 'control');
  t.deepEqual(hook.remove([unused, datagrams]), new Set());
  const numbers = hook.remove([used]);
  t.is(numbers.size, 1);
  t.deepEqual(hook.connectedIds(), numbers);
  const broken = new Promise((resolve) => connection.once('close', resolve).once('error', resolve));
  connection.resume();
  hook.abortConnections(numbers);
  await broken;
  t.deepEqual(hook.connectedIds(), new Set());
});
