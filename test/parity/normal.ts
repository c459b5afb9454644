/** Normalises values that differ between two worlds: ids, MAC addresses, times, generated names. */

/** Full ids of objects with a name in the scenario. */
export type Names = Map<string, string>;

/** Stores the id from a command's output under the name from its arguments. */
export function remember(names: Names, words: readonly string[], stdout: string): void {
  const id = /^[0-9a-f]{64}$/m.exec(stdout)?.[0];
  if (id === undefined) return;
  const given = words[0] === 'network' ? words.at(-1) : words[words.indexOf('--name') + 1];
  if (given !== undefined && !/^[0-9a-f]{12,64}$/.test(given)) names.set(id, given);
}

/** Replaces placeholders of ids in a line. */
export function named(line: string, names: Names): string {
  let whole = line;
  for (const [id, name] of names)
    whole = whole.replaceAll(`<id of ${name}>`, id).replaceAll(`<${name}>`, id.slice(0, 12));
  return whole;
}

/** Removes values that differ in each run from a text. */
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
      // Docker lists labels in random order: in JSON, and in the last column of a table.
      .replace(/(?<="Labels":")[^"]*|\b\w+=\w+(?:,\w+=\w+)+$/gm, (labels) => labels.split(',').toSorted().join())
      .trimEnd()
  );
}

/** Sorts keys of JSON and objects in lists, so that equal content is equal text. */
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
