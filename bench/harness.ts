/**
 * `npm run bench`: measures gangway, other programs and the C limits in one run.
 *
 *     scripts/bench [--rounds N] [--only containers|thousand|commands|names|ports] [--json] [--output FILE]
 *
 * scripts/bench builds the C limits (in the directory `--limits`) and starts this program in a private machine. proof.ts
 * checks each program before rounds.ts measures it.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { systemPath } from '../src/kernel/run-program.ts';
import { Cni } from './cni.ts';
import type { Absent, Contender } from './contender.ts';
import { Gangway } from './gangway.ts';
import { IpBatch } from './ip-batch.ts';
import { Limit } from './limit.ts';
import { Log, type Measurement } from './log.ts';
import { describeMachine, setUpHost } from './machine.ts';
import { measureNames, missingForNames } from './names.ts';
import { Netavark } from './netavark.ts';
import { measurePorts } from './ports.ts';
import { prove } from './proof.ts';
import { idleNode, report, table } from './report.ts';
import { measureCommands, measureContainers, measureThousand } from './rounds.ts';

const gangway = 'dist/cli/gangway.js';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
    output: { type: 'string' },
    limits: { type: 'string' },
  },
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
await main(Number(options.rounds));

async function main(rounds: number): Promise<void> {
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new RangeError(`--rounds ${options.rounds}: not a number of rounds`);
  const { limits } = options;
  if (limits === undefined) throw new RangeError('--limits DIRECTORY is missing; start with scripts/bench');
  // `npm run` puts another program called nft first.
  process.env.PATH = systemPath;
  const machine = describeMachine();
  setUpHost();
  // The part `names` opens its own programs, in labs.
  const all = ['names', 'ports'].includes(options.only ?? '') ? [] : await openAll(limits);
  const contenders = all.filter((one): one is Contender => !('skipped' in one));
  const skipped = all.filter((one): one is Absent => 'skipped' in one);
  const measurements: Measurement[] = [];
  try {
    await measure(limits, contenders, skipped, rounds, measurements);
  } finally {
    // Prints the results of the finished parts after an error.
    for (const contender of contenders) await contender.close();
    const result = report(machine, contenders, skipped, measurements);
    const json = `${JSON.stringify(result, null, 2)}\n`;
    if (options.output !== undefined) writeFileSync(options.output, json);
    process.stdout.write(options.json ? json : table(result));
  }
}

async function openAll(limits: string): Promise<(Contender | Absent)[]> {
  return [Limit.open(`${limits}/limit`), await Gangway.open(), await Netavark.open(), await Cni.open(), IpBatch.open()];
}

async function measure(
  limits: string,
  contenders: readonly Contender[],
  skipped: Absent[],
  rounds: number,
  measurements: Measurement[],
): Promise<void> {
  const wanted = (part: string) => options.only === undefined || options.only === part;
  const built = existsSync(gangway);
  if (!built) skipped.push({ name: 'gangway, whole commands', skipped: `no ${gangway}: scripts/build` });
  if (contenders.length > 0) progress('checking all programs');
  for (const contender of contenders) await prove(contender);
  if (wanted('commands')) measureCommands(wholeCommands(built), 0);

  if (wanted('containers')) {
    progress(`containers, ${rounds} rounds of ${contenders.length} contenders`);
    measurements.push(...(await measureContainers(contenders, rounds)));
  }
  if (wanted('thousand')) {
    progress('1,000 containers, 3 rounds');
    const enduring = contenders.filter((one) => one.name === 'C limit' || one.name === 'gangway');
    measurements.push(...(await measureThousand(enduring, 3)));
  }
  if (wanted('commands')) {
    progress(`whole commands, ${rounds} rounds`);
    measurements.push(...measureCommands(wholeCommands(built), rounds));
  }
  if (wanted('names')) measurements.push(...(await namesOf(limits, skipped, rounds)));
  if (wanted('ports')) measurements.push(...(await portsOf(limits, skipped, rounds)));
}

async function namesOf(limits: string, skipped: Absent[], rounds: number): Promise<readonly Measurement[]> {
  const missing = missingForNames();
  if (missing !== undefined) {
    skipped.push(missing);
    return [];
  }
  progress(`names, ${rounds} rounds`);
  const log = new Log();
  await measureNames(log, rounds, resolve(limits, 'name-limit'));
  return log.measurements;
}

async function portsOf(limits: string, skipped: Absent[], rounds: number): Promise<readonly Measurement[]> {
  progress(`ports, ${rounds} rounds`);
  const log = new Log();
  skipped.push(...(await measurePorts(log, rounds, resolve(limits, 'connect'))));
  return log.measurements;
}

function wholeCommands(built: boolean): ReadonlyMap<string, readonly string[]> {
  const commands = new Map<string, readonly string[]>([[idleNode, ['-e', '0']]]);
  if (built) {
    commands.set('gangway network ls', [gangway, 'network', 'ls']);
    commands.set('gangway network create', [gangway, 'network', 'create', 'front']);
    commands.set('gangway network rm', [gangway, 'network', 'rm', 'front']);
    commands.set('gangway run --rm true', [gangway, 'run', '--rm', 'true']);
    commands.set('gangway run --rm --isolation=network true', [gangway, 'run', '--rm', '--isolation=network', 'true']);
  }
  return commands;
}

function progress(sentence: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${sentence} …\n`);
}
