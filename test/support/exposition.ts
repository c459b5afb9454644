/** Reads Prometheus' text format 0.0.4, and takes nothing that is not exactly that. */

export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const metricName = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const help = new RegExp(`^# HELP (${metricName}) ((?:[^\\\\]|\\\\[\\\\n])*)$`);
const type = new RegExp(`^# TYPE (${metricName}) (counter|gauge)$`);
const sample = new RegExp(`^(${metricName})(?:\\{(.*)\\})? (NaN|[+-]Inf|-?\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?)$`);
const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,(?=.)|$)/;

/** @throws Error about the first line that is wrong */
export function parseExposition(text: string): readonly Series[] {
  if (!text.endsWith('\n')) throw new Error('the last line is not ended');
  const seen = { families: new Map<string, string>(), series: new Set<string>() };
  const all: Series[] = [];
  let helped: string | undefined;
  let family: string | undefined;
  for (const line of text.slice(0, -1).split('\n')) {
    const [, helpOf] = help.exec(line) ?? [];
    const [, typeOf, kind] = type.exec(line) ?? [];
    if (helpOf !== undefined) helped = helpOf;
    else if (typeOf !== undefined && kind !== undefined) family = begin(typeOf, kind, helped, seen.families);
    else all.push(read(line, family, seen));
  }
  return all;
}

function begin(name: string, kind: string, helped: string | undefined, families: Map<string, string>): string {
  if (helped !== name) throw new Error(`${name} has no help`);
  if (families.has(name)) throw new Error(`${name} comes twice`);
  if ((kind === 'counter') !== name.endsWith('_total')) throw new Error(`${name} is a ${kind}`);
  families.set(name, kind);
  return name;
}

function read(line: string, family: string | undefined, seen: { readonly series: Set<string> }): Series {
  const [, name, inside, number] = sample.exec(line) ?? [];
  if (name === undefined || number === undefined) throw new Error(`not a line: ${line}`);
  if (name !== family) throw new Error(`${name} stands below ${family}`);
  const labels = readLabels(inside);
  const key = `${name} ${JSON.stringify(Object.entries(labels).toSorted())}`;
  if (seen.series.has(key)) throw new Error(`twice: ${line}`);
  seen.series.add(key);
  return { name, labels, value: Number(number) };
}

function readLabels(inside: string | undefined): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  for (let rest = inside ?? ''; rest !== ''; ) {
    const [whole, name, text] = label.exec(rest) ?? [];
    if (whole === undefined || name === undefined || text === undefined) throw new Error(`no label: ${rest}`);
    if (name in labels || name.startsWith('__')) throw new Error(`label ${name}`);
    labels[name] = text.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter));
    rest = rest.slice(whole.length);
  }
  return labels;
}

/** The value of the one series that has this name and these labels, among others. */
export function sampleOf(all: readonly Series[], name: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = Object.entries(labels);
  const found = all.filter((each) => each.name === name && wanted.every(([key, text]) => each.labels[key] === text));
  const [one] = found;
  if (one === undefined || found.length > 1)
    throw new Error(`${found.length} series ${name} ${JSON.stringify(labels)}`);
  return one.value;
}
