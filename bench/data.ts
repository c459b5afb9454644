/**
 * `npm run bench:data`: measures the path from a process of the host to a container, beside docker-proxy and others.
 *
 *     scripts/bench --data [--rounds N] [--milliseconds N] [--only PART] [--json] [--output FILE]
 *
 * Parts: streams, pings, connections, datagrams, memory, big-tcp. Prints the tables for docs/performance.md. All carriers
 * lead to one container, on a network with packets of at most 64 KiB, as in Docker. Larger packets are a separate part.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { systemPath } from '../src/kernel/run-program.ts';
import type { Absent } from './contender.ts';
import { measureBigTcp, sizesOff } from './data-big-tcp.ts';
import { carrierKinds } from './data-carriers.ts';
import { measureMemory } from './data-memory.ts';
import { loadRules, makeNetwork, startServices } from './data-network.ts';
import { type DataPart, dataParts, measureCarriers, type Tools } from './data-rounds.ts';
import { markdown } from './data-table.ts';
import { Log } from './log.ts';
import { describeMachine, setUpHost } from './machine.ts';
import { report } from './report.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    milliseconds: { type: 'string', default: '1000' },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
    output: { type: 'string' },
    limits: { type: 'string' },
  },
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
await main(positive('rounds'), positive('milliseconds'));

function positive(name: 'rounds' | 'milliseconds'): number {
  const value = Number(options[name]);
  if (Number.isInteger(value) && value > 0) return value;
  throw new RangeError(`--${name} ${options[name]}: not a number above 0`);
}

async function main(rounds: number, milliseconds: number): Promise<void> {
  const { limits, only } = options;
  if (limits === undefined) throw new RangeError('--limits DIRECTORY is missing; start with scripts/bench --data');
  if (only !== undefined && !dataParts.some((part) => part === only))
    throw new RangeError(`--only ${only}: not one of ${dataParts.join(', ')}`);
  // `npm run` puts other programs of the same names first.
  process.env.PATH = systemPath;
  const tools = { program: resolve(limits, 'load'), counter: join(tmpdir(), 'arrived'), rounds, milliseconds };
  const kinds = carrierKinds(resolve(limits, 'data-relay.mjs'));
  const machine = describeMachine();
  const log = new Log();
  const absent: Absent[] = [];
  setUpHost();
  try {
    await measure(log, absent, kinds, tools);
  } finally {
    // Prints the results of the finished parts after an error.
    const result = report(machine, kinds, absent, log.measurements);
    const base = absent.some(({ name }) => name === 'docker-proxy') ? 'gangway, relay' : 'docker-proxy';
    const json = `${JSON.stringify(result, null, 2)}\n`;
    if (options.output !== undefined) writeFileSync(options.output, json);
    process.stdout.write(options.json ? json : markdown(result, [base, sizesOff]));
  }
  process.exit();
}

async function measure(
  log: Log,
  absent: Absent[],
  kinds: ReturnType<typeof carrierKinds>,
  tools: Tools,
): Promise<void> {
  const wanted = (part: DataPart) => options.only === undefined || options.only === part;
  await loadRules();
  const [container] = await makeNetwork(0, 'off');
  if (container === undefined) throw new RangeError('a container is needed');
  await startServices(tools.program, container, tools.counter);
  absent.push(...(await measureCarriers(log, kinds, wanted, container.address, tools)));
  if (wanted('memory')) await measureMemory(log, kinds, container.address, tools.program);
  if (wanted('big-tcp')) await measureBigTcp(log, 1, tools);
}
