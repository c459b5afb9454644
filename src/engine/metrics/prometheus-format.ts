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
  /** Made when they are told. */
  readonly samples: Iterable<Sample>;
}

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number | bigint;
}

export const contentType = 'text/plain; version=0.0.4; charset=utf-8';

/** Samples of one piece. */
const pieceSamples = 500;

/** The text in pieces, so that whoever sends it can do something else in between. A family without samples has none. */
export function* exposition(families: readonly Family[]): Generator<string> {
  for (const { name, type, help, samples } of families) {
    const lines: string[] = [];
    let head = `# HELP ${name} ${escaped(help, /[\\\n]/g)}\n# TYPE ${name} ${type}\n`;
    for (const sample of samples) {
      lines.push(line(name, sample));
      if (lines.length < pieceSamples) continue;
      yield head + lines.splice(0).join('');
      head = '';
    }
    if (lines.length > 0) yield head + lines.join('');
  }
}

function line(name: string, { labels = {}, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text, /[\\\n"]/g)}"`);
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`;
}

function escaped(text: string, special: RegExp): string {
  return text.replace(special, (found) => (found === '\n' ? '\\n' : `\\${found}`));
}
