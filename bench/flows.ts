/**
 * Removal while the kernel tracks flows: connection tracking has to delete those of the container, and no other.
 *
 * An idle machine tracks nothing, and hides what that costs. So the flows are added before anything is measured, and each
 * row says how many the kernel counted. No packet belongs to them, and none of them belongs to a container.
 */
import { Connection } from '../src/netlink/connection.ts';
import { addFlows, countFlows, flushFlows } from '../test/support/tracked-flows.ts';
import type { Gangway } from './gangway.ts';
import { Log, type Measurement } from './log.ts';
import { settle } from './machine.ts';
import { warmUp } from './rounds.ts';

/** How many flows are tracked while other work is measured. */
export const usualFlows = 100;
const counts = [0, 1, 100, 10_000];
const containers = 1_000;

/** Has the kernel of this network namespace track so many foreign flows, and no others. */
export function trackFlows(count: number): void {
  const connection = Connection.open('netfilter');
  flushFlows(connection);
  const flows = Array.from({ length: count }, (_, index) => ({
    protocol: 'udp' as const,
    from: [`198.18.${index >> 8}.${index & 0xff}`, 40_000] as const,
    to: ['198.51.100.1', 53] as const,
  }));
  addFlows(connection, flows);
  connection.close();
}

/** One removal with a port for each count of flows, IPv4 and dual stack, and a thousand in a row for IPv4. */
export async function measureFlows(ipv4: Gangway, rounds: number): Promise<readonly Measurement[]> {
  const log = new Log();
  const contenders = new Map([
    ['IPv4', ipv4],
    ['dual stack', await ipv4.dualStack()],
  ]);
  trackFlows(0);
  for (const gangway of contenders.values()) await warmUp(gangway, new Log());
  for (const count of counts) {
    trackFlows(count);
    for (let round = 0; round < rounds; round++) {
      for (const [name, gangway] of contenders) {
        const settled = settle();
        await gangway.create(0, true);
        await settled.pause();
        log.add(`remove, one port published, ${tracked()}`, name, await gangway.remove(0));
        await settled.links();
      }
    }
    for (let round = 0; round < 3; round++)
      log.add(`1,000 containers, removed, ${tracked()}`, 'IPv4', await removeMany(ipv4));
  }
  trackFlows(usualFlows);
  return log.measurements;
}

/** @returns the nanoseconds of all removals together */
async function removeMany(gangway: Gangway): Promise<number> {
  const settled = settle();
  for (let index = 0; index < containers; index++) await gangway.create(index, true);
  await settled.pause();
  let nanoseconds = 0;
  for (let index = 0; index < containers; index++) nanoseconds += await gangway.remove(index);
  await settled.links();
  return nanoseconds;
}

function tracked(): string {
  const count = countFlows();
  return `${count.toLocaleString('en')} ${count === 1 ? 'flow' : 'flows'} tracked`;
}
