/**
 * Measures gangway's and dockerd's DNS servers, each in its own lab, with dnsperf in a container.
 *
 *     ┌─ host ───────────────────────────────┐      ┌─ servers ────────────────┐
 *     │ gangway, or dockerd   front: web     ├──────┤ DNS :53, 192.0.2.1 for   │
 *     │                              asker ◀─┼─ dnsperf   every name          │
 *     └──────────────────────────────────────┘      └──────────────────────────┘
 *
 * A third server in C, in the container itself, shows the limit (name-limit.c).
 *
 * dnsperf and the server share the processors, so queries a second measure both together. The processor time of a query
 * measures the server alone.
 */
import { spawnSync } from 'node:child_process';
import { waitFor } from '../src/lab/wait.ts';
import { DockerWorld, missingDocker } from '../test/parity/docker-world.ts';
import { GangwayWorld } from '../test/parity/gangway-world.ts';
import type { Scenario } from '../test/parity/scenario.ts';
import type { World } from '../test/parity/world.ts';
import { worldNames } from '../test/support/world-names.ts';
import type { Absent } from './contender.ts';
import { type Figures, readDnsperf } from './dnsperf.ts';
import type { Log } from './log.ts';

const scenario: Scenario = { title: 'names', cites: [], outside: ['servers'], steps: [] };
const queries = 100_000;
/** Well below the capacity of either server, so that queries do not queue. */
const calmPerSecond = 1_000;
const limitPort = 5_300;
const clockTicksPerSecond = 100;

const furnish = `
echo 'nameserver 203.0.113.3' >/run/parity/resolv.conf
echo 'web A' >/run/parity/known
echo 'x.test A' >/run/parity/outside
seq -f 'x%.0f.test A' ${queries} >/run/parity/external
seq -f 'y%.0f.test A' ${queries} >/run/parity/others
`;

export function missingForNames(): Absent | undefined {
  const dnsperf = spawnSync('dnsperf', ['-h'], { stdio: 'ignore' }).error === undefined;
  const reason = missingDocker() ?? (dnsperf ? undefined : 'dnsperf is not installed (Debian: dnsperf)');
  return reason === undefined ? undefined : { name: 'names', skipped: reason };
}

/**
 * @param limit the path of name-limit.c's program
 * @throws Error with the message of the failed part
 */
export async function measureNames(log: Log, rounds: number, limit: string): Promise<void> {
  await using gangway = await GangwayWorld.start(scenario);
  await using docker = await DockerWorld.start(scenario);
  const servers = [
    await NameContender.open('gangway', gangway, '[_]switchboard'),
    await NameContender.open('dockerd', docker, '[d]ockerd --data-root'),
  ];
  const all = [await NameContender.limit(gangway, limit), ...servers];
  for (const server of all) await server.ask('known', ['-n', `${queries / 10}`]);
  for (let round = 0; round < rounds; round++) for (const server of all) await measureRound(server, log);
  for (const server of servers) await measureMemory(server, log);
}

async function measureRound(server: NameContender, log: Log): Promise<void> {
  for (const [names, what] of [
    ['known', 'a container’s name'],
    ['outside', 'an external name'],
  ] as const) {
    const before = await server.processorSeconds();
    const fast = await server.ask(names, ['-l', '2']);
    const seconds = (await server.processorSeconds()) - before;
    log.add(what, server.name, fast.perSecond, 'queries/s');
    log.add(`${what}, processor`, server.name, (seconds / fast.completed) * 1e6, 'µs');
    const calm = await server.ask(names, ['-l', '2', '-Q', `${calmPerSecond}`, '-O', 'latency-histogram']);
    log.add(`${what}, median answer`, server.name, calm.within(0.5), 'µs');
    log.add(`${what}, 99 % of answers`, server.name, calm.within(0.99), 'µs');
  }
}

async function measureMemory(server: NameContender, log: Log): Promise<void> {
  const grown = async (what: string, names: string, runs: number) => {
    const before = await server.residentMebibytes();
    await server.ask(names, ['-n', `${runs}`]);
    log.add(`memory, increase after ${what}`, server.name, (await server.residentMebibytes()) - before, 'MiB');
  };
  log.add('memory, before', server.name, await server.residentMebibytes(), 'MiB');
  await grown('100,000 queries for a container', 'known', queries);
  await grown('100,000 external names', 'external', 1);
  await grown('100,000 other names', 'others', 1);
  log.add('memory, after all', server.name, await server.residentMebibytes(), 'MiB');
}

class NameContender {
  private constructor(
    readonly name: string,
    private readonly world: World,
    private readonly pid: string,
    private readonly where: readonly [address: string, port: number] = ['127.0.0.11', 53],
  ) {}

  /** Starts the C limit in the network of container `asker`, which exists already. */
  static async limit(world: World, program: string): Promise<NameContender> {
    const { prefix } = await world.enter('asker');
    world.lab.host.spawn([...prefix, program, `${limitPort}`]);
    const pid = async () => (await world.lab.host.exec(['pgrep', '-x', 'name-limit'])).stdout.trim();
    await waitFor('the C limit serves', async () => (await pid()) !== '');
    return new NameContender('C limit', world, await pid(), ['127.0.0.1', limitPort]);
  }

  /** @param process pattern of the server's process for pgrep(1) in its lab */
  static async open(name: string, world: World, process: string): Promise<NameContender> {
    await world.lab.host.run(['sh', '-euc', furnish]);
    const server = ['sh', '-c', 'exec "$@" >/dev/null', 'sh', globalThis.process.execPath, '-e', worldNames];
    world.lab.place('servers').spawn(server);
    for (const line of ['network create front', runIdle('web'), runIdle('asker')]) {
      const { exitCode, stderr } = await world.run(line.split(' '));
      if (exitCode !== 0) throw new Error(`${name}: ${line}: ${stderr.trim()}`);
    }
    const stdout = await world.lab.host.run(['pgrep', '-f', process]);
    const contender = new NameContender(name, world, stdout.trim());
    await waitFor(
      `${name} answers both names`,
      async () => (await contender.knows('web')) && (await contender.knows('x.test')),
    );
    return contender;
  }

  /** Runs dnsperf with an input file and options. @throws Error if a query was lost or failed */
  async ask(names: string, options: readonly string[]): Promise<Figures> {
    const [address, port] = this.where;
    const argv = ['dnsperf', '-s', address, '-p', `${port}`, '-d', `/run/parity/${names}`, ...options];
    const { prefix } = await this.world.enter('asker');
    const stdout = await this.world.lab.host.run([...prefix, ...argv], { timeoutMilliseconds: 400_000 });
    return readDnsperf(stdout);
  }

  async processorSeconds(): Promise<number> {
    const stdout = await this.world.lab.host.run(['cat', `/proc/${this.pid}/stat`]);
    // After the name, which may have spaces: utime and stime are fields 14 and 15 of proc_pid_stat(5).
    const [user, system] = stdout
      .slice(stdout.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13);
    return (Number(user) + Number(system)) / clockTicksPerSecond;
  }

  async residentMebibytes(): Promise<number> {
    const stdout = await this.world.lab.host.run(['cat', `/proc/${this.pid}/status`]);
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(stdout)?.[1]) / 1024;
  }

  private async knows(name: string): Promise<boolean> {
    const { stdout } = await this.world.within('asker', ['dig', '+short', '+tries=1', '@127.0.0.11', name]);
    return /^\d+(\.\d+){3}$/m.test(stdout);
  }
}

function runIdle(name: string): string {
  return `run -d --name ${name} --network front IMAGE sleep 1000000`;
}
