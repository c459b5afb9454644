/**
 * `npm run bench`: gangway beside its peers and beside what the kernel itself asks for, in one run.
 *
 *     scripts/bench [--rounds N] [--only containers|thousand|commands|names] [--json] [--output FILE]
 *
 * scripts/bench builds the C limit (`--limit` says where) and starts this program inside a private machine, which ends
 * with it, however it ends.
 * Each contender proves that it does the work (proof.ts) before it is measured (rounds.ts).
 */
import { existsSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Cni } from './cni.ts';
import type { Absent, Contender } from './contender.ts';
import { IpBatch } from './ip-batch.ts';
import { Limit } from './limit.ts';
import { Log, type Measurement } from './log.ts';
import { describeMachine, setUpHost } from './machine.ts';
import { measureNames, missingForNames } from './names.ts';
import { Netavark } from './netavark.ts';
import { Gangway } from './ours.ts';
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
    limit: { type: 'string' },
  },
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
await main(Number(options.rounds));

async function main(rounds: number): Promise<void> {
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new RangeError(`--rounds ${options.rounds}: not a number of rounds`);
  if (options.limit === undefined) throw new RangeError('--limit FILE is missing: start this with scripts/bench');
  const machine = describeMachine();
  setUpHost();
  // Names have their own, in labs.
  const all = options.only === 'names' ? [] : await openAll(options.limit);
  const contenders = all.filter((one): one is Contender => !('skipped' in one));
  const skipped = all.filter((one): one is Absent => 'skipped' in one);
  const measurements = await measure(contenders, skipped, rounds);
  for (const contender of contenders) await contender.close();
  const result = report(machine, contenders, skipped, measurements);
  const json = `${JSON.stringify(result, null, 2)}\n`;
  if (options.output !== undefined) writeFileSync(options.output, json);
  process.stdout.write(options.json ? json : table(result));
}

async function openAll(limit: string): Promise<(Contender | Absent)[]> {
  return [Limit.open(limit), await Gangway.open(), await Netavark.open(), await Cni.open(), IpBatch.open()];
}

async function measure(contenders: readonly Contender[], skipped: Absent[], rounds: number): Promise<Measurement[]> {
  const wanted = (part: string) => options.only === undefined || options.only === part;
  const built = existsSync(gangway);
  if (!built) skipped.push({ name: 'gangway, whole commands', skipped: `no ${gangway}: scripts/build` });
  if (contenders.length > 0) progress('proving that everything works that is to be measured');
  for (const contender of contenders) await prove(contender);
  if (wanted('commands')) measureCommands(wholeCommands(built), 0);

  const measurements: Measurement[] = [];
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
  if (wanted('names')) measurements.push(...(await namesOf(skipped, rounds)));
  return measurements;
}

async function namesOf(skipped: Absent[], rounds: number): Promise<readonly Measurement[]> {
  const missing = missingForNames();
  if (missing !== undefined) {
    skipped.push(missing);
    return [];
  }
  progress(`names, ${rounds} rounds`);
  const log = new Log();
  await measureNames(log, rounds);
  return log.measurements;
}

function wholeCommands(built: boolean): ReadonlyMap<string, readonly string[]> {
  const commands = new Map<string, readonly string[]>([[idleNode, ['-e', '0']]]);
  if (built) {
    commands.set('gangway network ls', [gangway, 'network', 'ls']);
    commands.set('gangway run --rm true', [gangway, 'run', '--rm', 'true']);
    commands.set('gangway run --rm --isolation=network true', [gangway, 'run', '--rm', '--isolation=network', 'true']);
  }
  return commands;
}

function progress(sentence: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${sentence} …\n`);
}
