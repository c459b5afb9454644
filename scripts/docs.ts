/**
 * Checks the documentation: docs/cli.md must match the table of commands, and docs/security.md the list of attacks. Every
 * relative link must lead to a file, and every anchor to a heading.
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

/** Returns docs/cli.md: the help of gangway and of every command. */
function commandLine(): string {
  const block = (text: string) => `\`\`\`text\n${text.trimEnd()}\n\`\`\`\n`;
  const section = (path: readonly string[], command: Command): string[] => [
    `## ${fullName(path)}\n`,
    block(help(path, command)),
    ...shown(command.commands ?? []).flatMap((inner) => section([...path, inner.name], inner)),
  ];
  return [
    '# The command line\n',
    '`npm run docs` generates this page from [the command table](../src/cli/commands.ts). It shows the output of `gangway help`',
    'and of `gangway COMMAND --help`. Options that Docker has too work as in Docker. gangway has no images: the first argument of',
    '`run` is the command, and `--rootfs` names the root file system.',
    '',
    '## Exit statuses\n',
    '| status | meaning |',
    '|---|---|',
    '| 0 | success |',
    '| 1 | gangway failed, or arguments are missing or too many |',
    '| 64 | syntax error in a `--format` template of a command that prints objects |',
    '| 125 | invalid option; or `run` or `reach` failed |',
    '| 126, 127 | the command in the container could not be started, or was not found |',
    '| other | the exit status of the command: `run`, `exec`, `start -a`, `attach`, `lab exec`, `lab shell` |',
    '',
    '## Differences from Docker\n',
    '* gangway kills a container in the foreground when the reader of its output is gone: `gangway run yes | head -1` exits with 141.',
    '* After the signals TERM, KILL, INT and QUIT, from `kill` or from a client in the foreground, the restart policy does not start',
    '  the container again. In Docker, any signal has this effect.',
    '* `network create -o` takes [some of Docker’s options and three of gangway’s own](settings.md#options-of-a-network). It rejects',
    '  any other option with a suggestion. The same page lists the [environment variables](settings.md#variables).',
    '* `--format` supports fields, variables, `if`, `with`, `range` and the functions `and`, `eq`, `ge`, `gt`, `index`, `join`, `json`,',
    '  `le`, `len`, `lower`, `lt`, `ne`, `not`, `or`, `print`, `printf`, `println`, `split`, `title` and `upper`. `printf` supports `%s`,',
    '  `%d`, `%v` and `%q` with a width: `%-20s`. A mistake in a template is an error; Docker prints it into the output.\n',
    '## gangway\n',
    block(overview()),
    ...shown(commands).flatMap((command) => section([command.name], command)),
  ].join('\n');
}

const shown = (rows: readonly Command[]) => rows.filter(({ hidden }) => hidden !== true);

function outdated(page: string, text: string): string[] {
  if (process.argv.includes('--write')) writeFileSync(page, text);
  const current = existsSync(page) && readFileSync(page, 'utf8') === text;
  return current ? [] : [`${page}: out of date; run npm run docs`];
}

/** Returns the anchor that GitHub generates for a heading. */
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
  // Links in code are examples.
  const prose = readFileSync(page, 'utf8')
    .replace(/^```.*?^```/gms, '')
    .replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^[a-z]+:/.test(link) && !exists(page, link))
    .map((link) => `${page}: dead link ${link}`);
}

function exists(page: string, link: string): boolean {
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
