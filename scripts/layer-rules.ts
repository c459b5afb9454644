/**
 * The layer rules: which file may import which.
 *
 * ARCHITECTURE.md says them, this file reads them there. Its layer table has the columns `layer` and `folder`; the
 * numbered list below its heading "Chapters" has the files of networks/ in the order in which they are read, and the one
 * below "Rooms" has the folders and files of engine/, the lowest first.
 *
 *  - a file imports from lower layers and from its own folder, and what lies in src/ itself from everywhere
 *  - services, the folders in services/, don't import each other
 *  - a chapter imports no later chapter
 *  - in engine/, a room (a folder, or a file beside them) imports no later room
 *  - files don't import each other in a circle
 */

/** Every file by its path below src/, with the paths that it imports. */
export type Imports = ReadonlyMap<string, readonly string[]>;

export interface Rules {
  /** `networks` is 6. */
  readonly layers: ReadonlyMap<string, number>;
  /** `none`, `host`, `bridge`: files or folders of networks/, the first chapter first. */
  readonly chapters: readonly string[];
  /** `store`, `container-state`: folders and files of engine/, the lowest first. */
  readonly rooms: readonly string[];
}

/** @throws Error if the page has no layer table or no list of chapters */
export function readRules(page: string): Rules {
  const layers = readLayers(page.split('\n'));
  if (layers.size === 0) throw new Error('ARCHITECTURE.md has no table with the columns "layer" and "folder"');
  return { layers, chapters: readOrder(page, 'Chapters'), rooms: readOrder(page, 'Rooms') };
}

function readLayers(lines: readonly string[]): Map<string, number> {
  const layers = new Map<string, number>();
  const head = lines.findIndex((line) => {
    const [layer, folder] = cells(line);
    return layer?.toLowerCase() === 'layer' && folder?.toLowerCase().startsWith('folder');
  });
  if (head === -1) return layers;
  for (const line of lines.slice(head + 2)) {
    const [layer, folders] = cells(line);
    if (layer === undefined || folders === undefined) break;
    for (const [, folder] of folders.matchAll(/`([a-z-]+)\/`/g)) if (folder) layers.set(folder, Number(layer));
  }
  return layers;
}

/** A table's line without its outer bars; nothing for any other line. */
function cells(line: string): string[] {
  if (!line.trimStart().startsWith('|')) return [];
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** The names in the numbered list below a heading: `1. `store/`: records` is `store`. */
function readOrder(page: string, heading: string): string[] {
  const lines = page.split('\n');
  const head = lines.findIndex((line) => new RegExp(`^#+ .*\\b${heading}\\b`, 'i').test(line));
  const end = lines.findIndex((line, index) => index > head && line.startsWith('#'));
  const section = head === -1 ? [] : lines.slice(head + 1, end === -1 ? undefined : end);
  const names = section.flatMap((line) => /^\d+\. \W*`(?:[a-z]+\/(?=[a-z]))?([a-z-]+)/.exec(line)?.[1] ?? []);
  if (names.length === 0) throw new Error(`ARCHITECTURE.md has no numbered list below a heading "${heading}"`);
  return names;
}

/** One sentence for each breach; none when all is well. */
export function breaches(imports: Imports, rules: Rules): string[] {
  const found = [...imports.keys()].flatMap((file) => placeBreach(file, rules));
  for (const [file, targets] of imports) {
    for (const target of targets) {
      const reason = importBreach(file, target, rules);
      if (reason !== undefined) found.push(`src/${file}: imports src/${target} (${reason})`);
    }
  }
  return [...found, ...circles(imports)].sort();
}

function placeBreach(file: string, { layers, chapters, rooms }: Rules): string[] {
  const [folder, inner] = file.split('/');
  if (inner === undefined) return [];
  if (!layers.has(folder ?? '')) return [`src/${file}: its folder is not in the layer table`];
  if (folder === 'networks' && !chapters.includes(stem(inner))) return [`src/${file}: is not in the list of chapters`];
  if (folder === 'engine' && !rooms.includes(stem(inner))) return [`src/${file}: is not in the list of rooms`];
  return [];
}

function importBreach(file: string, target: string, { layers, chapters, rooms }: Rules): string | undefined {
  const [folder = '', inner] = file.split('/');
  const [targetFolder = '', targetInner] = target.split('/');
  if (inner === undefined) return undefined;
  if (targetInner === undefined) return 'src/ itself stands above all layers';
  if (folder !== targetFolder) {
    const [from, to] = [layers.get(folder), layers.get(targetFolder)];
    return from !== undefined && to !== undefined && from <= to ? `layer ${from} → ${to}` : undefined;
  }
  if (folder === 'services' && inner !== targetInner) return `service ${stem(inner)} → ${stem(targetInner)}`;
  if (folder === 'networks') return orderBreach('chapter', chapters, inner, targetInner);
  return folder === 'engine' ? orderBreach('room', rooms, inner, targetInner) : undefined;
}

/** A file imports only files that come before its own place in the list. */
function orderBreach(noun: string, list: readonly string[], from: string, to: string): string | undefined {
  const [place, target] = [list.indexOf(stem(from)) + 1, list.indexOf(stem(to)) + 1];
  return place < target ? `${noun} ${place} → ${target}` : undefined;
}

const stem = (name: string) => name.replace(/\.ts$/, '');

/** Follows the imports in depth; a file that is met again on its own way closes a circle. */
function circles(imports: Imports): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const follow = (file: string, way: readonly string[]): void => {
    const start = way.indexOf(file);
    if (start !== -1) {
      const circle = [...way.slice(start), file].map((member) => `src/${member}`);
      found.push(`${circle[0]}: imports ${circle.slice(1).join(', which imports ')} (a circle)`);
    }
    if (done.has(file)) return;
    done.add(file);
    for (const target of imports.get(file) ?? []) follow(target, [...way, file]);
  };
  for (const file of imports.keys()) follow(file, []);
  return found;
}
