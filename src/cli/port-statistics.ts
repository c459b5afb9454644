/** `gangway stats --ports`: by which way connections came to each published port, and what became of those that a process carried. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Counts } from '../engine/engine.ts';
import { formatPlace, type PortTotals, portTotals } from '../engine/metrics/port-totals.ts';
import { dropReasons, errorKinds } from '../services/proxy/counters.ts';
import { shortId } from '../values/id.ts';
import type { Context } from './command.ts';
import { decimalSize, parseListFormat } from './format.ts';
import type { Given } from './grammar.ts';
import { areGone, intervalMilliseconds, repaint } from './live-table.ts';
import type { statsOptions } from './options.ts';
import { formatRows } from './rows.ts';

/** Counters need no second look: the first table is there at once. */
export async function showPorts({ options, words }: Given<typeof statsOptions>, context: Context): Promise<number> {
  const format = await parseListFormat(options.format, layout.headings);
  const engine = await context.engine();
  const ids = await Promise.all(words.map(async (name) => String((await engine.inspect(name)).Id)));
  for (;;) {
    const totals = portTotals(await engine.traffic());
    const rows = totals
      .filter(({ container }) => words.length === 0 || ids.includes(container))
      .map((totals) => row(totals, options['no-trunc']));
    repaint(formatRows(rows, format, layout), format, !options['no-stream'], context);
    if (options['no-stream'] || (rows.length === 0 && (await areGone(engine, ids)))) return 0;
    await pause(intervalMilliseconds);
  }
}

const layout = {
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

/** All but what was translated and led is of connections that a process carried. */
function row({ container, name, translated, relayed, led, ...place }: PortTotals, whole: boolean) {
  return {
    Container: shortId(container, whole),
    Datagrams: `${relayed.datagramsIn} / ${relayed.datagramsOut}`,
    DropReasons: listed(dropReasons, relayed),
    Drops: total(dropReasons, relayed),
    ErrorKinds: listed(errorKinds, relayed),
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

/** Those that are not zero: `refused: 2, timedOut: 1`. */
function listed(fields: readonly (keyof Counts)[], counts: Counts): string {
  return fields
    .filter((field) => counts[field] > 0)
    .map((field) => `${field}: ${counts[field]}`)
    .join(', ');
}
