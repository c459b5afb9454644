/**
 * `gangway stats`: two samples a second apart give what was used in between. With --ports it shows what was counted of ports
 * (port-statistics.ts).
 */
import { totalmem } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type { ContainerSummary, Engine, Statistics } from '../../engine/engine.ts';
import { GangwayError } from '../../values/errors.ts';
import { shortId } from '../../values/id.ts';
import type { Execute } from '../command.ts';
import { binarySize, decimalSize, parseListFormat } from '../format.ts';
import { UsageError } from '../grammar.ts';
import { areGone, intervalMilliseconds, repaint } from '../live-table.ts';
import type { statsOptions } from '../options.ts';
import { showPorts } from '../port-statistics.ts';
import { formatRows } from '../rows.ts';
import { connectionFields, showsTraffic } from '../traffic-columns.ts';

export const execute: Execute<typeof statsOptions> = async ({ options, words }, context) => {
  if (options.ports && options.all)
    throw new UsageError('--ports and --all exclude each other: a container that has ended has no ports');
  if (options.ports) return await showPorts({ options, words }, context);
  const format = await parseListFormat(options.format, layout.headings);
  // The table is docker's, and has no room for it.
  const counts = format.kind !== 'plain' && showsTraffic(options.format, /\.(Port)?Connections\b/);
  const engine = await context.engine();
  const sample = () => (words.length > 0 ? sampleNamed(engine, words) : sampleAll(engine, options.all));
  // Who is named has to be there at the beginning.
  let before = words.length > 0 ? await Promise.all(words.map((name) => engine.statistics(name))) : await sample();
  const named = words.length > 0 ? before.map(({ id }) => id) : [];
  do {
    await pause(intervalMilliseconds);
    const now = await sample();
    const traffic = counts ? await engine.traffic() : undefined;
    const rows = now.map((later) => ({
      ...row(
        later,
        before.find(({ id }) => id === later.id),
        options['no-trunc'],
      ),
      ...connectionFields(traffic, later.id),
    }));
    repaint(formatRows(rows, format, layout), format, !options['no-stream'], context);
    before = now;
  } while (!options['no-stream'] && (before.length > 0 || !(await areGone(engine, named))));
  return 0;
};

/** Of those that are named, and run. */
async function sampleNamed(engine: Engine, names: readonly string[]): Promise<readonly Statistics[]> {
  const found = await Promise.all(names.map((name) => ifRunning(engine, name)));
  return found.flatMap((statistics) => statistics ?? []);
}

/** Of those that run, and with `all` of the others too, which use nothing. One may end while we look. */
async function sampleAll(engine: Engine, all: boolean): Promise<readonly Statistics[]> {
  const listed = await engine.list({ all });
  const found = await Promise.all(
    listed.map(async (container) => (await ifRunning(engine, container.id)) ?? (all ? [unused(container)] : [])),
  );
  return found.flat();
}

async function ifRunning(engine: Engine, id: string): Promise<readonly Statistics[] | undefined> {
  try {
    return [await engine.statistics(id)];
  } catch (error) {
    const over = error instanceof GangwayError && /^container-not-(running|found)$/.test(error.code);
    if (!over) throw error;
    return undefined;
  }
}

function unused({ id, name }: ContainerSummary): Statistics {
  return {
    id,
    name,
    time: new Date(),
    cpuNanoseconds: 0n,
    throttledPeriods: 0,
    throttledNanoseconds: 0n,
    memoryBytes: 0,
    memoryLimitBytes: undefined,
    outOfMemoryKills: 0,
    pids: 0,
    pidsLimit: undefined,
    blockReadBytes: 0n,
    blockWriteBytes: 0n,
    receivedBytes: 0n,
    transmittedBytes: 0n,
  };
}

const layout = {
  headings: {
    BlockIO: 'BLOCK I/O',
    CPUPerc: 'CPU %',
    Connections: 'CONNECTIONS',
    Container: 'CONTAINER',
    ID: 'CONTAINER ID',
    MemPerc: 'MEM %',
    MemUsage: 'MEM USAGE / LIMIT',
    Name: 'NAME',
    NetIO: 'NET I/O',
    OutOfMemoryKills: 'OOM KILLS',
    PIDs: 'PIDS',
    PortConnections: 'PORT CONNECTIONS',
    ThrottledPeriods: 'THROTTLED',
  },
  columns: [
    'ID',
    'Name',
    'CPUPerc',
    'MemUsage',
    'MemPerc',
    'NetIO',
    'BlockIO',
    'PIDs',
    'ThrottledPeriods',
    'OutOfMemoryKills',
  ],
} as const;

/** Docker's names, and like there every value is a text. The last two are ours: which limits have bitten, how often. */
function row(now: Statistics, before: Statistics | undefined, whole: boolean) {
  const limit = now.memoryLimitBytes ?? totalmem();
  return {
    BlockIO: `${decimalSize(Number(now.blockReadBytes))} / ${decimalSize(Number(now.blockWriteBytes))}`,
    Container: shortId(now.id, whole),
    CPUPerc: percent(before === undefined ? 0 : busy(before, now)),
    ID: shortId(now.id, whole),
    MemPerc: percent(now.memoryBytes / limit),
    MemUsage: `${binarySize(now.memoryBytes)} / ${binarySize(limit)}`,
    Name: now.name,
    NetIO: `${decimalSize(Number(now.receivedBytes))} / ${decimalSize(Number(now.transmittedBytes))}`,
    PIDs: String(now.pids),
    ThrottledPeriods: String(now.throttledPeriods),
    OutOfMemoryKills: String(now.outOfMemoryKills),
  };
}

/** Processor time per time: 1 is one processor, busy throughout. Counters that began anew in between tell nothing. */
function busy(before: Statistics, now: Statistics): number {
  const elapsedNanoseconds = (now.time.getTime() - before.time.getTime()) * 1e6;
  return elapsedNanoseconds <= 0
    ? 0
    : Math.max(0, Number(now.cpuNanoseconds - before.cpuNanoseconds) / elapsedNanoseconds);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}
