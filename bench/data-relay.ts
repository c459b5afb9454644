/**
 * gangway's relays in a process of their own, as the switchboard has them: `node data-relay.mjs`, the order on its stdin.
 *
 * Says "ready" on its stdout, or why it can't work here, and ends with its stdin. scripts/bench makes one file of it: what
 * compiles TypeScript as it is read would be counted as memory of ours.
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

export interface RelayWish {
  /** The directory of the cgroup whose processes are led past the relay. Absent: nobody is. */
  readonly cgroup?: string;
  readonly target: string;
  readonly forwards: readonly DataForward[];
}

function begin(wish: RelayWish): void {
  const hostAddress = parseAddress('127.0.0.1');
  const target = parseAddress(wish.target);
  const forwards = wish.forwards.map((forward) => ({ binding: { ...forward, hostAddress }, target }));
  const worker = new SpliceWorker({ log: (sentence) => process.stderr.write(sentence) });
  const relays = serve(reserve(socketForwardsOf(gather(forwards))), worker);
  new Tidying(worker).changed(relays.length);
  if (wish.cgroup !== undefined) new ConnectHook(wish.cgroup).redirect(gather(forwards));
}

const lines = createInterface(process.stdin);
lines.once('line', (line) => {
  try {
    begin(JSON.parse(line) as RelayWish);
    process.stdout.write('ready\n');
  } catch (error) {
    process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n`);
  }
});
lines.once('close', () => process.exit());
