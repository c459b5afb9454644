/**
 * The rules of the house: which file may import which.
 *
 * ARCHITECTURE.md says them, this file reads them there. Its layer table has the columns `layer` and `folder`; the
 * numbered list below its heading "Chapters" has the files of networks/ in the order in which they are read.
 *
 *  - a file imports from lower layers and from its own folder, and what lies in src/ itself from everywhere
 *  - services, the folders in services/, don't import each other
 *  - a chapter imports no later chapter
 *  - files don't import each other in a circle
 */

/** Every file by its path below src/, with the paths that it imports. */
export type Imports = ReadonlyMap<string, readonly string[]>;

export interface Rules {
  /** `networks` is 6. */
  readonly layers: ReadonlyMap<string, number>;
  /** `none`, `host`, `bridge`: files or folders of networks/, the first chapter first. */
  readonly chapters: readonly string[];
}

/** @throws Error if the page has no layer table or no list of chapters */
export function readRules(page: string): Rules {
  const layers = readLayers(page.split('\n'));
  if (layers.size === 0) throw new Error('ARCHITECTURE.md has no table with the columns "layer" and "folder"');
  const chapters = readChapters(page.split('\n'));
  if (chapters.length === 0) throw new Error('ARCHITECTURE.md has no numbered list below a heading "Chapters"');
  return { layers, chapters };
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

function readChapters(lines: readonly string[]): string[] {
  const head = lines.findIndex((line) => /^#+ .*\bchapters\b/i.test(line));
  if (head === -1) return [];
  const end = lines.findIndex((line, index) => index > head && line.startsWith('#'));
  const section = lines.slice(head + 1, end === -1 ? undefined : end);
  return section.flatMap((line) => /^\d+\. \W*`(?:networks\/)?([a-z-]+)/.exec(line)?.[1] ?? []);
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

function placeBreach(file: string, { layers, chapters }: Rules): string[] {
  const [folder, inner] = file.split('/');
  if (inner === undefined) return [];
  if (!layers.has(folder ?? '')) return [`src/${file}: its folder is not in the layer table`];
  if (folder === 'networks' && !chapters.includes(stem(inner))) return [`src/${file}: is not in the list of chapters`];
  return [];
}

function importBreach(file: string, target: string, { layers, chapters }: Rules): string | undefined {
  const [folder = '', inner] = file.split('/');
  const [targetFolder = '', targetInner] = target.split('/');
  if (inner === undefined) return undefined;
  if (targetInner === undefined) return 'src/ itself stands above all layers';
  if (folder !== targetFolder) {
    const [from, to] = [layers.get(folder), layers.get(targetFolder)];
    return from !== undefined && to !== undefined && from <= to ? `layer ${from} → ${to}` : undefined;
  }
  if (folder === 'services' && inner !== targetInner) return `service ${stem(inner)} → ${stem(targetInner)}`;
  const [chapter, targetChapter] = [chapters.indexOf(stem(inner)) + 1, chapters.indexOf(stem(targetInner)) + 1];
  if (folder === 'networks' && chapter < targetChapter) return `chapter ${chapter} → ${targetChapter}`;
  return undefined;
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
