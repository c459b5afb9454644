/**
 * Runs one program that publishes ports in a private network namespace. It receives orders over the IPC channel and returns
 * their durations.
 *
 *      client ---uplink--- this network namespace, 198.18.0.1 ---ports0--- container 10.215.0.2, serves port 80
 *
 *     unshare --net node port-scene.ts NAME CONNECT      a child of ports.ts
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { run } from './contender.ts';
import { bridgeName, type CarrierName, carriers, container } from './port-carriers.ts';

export type Order =
  | { readonly act: 'connect'; readonly count: number }
  | { readonly act: 'fill' | 'range' | 'unrange'; readonly count: number }
  | { readonly act: 'add' | 'remove'; readonly index: number };

const [, , name, connect = ''] = process.argv;
const carrier = carriers[name as CarrierName]();
const own = `ports-${process.pid}-0`;
const client = `ports-${process.pid}-client`;
const connections = 2_000;

async function open(): Promise<void> {
  run('ip', ['link', 'set', 'lo', 'up']);
  run('ip', ['netns', 'add', client]);
  run('ip', ['link', 'add', 'uplink', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', client]);
  run('ip', ['address', 'add', '198.18.0.1/24', 'dev', 'uplink']);
  run('ip', ['link', 'set', 'uplink', 'up']);
  run('ip', ['-n', client, 'address', 'add', '198.18.0.2/24', 'dev', 'eth0']);
  run('ip', ['-n', client, 'link', 'set', 'eth0', 'up']);
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
  await carrier.open();
}

/** Starts the server in the container. netavark has created the container with its ports; for the others this creates one. */
async function serve(): Promise<void> {
  if (!existsSync(`/run/netns/${own}`)) {
    run('ip', ['netns', 'add', own]);
    run('ip', [
      'link',
      'add',
      'ports-container',
      'master',
      bridgeName,
      'up',
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      own,
    ]);
    run('ip', ['-n', own, 'address', 'add', `${container}/16`, 'dev', 'eth0']);
    run('ip', ['-n', own, 'link', 'set', 'eth0', 'up']);
    run('ip', ['-n', own, 'route', 'add', 'default', 'via', '10.215.0.1']);
  }
  const server = spawn('ip', ['netns', 'exec', own, connect, 'serve', '80'], { stdio: ['ignore', 'pipe', 'inherit'] });
  process.once('exit', () => server.kill('SIGKILL'));
  await once(server.stdout, 'data');
}

/** @returns nanoseconds */
async function carryOut(order: Order): Promise<number> {
  if (order.act === 'connect') {
    const words = [client, connect, '198.18.0.1', String(carrier.last(order.count)), String(connections)];
    return Number(run('ip', ['netns', 'exec', ...words]));
  }
  const start = process.hrtime.bigint();
  if ('index' in order) await carrier[order.act](order.index);
  else await carrier[order.act]?.(order.count);
  const duration = Number(process.hrtime.bigint() - start);
  if (order.act === 'fill') await serve();
  return duration;
}

await open();
process.on('message', (order: Order) => {
  carryOut(order).then(
    (nanoseconds) => process.send?.({ nanoseconds }),
    (error: unknown) => process.send?.({ failure: String(error) }),
  );
});
process.once('disconnect', () => process.exit(0));
process.send?.({ ready: true });
