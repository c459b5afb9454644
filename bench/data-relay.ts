/**
 * Runs gangway's proxy in a separate process, as in the switchboard: `node data-relay.mjs`, with the order on stdin.
 *
 * Prints "ready" or an error on stdout, and exits at the end of stdin. scripts/bench bundles this program, because a
 * TypeScript loader would count as memory of the proxy.
 */
import { createInterface } from 'node:readline';
import { Tidying } from '../src/engine/switchboard/memory-trim.ts';
import { ConnectHook } from '../src/services/connect-hook/connect-hook.ts';
import { reserve, serve } from '../src/services/proxy/reservation.ts';
import { socketForwardsOf } from '../src/services/proxy/socket-forward.ts';
import { SpliceWorker } from '../src/services/proxy/splice-worker/splice-worker.ts';
import { parseAddress } from '../src/values/address.ts';
import { gather } from '../src/values/forward-set.ts';
import type { DataForward } from './data-forward.ts';

export interface RelayOrder {
  /** Directory of the cgroup whose connections the hook redirects. Default none. */
  readonly cgroup?: string;
  readonly target: string;
  readonly forwards: readonly DataForward[];
}

function start(order: RelayOrder): void {
  const hostAddress = parseAddress('127.0.0.1');
  const target = parseAddress(order.target);
  const forwards = order.forwards.map((forward) => ({ binding: { ...forward, hostAddress }, target }));
  const worker = new SpliceWorker({ log: (sentence) => process.stderr.write(sentence) });
  const relays = serve(reserve(socketForwardsOf(gather(forwards))), worker);
  new Tidying(worker).changed(relays.length);
  if (order.cgroup !== undefined) new ConnectHook(order.cgroup).redirect(gather(forwards));
}

const lines = createInterface(process.stdin);
lines.once('line', (line) => {
  try {
    start(JSON.parse(line) as RelayOrder);
    process.stdout.write('ready\n');
  } catch (error) {
    process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n`);
  }
});
lines.once('close', () => process.exit());
