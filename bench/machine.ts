/** Describes the measured machine, and sets up the private machine of the measurement. */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from './contender.ts';

/** Address of the private host on its uplink. */
export const hostAddress = '192.0.2.1';

/**
 * Sets up loopback, an uplink and forwarding in the private machine.
 *
 * @throws Error if other links than loopback exist, because the machine is then not private
 */
export function setUpHost(): void {
  if (links() !== 1) throw new Error('the benchmark changes the network of its machine; start it with scripts/bench');
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

/** Waits for the kernel's work after a command, so that it does not slow down the next command. */
export interface Settling {
  /** Waits for new links: carrier, neighbours, multicast groups. */
  pause(): Promise<void>;
  /**
   * Waits until the number of links is that of the call of `settle`, and the kernel has freed them.
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
        if (Date.now() > deadline) throw new Error(`${links() - before} links remain`);
        await sleep(5);
      }
      await sleep(30);
    },
  };
}

/** Returns the number of links in this network namespace: one a line, below two lines of headings. */
function links(): number {
  return readFileSync('/proc/net/dev', 'utf8').trimEnd().split('\n').length - 2;
}

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGibibytes: number;
  readonly kernel: string;
  readonly node: string;
  /** One-minute load average before the first measurement. */
  readonly load: number;
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
