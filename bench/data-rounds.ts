/** Measures the data plane in rounds: carriers take turns, every second round in reverse order. */
import type { Absent } from './contender.ts';
import { type CarrierKind, type DataCarrier, openAll } from './data-carriers.ts';
import { load, type Service } from './data-forward.ts';
import { processorSeconds } from './data-process.ts';
import type { Log } from './log.ts';

export const dataParts = ['streams', 'pings', 'connections', 'datagrams', 'memory', 'big-tcp'] as const;
export type DataPart = (typeof dataParts)[number];

/** Programs and durations of the measurement. */
export interface Tools {
  /** Program of load.c, and its file with the counter of datagrams. */
  readonly program: string;
  readonly counter: string;
  readonly rounds: number;
  /** Duration of each client run. */
  readonly milliseconds: number;
}

/** One kind of work: a client, and the meaning of its numbers. */
interface Work {
  readonly part: DataPart;
  readonly client: string;
  readonly service: Service;
  words(tools: Tools): readonly string[];
  /** @param seconds processor time of the carrier */
  note(log: Log, carrier: string, figures: readonly number[], seconds: number): void;
}

const gigabyte = 1e9;
/** A rate at which all queues stay empty. */
const calmDatagramsPerSecond = 20_000;
const manyConnections = 100_000;
const parallel = 32;

function stream(direction: 'up' | 'down', streams: number): Work {
  const where = direction === 'up' ? 'to the container' : 'from the container';
  const title = `${streams === 1 ? 'one stream' : `${streams} streams`} ${where}`;
  return {
    part: 'streams',
    client: direction,
    service: direction === 'up' ? 'sink' : 'source',
    words: ({ milliseconds }) => [`${streams}`, `${milliseconds}`],
    note: (log, carrier, [bytes = 0, duration = 0], seconds) => {
      log.add(title, carrier, (bytes * 8) / duration / gigabyte, 'Gbit/s');
      log.add(`${title}, processor`, carrier, seconds / (bytes / gigabyte), 's/GB');
    },
  };
}

const pings: Work = {
  part: 'pings',
  client: 'ping',
  service: 'echo',
  words: ({ milliseconds }) => [`${milliseconds}`],
  note: (log, carrier, [answers = 0, duration = 0, ...within], seconds) => {
    log.add('request and response', carrier, answers / duration, '/s');
    log.add('request and response, processor', carrier, (seconds / answers) * 1e6, 'µs');
    for (const [index, share] of ['half', '99 %', '99.9 %'].entries())
      log.add(`${share} of the answers within`, carrier, (within[index] ?? 0) / 1e3, 'µs');
  },
};

function connections(clients: number): Work {
  const title = clients === 1 ? 'connections, one after the other' : `connections, ${clients} at a time`;
  return {
    part: 'connections',
    client: 'connect',
    service: 'brief',
    words: ({ milliseconds }) => [`${clients}`, `${milliseconds}`, `${Number.MAX_SAFE_INTEGER}`],
    note: (log, carrier, [good = 0, failed = 0, duration = 0], seconds) => {
      if (failed > 0) throw new Error(`${carrier}: ${failed} of ${good + failed} connections failed`);
      log.add(title, carrier, good / duration, '/s');
      log.add(`${title}, processor`, carrier, (seconds / good) * 1e6, 'µs');
    },
  };
}

const flood: Work = {
  part: 'datagrams',
  client: 'flood',
  service: 'datagrams',
  words: ({ milliseconds, counter }) => [`${milliseconds}`, '0', counter],
  note: (log, carrier, [, meanwhile = 0, arrived = 0, duration = 0], seconds) => {
    log.add('datagrams, as fast as they are sent', carrier, meanwhile / duration, '/s');
    log.add('datagrams, as fast as they are sent, processor', carrier, (seconds / arrived) * 1e6, 'µs');
  },
};

const calm: Work = {
  part: 'datagrams',
  client: 'flood',
  service: 'datagrams',
  words: ({ milliseconds, counter }) => [`${milliseconds}`, `${calmDatagramsPerSecond}`, counter],
  note: (log, carrier, [sent = 0, , arrived = 0], seconds) => {
    const title = `${calmDatagramsPerSecond.toLocaleString('en')} datagrams a second`;
    log.add(`${title}, lost`, carrier, (1 - arrived / sent) * 100, '%');
    log.add(`${title}, processor`, carrier, (seconds / arrived) * 1e6, 'µs');
  },
};

const works: readonly Work[] = [
  ...[1, 8].flatMap((streams) => (['up', 'down'] as const).map((direction) => stream(direction, streams))),
  pings,
  ...[1, parallel].map(connections),
  flood,
  calm,
];

/** @returns the carriers that are not available */
export async function measureCarriers(
  log: Log,
  kinds: readonly CarrierKind[],
  wanted: (part: DataPart) => boolean,
  target: string,
  tools: Tools,
): Promise<readonly Absent[]> {
  const todo = works.filter(({ part }) => wanted(part));
  if (todo.length === 0) return [];
  const { open, absent } = await openAll(kinds, target);
  const turns = [...open];
  const warm = { ...tools, milliseconds: Math.ceil(tools.milliseconds / 2) };
  for (const work of todo) for (const [kind, carrier] of turns) take(work, kind, carrier, warm);
  for (let round = 0; round < tools.rounds; round++) {
    for (const work of todo) {
      for (const [kind, carrier] of round % 2 === 0 ? turns : turns.toReversed()) take(work, kind, carrier, tools, log);
    }
  }
  if (wanted('connections'))
    for (const [kind, carrier] of turns) if (kind.ours) connectOften(log, kind, carrier, tools);
  for (const carrier of open.values()) await carrier.close();
  return absent;
}

function take(work: Work, kind: CarrierKind, carrier: DataCarrier, tools: Tools, log?: Log): void {
  if (work.part === 'datagrams' && kind.without === 'udp') return;
  const before = processorSeconds(carrier.pids);
  const at = carrier.find(work.service);
  const figures = load(tools.program, carrier.prefix, work.client, at, work.words(tools));
  if (log !== undefined) work.note(log, kind.name, figures, processorSeconds(carrier.pids) - before);
}

function connectOften(log: Log, kind: CarrierKind, carrier: DataCarrier, { program }: Tools): void {
  const words = [`${parallel}`, '600000', `${manyConnections}`];
  const [good, failed = 0] = load(program, carrier.prefix, 'connect', carrier.find('brief'), words);
  if (good !== manyConnections - failed) throw new Error(`${kind.name}: ${good} connections within ten minutes`);
  log.add(`of ${manyConnections.toLocaleString('en')} connections`, kind.name, failed, 'failed');
}
