/**
 * Numbers as Prometheus reads them: its text format, version 0.0.4.
 *
 *     # HELP gangway_published_ports Ports that are published.
 *     # TYPE gangway_published_ports gauge
 *     gangway_published_ports 3
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */

/** All numbers of one name. */
export interface Family {
  /** `gangway_port_connections_total`: of a counter it ends with `_total`. */
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  /** A sentence. */
  readonly help: string;
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number | bigint;
}

export const contentType = 'text/plain; version=0.0.4; charset=utf-8';

/** Samples of one piece. */
const pieceSamples = 500;

/** The text in pieces, so that whoever sends it can do something else in between. A family without samples is left out. */
export function* exposition(families: readonly Family[]): Generator<string> {
  for (const { name, type, help, samples } of families) {
    if (samples.length === 0) continue;
    yield `# HELP ${name} ${escaped(help, /[\\\n]/g)}\n# TYPE ${name} ${type}\n`;
    for (let begin = 0; begin < samples.length; begin += pieceSamples)
      yield samples
        .slice(begin, begin + pieceSamples)
        .map((sample) => line(name, sample))
        .join('');
  }
}

function line(name: string, { labels = {}, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text, /[\\\n"]/g)}"`);
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`;
}

function escaped(text: string, special: RegExp): string {
  return text.replace(special, (found) => (found === '\n' ? '\\n' : `\\${found}`));
}
