/** What may differ between two worlds without a meaning: ids, MAC addresses, moments, invented names. */

/** Ids that have a name in the scenario, by their whole length. */
export type Names = Map<string, string>;

/** Remembers the id that a command has printed under the name that the command gave. */
export function remember(names: Names, words: readonly string[], stdout: string): void {
  const id = /^[0-9a-f]{64}$/m.exec(stdout)?.[0];
  if (id === undefined) return;
  const given = words[0] === 'network' ? words.at(-1) : words[words.indexOf('--name') + 1];
  if (given !== undefined && !/^[0-9a-f]{12,64}$/.test(given)) names.set(id, given);
}

/** A line with the ids that it names. */
export function named(line: string, names: Names): string {
  let whole = line;
  for (const [id, name] of names)
    whole = whole.replaceAll(`<id of ${name}>`, id).replaceAll(`<${name}>`, id.slice(0, 12));
  return whole;
}

/** Text without anything that is different each time. */
export function normal(text: string, names: Names): string {
  let plain = text;
  for (const [id, name] of names)
    plain = plain.replaceAll(id, `<id of ${name}>`).replaceAll(id.slice(0, 12), `<${name}>`);
  return (
    plain
      .replace(/\b[0-9a-f]{64}\b/g, '<id>')
      .replace(/\bbr-[0-9a-f]{12}\b/g, 'br-<id>')
      .replace(/\b[0-9a-f]{12}\b/g, '<short id>')
      .replace(/\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b/gi, '<mac>')
      .replace(/\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? \+0000 UTC\b/g, '<time>')
      .replace(/\b\d+\.\d+\/\d+\.\d+\/\d+\.\d+ ms\b/g, '<times>')
      .replace(/\bparity-(?:docker|gangway)-\d+\b/g, '<host>')
      .replace(/\bveth[0-9a-f]{7}\b/g, '<veth>')
      // Docker has labels in a map, and lists them in any order: in JSON, and as the last column of a table.
      .replace(/(?<="Labels":")[^"]*|\b\w+=\w+(?:,\w+=\w+)+$/gm, (labels) => labels.split(',').toSorted().join())
      .trimEnd()
  );
}

/** JSON with its keys in order, and so with objects in a list: two of the same content are the same text. */
export function ordered(value: unknown): string {
  return JSON.stringify(inOrder(value));
}

function inOrder(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) {
    const items = value.map(inOrder);
    return items.some((item) => typeof item === 'object') ? items.sort(byText) : items;
  }
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, inOrder(inner)]),
  );
}

function byText(a: unknown, b: unknown): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}
