/** Checks that the documentation is true to the tree: every relative link leads to a file, every anchor to a heading. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** As the forges make an anchor of a heading. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Number}\- _]/gu, '')
    .replaceAll(' ', '-');
}

function anchors(page: string): Set<string> {
  return new Set([...readFileSync(page, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchor(heading)));
}

function deadLinks(page: string): string[] {
  // What stands in code is an example and no link.
  const prose = readFileSync(page, 'utf8')
    .replace(/^```.*?^```/gms, '')
    .replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^[a-z]+:/.test(link) && !leads(page, link))
    .map((link) => `${page}: the link ${link} leads nowhere`);
}

function leads(page: string, link: string): boolean {
  const [path = '', name] = link.split('#');
  const target = path === '' ? page : join(dirname(page), decodeURIComponent(path));
  if (!existsSync(target)) return false;
  return name === undefined || statSync(target).isDirectory() || !target.endsWith('.md') || anchors(target).has(name);
}

const pages = ['.', 'docs'].flatMap((folder) =>
  readdirSync(folder, { recursive: folder !== '.', encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
);
const found = pages.sort().flatMap(deadLinks);
for (const line of found) console.log(line);
process.exitCode = found.length > 0 ? 1 : 0;
