/**
 * `gangway stats`: usage of containers, from two samples one second apart. With `--ports`, the connections of each
 * published port.
 */
import { totalmem } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type { ContainerSummary, Counts, Engine, Statistics, Traffic } from '../../engine/engine.ts';
import { formatPlace, type PortTotals, portTotals } from '../../engine/metrics/port-totals.ts';
import { dropReasons, errorKinds } from '../../services/proxy/counters.ts';
import { shortId } from '../../values/id.ts';
import type { Context, Execute } from '../command.ts';
import type { statsOptions } from '../container-options.ts';
import { binarySize, decimalSize, type Format, parseListFormat } from '../format.ts';
import { UsageError } from '../grammar.ts';
import { formatList, type Layout } from '../list-output.ts';
import { isNotRunning } from '../stdio.ts';
import { connections, portConnections, usesTraffic } from '../traffic-columns.ts';

const intervalMilliseconds = 1000;

export const stats: Execute<typeof statsOptions> = async (parsed, context) => {
  const { options, args } = parsed;
  if (options.ports && options.all) throw new UsageError('--ports and --all exclude each other');
  if (options.ports) return await portStats(parsed, context);
  const list = layout(options['no-trunc']);
  const format = await parseListFormat(options.format, list);
  // Docker's table has no column of connections.
  const needsTraffic = format.kind !== 'plain' && usesTraffic(options.format, /\.(Port)?Connections\b/);
  const engine = await context.engine();
  const all = options.all && args.length === 0;
  // A named container must be running at the start.
  const named = await Promise.all(args.map((name) => engine.statistics(name)));
  const ids = named.map(({ id }) => id);
  let before = args.length > 0 ? named : await sample(engine, args, all);
  do {
    await pause(intervalMilliseconds);
    const now = await sample(engine, args, all);
    const traffic = needsTraffic ? await engine.traffic() : undefined;
    const samples = now.map((later) => ({ now: later, before: before.find(({ id }) => id === later.id), traffic }));
    printScreen(formatList(samples, format, list), format, !options['no-stream'], context);
    before = now;
  } while (!options['no-stream'] && (before.length > 0 || !(await allRemoved(engine, ids))));
  return 0;
};

/** Prints the list; on a terminal it replaces the list before, except as JSON. */
function printScreen(text: string, format: Format, streaming: boolean, { stdout }: Context): void {
  const homeAndClear = '\x1b[H\x1b[J';
  const replaces = streaming && stdout.isTTY === true && format.kind !== 'json';
  stdout.write((replaces ? homeAndClear : '') + text);
}

/** Have all named containers been removed? Without names, the list never ends. */
async function allRemoved(engine: Engine, ids: readonly string[]): Promise<boolean> {
  if (ids.length === 0) return false;
  return !(await engine.list({ all: true })).some(({ id }) => ids.includes(id));
}

/** Samples the named containers, or all, that are running; with `all`, also the others, with zeros. */
async function sample(engine: Engine, names: readonly string[], all: boolean): Promise<readonly Statistics[]> {
  const targets = names.length > 0 ? names.map((name) => ({ id: name, name })) : await engine.list({ all });
  const found = await Promise.all(
    targets.map(async (target) => (await sampleRunning(engine, target.id)) ?? (all ? zeros(target) : [])),
  );
  return found.flat();
}

async function sampleRunning(engine: Engine, id: string): Promise<Statistics | undefined> {
  try {
    return await engine.statistics(id);
  } catch (error) {
    if (isNotRunning(error)) return undefined;
    throw error;
  }
}

function zeros({ id, name }: Pick<ContainerSummary, 'id' | 'name'>): Statistics {
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

/** Two samples of a container, and the traffic if the output shows it. */
interface Sample {
  readonly now: Statistics;
  readonly before: Statistics | undefined;
  readonly traffic: Traffic | undefined;
}

/** Docker's fields; Connections, OutOfMemoryKills, PortConnections and ThrottledPeriods are gangway's. */
const layout = (whole: boolean): Layout<Sample> => ({
  fields: {
    BlockIO: ['BLOCK I/O', ({ now }) => sizes(Number(now.blockReadBytes), Number(now.blockWriteBytes))],
    CPUPerc: ['CPU %', ({ now, before }) => percent(before === undefined ? 0 : cpuShare(before, now))],
    Connections: ['CONNECTIONS', ({ now, traffic }) => connections(traffic, now.id)],
    Container: ['CONTAINER', ({ now }) => shortId(now.id, whole)],
    ID: ['CONTAINER ID', ({ now }) => shortId(now.id, whole)],
    MemPerc: ['MEM %', ({ now }) => percent(now.memoryBytes / memoryLimit(now))],
    MemUsage: ['MEM USAGE / LIMIT', ({ now }) => `${binarySize(now.memoryBytes)} / ${binarySize(memoryLimit(now))}`],
    Name: ['NAME', ({ now }) => now.name],
    NetIO: ['NET I/O', ({ now }) => sizes(Number(now.receivedBytes), Number(now.transmittedBytes))],
    OutOfMemoryKills: ['OOM KILLS', ({ now }) => String(now.outOfMemoryKills)],
    PIDs: ['PIDS', ({ now }) => String(now.pids)],
    PortConnections: ['PORT CONNECTIONS', ({ now, traffic }) => portConnections(traffic, now.id)],
    ThrottledPeriods: ['THROTTLED', ({ now }) => String(now.throttledPeriods)],
  },
  columns: 'ID Name CPUPerc MemUsage MemPerc NetIO BlockIO PIDs ThrottledPeriods OutOfMemoryKills'.split(' '),
});

function sizes(first: number, second: number): string {
  return `${decimalSize(first)} / ${decimalSize(second)}`;
}

function memoryLimit({ memoryLimitBytes }: Statistics): number {
  return memoryLimitBytes ?? totalmem();
}

/** Returns CPU time per time: 1 is one busy CPU. After a restart in between, the counters begin at 0: the share is 0. */
function cpuShare(before: Statistics, now: Statistics): number {
  const elapsedNanoseconds = (now.time.getTime() - before.time.getTime()) * 1e6;
  return elapsedNanoseconds <= 0
    ? 0
    : Math.max(0, Number(now.cpuNanoseconds - before.cpuNanoseconds) / elapsedNanoseconds);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}

/** `gangway stats --ports`. The counters are totals, so the first table needs no second sample. */
const portStats: Execute<typeof statsOptions> = async ({ options, args }, context) => {
  const list = portLayout(options['no-trunc']);
  const format = await parseListFormat(options.format, list);
  const engine = await context.engine();
  const ids = await Promise.all(args.map(async (name) => String((await engine.inspect(name)).Id)));
  for (;;) {
    const all = portTotals(await engine.traffic());
    const totals = all.filter(({ container }) => args.length === 0 || ids.includes(container));
    printScreen(formatList(totals, format, list), format, !options['no-stream'], context);
    if (options['no-stream'] || (totals.length === 0 && (await allRemoved(engine, ids)))) return 0;
    await pause(intervalMilliseconds);
  }
};

/** Translated connections took DNAT, led connections the connect hook. All other fields count relayed connections. */
const portLayout = (whole: boolean): Layout<PortTotals> => ({
  fields: {
    Container: ['CONTAINER', ({ container }) => shortId(container, whole)],
    Datagrams: ['DATAGRAMS IN / OUT', ({ relayed }) => `${relayed.datagramsIn} / ${relayed.datagramsOut}`],
    DropReasons: ['DROP REASONS', ({ relayed }) => nonZero(dropReasons, relayed)],
    Drops: ['DROPS', ({ relayed }) => total(dropReasons, relayed)],
    ErrorKinds: ['ERROR KINDS', ({ relayed }) => nonZero(errorKinds, relayed)],
    Errors: ['ERRORS', ({ relayed }) => total(errorKinds, relayed)],
    ID: ['CONTAINER ID', ({ container }) => shortId(container, whole)],
    IO: ['IN / OUT', ({ relayed }) => sizes(relayed.bytesIn, relayed.bytesOut)],
    Led: ['LED', ({ led }) => String(led)],
    Name: ['NAME', ({ name }) => name],
    Open: ['OPEN', ({ relayed }) => String(relayed.open)],
    Port: ['PORT', formatPlace],
    Relayed: ['RELAYED', ({ relayed }) => String(relayed.connections)],
    Translated: ['TRANSLATED', ({ translated }) => String(translated)],
  },
  columns: 'Name Port Translated Led Relayed Open IO Errors Drops'.split(' '),
});

function total(fields: readonly (keyof Counts)[], counts: Counts): string {
  return String(fields.reduce((sum, field) => sum + counts[field], 0));
}

/** Formats the counters that are not zero: `refused: 2, timedOut: 1`. */
function nonZero(fields: readonly (keyof Counts)[], counts: Counts): string {
  return fields
    .filter((field) => counts[field] > 0)
    .map((field) => `${field}: ${counts[field]}`)
    .join(', ');
}
