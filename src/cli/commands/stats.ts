/**
 * `gangway stats`: usage of containers, from two samples one second apart. With `--ports`, the connections of each
 * published port.
 */
import { totalmem } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type { ContainerSummary, Counts, Engine, Statistics } from '../../engine/engine.ts';
import { formatPlace, type PortTotals, portTotals } from '../../engine/metrics/port-totals.ts';
import { dropReasons, errorKinds } from '../../services/proxy/counters.ts';
import { shortId } from '../../values/id.ts';
import type { Context, Execute } from '../command.ts';
import type { statsOptions } from '../container-options.ts';
import { binarySize, decimalSize, type Format, parseListFormat } from '../format.ts';
import { UsageError } from '../grammar.ts';
import { formatRows } from '../list-output.ts';
import { isNotRunning } from '../stdio.ts';
import { connectionFields, usesTraffic } from '../traffic-columns.ts';

const intervalMilliseconds = 1000;

export const stats: Execute<typeof statsOptions> = async (parsed, context) => {
  const { options, args } = parsed;
  if (options.ports && options.all) throw new UsageError('--ports and --all exclude each other');
  if (options.ports) return await portStats(parsed, context);
  const format = await parseListFormat(options.format, layout.headings);
  // Docker's table has no column of connections.
  const needsTraffic = format.kind !== 'plain' && usesTraffic(options.format, /\.(Port)?Connections\b/);
  const engine = await context.engine();
  const sample = () => (args.length > 0 ? sampleNamed(engine, args) : sampleAll(engine, options.all));
  // A named container must be running at the start.
  let before = args.length > 0 ? await Promise.all(args.map((name) => engine.statistics(name))) : await sample();
  const named = args.length > 0 ? before.map(({ id }) => id) : [];
  do {
    await pause(intervalMilliseconds);
    const now = await sample();
    const traffic = needsTraffic ? await engine.traffic() : undefined;
    const rows = now.map((later) => {
      const earlier = before.find(({ id }) => id === later.id);
      return { ...row(later, earlier, options['no-trunc']), ...connectionFields(traffic, later.id) };
    });
    printScreen(formatRows(rows, format, layout), format, !options['no-stream'], context);
    before = now;
  } while (!options['no-stream'] && (before.length > 0 || !(await allRemoved(engine, named))));
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

/** Samples those of the named containers that are running. */
async function sampleNamed(engine: Engine, names: readonly string[]): Promise<readonly Statistics[]> {
  const found = await Promise.all(names.map((name) => sampleRunning(engine, name)));
  return found.flatMap((statistics) => statistics ?? []);
}

/** Samples the running containers; with `all`, also the others, with zeros. A container may exit meanwhile. */
async function sampleAll(engine: Engine, all: boolean): Promise<readonly Statistics[]> {
  const listed = await engine.list({ all });
  const found = await Promise.all(
    listed.map(async (container) => (await sampleRunning(engine, container.id)) ?? (all ? zeros(container) : [])),
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

function zeros({ id, name }: ContainerSummary): Statistics {
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

/** The last two fields are gangway's: how often the limits of CPU and memory took effect. */
function row(now: Statistics, before: Statistics | undefined, whole: boolean) {
  const limit = now.memoryLimitBytes ?? totalmem();
  return {
    BlockIO: `${decimalSize(Number(now.blockReadBytes))} / ${decimalSize(Number(now.blockWriteBytes))}`,
    Container: shortId(now.id, whole),
    CPUPerc: percent(before === undefined ? 0 : cpuShare(before, now)),
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
  const format = await parseListFormat(options.format, portLayout.headings);
  const engine = await context.engine();
  const ids = await Promise.all(args.map(async (name) => String((await engine.inspect(name)).Id)));
  for (;;) {
    const totals = portTotals(await engine.traffic());
    const rows = totals
      .filter(({ container }) => args.length === 0 || ids.includes(container))
      .map((totals) => portRow(totals, options['no-trunc']));
    printScreen(formatRows(rows, format, portLayout), format, !options['no-stream'], context);
    if (options['no-stream'] || (rows.length === 0 && (await allRemoved(engine, ids)))) return 0;
    await pause(intervalMilliseconds);
  }
};

const portLayout = {
  headings: {
    Container: 'CONTAINER',
    Datagrams: 'DATAGRAMS IN / OUT',
    DropReasons: 'DROP REASONS',
    Drops: 'DROPS',
    ErrorKinds: 'ERROR KINDS',
    Errors: 'ERRORS',
    ID: 'CONTAINER ID',
    IO: 'IN / OUT',
    Led: 'LED',
    Name: 'NAME',
    Open: 'OPEN',
    Port: 'PORT',
    Relayed: 'RELAYED',
    Translated: 'TRANSLATED',
  },
  columns: ['Name', 'Port', 'Translated', 'Led', 'Relayed', 'Open', 'IO', 'Errors', 'Drops'],
} as const;

/** Translated connections took DNAT, led connections the connect hook. All other fields count relayed connections. */
function portRow({ container, name, translated, relayed, led, ...place }: PortTotals, whole: boolean) {
  return {
    Container: shortId(container, whole),
    Datagrams: `${relayed.datagramsIn} / ${relayed.datagramsOut}`,
    DropReasons: nonZero(dropReasons, relayed),
    Drops: total(dropReasons, relayed),
    ErrorKinds: nonZero(errorKinds, relayed),
    Errors: total(errorKinds, relayed),
    ID: shortId(container, whole),
    IO: `${decimalSize(relayed.bytesIn)} / ${decimalSize(relayed.bytesOut)}`,
    Led: String(led),
    Name: name,
    Open: String(relayed.open),
    Port: formatPlace({ container, name, ...place }),
    Relayed: String(relayed.connections),
    Translated: String(translated),
  };
}

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
