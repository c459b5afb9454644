/** The machine that is measured on, and the private one that the measurement runs in. */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from './contender.ts';

/** The private host's own address, towards an outside world that nobody asks anything of. */
export const hostAddress = '192.0.2.1';

/**
 * Gives the private machine what a host has: loopback, an uplink, forwarding.
 *
 * @throws Error where there are other links than loopback, which means that this is no private machine
 */
export function setUpHost(): void {
  if (links() !== 1) throw new Error('the harness changes the network of its machine: start it with scripts/bench');
  run('ip', ['link', 'set', 'lo', 'up']);
  run('ip', ['netns', 'add', 'outside']);
  run('ip', ['link', 'add', 'uplink', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', 'outside']);
  run('ip', ['address', 'add', `${hostAddress}/24`, 'dev', 'uplink']);
  run('ip', ['link', 'set', 'uplink', 'up']);
  run('ip', ['-netns', 'outside', 'link', 'set', 'eth0', 'up']);
  run('ip', ['-netns', 'outside', 'address', 'add', '192.0.2.2/24', 'dev', 'eth0']);
  run('ip', ['route', 'add', 'default', 'via', '192.0.2.2']);
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
}

/** The kernel goes on working after a command has ended. The next one must not pay for that. */
export interface Settling {
  /** Waits while what was just made comes up: carrier, neighbours, multicast groups. */
  pause(): Promise<void>;
  /**
   * Waits until there are no more links than when `settle` was called, and the kernel has cleaned up behind them.
   *
   * @throws Error after ten seconds
   */
  links(): Promise<void>;
}

export function settle(): Settling {
  const before = links();
  return {
    pause: () => sleep(30),
    async links() {
      const deadline = Date.now() + 10_000;
      while (links() > before) {
        if (Date.now() > deadline) throw new Error(`${links() - before} links were left behind`);
        await sleep(5);
      }
      await sleep(30);
    },
  };
}

/** How many links this network namespace has: one a line, below two lines of headings. */
function links(): number {
  return readFileSync('/proc/net/dev', 'utf8').trimEnd().split('\n').length - 2;
}

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGibibytes: number;
  readonly kernel: string;
  readonly node: string;
  /** One-minute load average before the first measurement: was the machine ours alone? */
  readonly load: number;
  /** Flows in connection tracking during the measurement, where a row does not name another number. */
  readonly trackedFlows?: number;
}

export function describeMachine(): Machine {
  const processors = cpus();
  return {
    processor: processors[0]?.model.trim() ?? 'unknown processor',
    cores: processors.length,
    memoryGibibytes: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    load: loadavg()[0] ?? Number.NaN,
  };
}
