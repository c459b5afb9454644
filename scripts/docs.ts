/**
 * Checks that the documentation is true to the tree: docs/cli.md is what the table of commands says, docs/security.md what
 * the list of attacks says, every relative link leads to a file, every anchor to a heading.
 *
 *     npm run docs        writes docs/cli.md and docs/security.md
 *     npm run check       compares them
 */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from '../src/cli/command.ts';
import { commands } from '../src/cli/commands.ts';
import { fullName, help, overview } from '../src/cli/help.ts';
import { securityPage } from '../test/security/document.ts';

/** The page of the command line: what `gangway help` and `gangway COMMAND --help` print. */
function commandLine(): string {
  const block = (text: string) => `\`\`\`text\n${text.trimEnd()}\n\`\`\`\n`;
  const section = (path: readonly string[], command: Command): string[] => [
    `## ${fullName(path)}\n`,
    block(help(path, command)),
    ...shown(command.commands ?? []).flatMap((inner) => section([...path, inner.name], inner)),
  ];
  return [
    '# The command line\n',
    'Made by `npm run docs` from [the table of commands](../src/cli/commands.ts): what `gangway help` and',
    '`gangway COMMAND --help` print. Options are Docker’s where Docker has them. There is no image: the first word is the',
    'command, and `--rootfs` says which tree is its root.',
    '',
    'The exit status of `run`, `exec`, `start -a`, `attach`, `lab exec` and `lab shell` is the command’s own, 126 where it could',
    'not be run, 127 where it was not found. Where gangway itself failed it is 1, but 125 from `run` and `reach`; 125 from all',
    'where an option cannot be read, 64 where a `--format` cannot, 1 where words are missing or too many. Unlike Docker’s, a',
    'container in the foreground is killed when nobody reads its output any more, and gangway exits with 141:',
    '`gangway run yes | head -1`.',
    '',
    'What was sent TERM, KILL, INT or QUIT, by `kill` or by what a client in the foreground passes on, does not start again by its',
    'restart policy; in Docker whatever signal it was.',
    '',
    '`network create -o` takes [those of Docker’s options that mean something here, and three of gangway’s',
    'own](settings.md#options-of-a-network); any other is refused, with the one that was probably meant or the list of those that',
    'there are. [Variables](settings.md#variables) stand there, too.\n',
    block(overview()),
    ...shown(commands).flatMap((command) => section([command.name], command)),
  ].join('\n');
}

const shown = (rows: readonly Command[]) => rows.filter(({ hidden }) => hidden !== true);

function outdated(page: string, text: string): string[] {
  if (process.argv.includes('--write')) writeFileSync(page, text);
  const current = existsSync(page) && readFileSync(page, 'utf8') === text;
  return current ? [] : [`${page}: is not what the sources say: npm run docs`];
}

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
const found = [
  ...outdated('docs/cli.md', commandLine()),
  ...outdated('docs/security.md', securityPage()),
  ...pages.sort().flatMap(deadLinks),
];
for (const line of found) console.log(line);
process.exitCode = found.length > 0 ? 1 : 0;
