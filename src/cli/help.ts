/** Help texts, in docker's layout, from the table of commands. */

import { order } from '../values/order.ts';
import type { Command } from './command.ts';
import { commands } from './commands.ts';
import type { Options } from './grammar.ts';
import { globalOptions } from './options.ts';
import { formatTerms } from './table.ts';

/** `gangway network ls` */
export function fullName(path: readonly string[]): string {
  return ['gangway', ...path].join(' ');
}

/** `Usage:  gangway network ls [OPTIONS]` and what the command is for: what stands below a complaint, too. */
export function usage(path: readonly string[], command: Command): string {
  return `Usage:  ${fullName(path)} ${command.usage ?? 'COMMAND'}\n\n${command.summary}\n`;
}

/** The whole help of a command or of a group of commands. */
export function help(path: readonly string[], command: Command): string {
  if (command.commands !== undefined) {
    return `${usage(path, command)}\nCommands:\n${terms(command.commands)}\n${more(path)}`;
  }
  const aliases = (command.aliases ?? []).map((alias) => fullName([...path.slice(0, -1), alias]));
  const options = { ...command.options } as Options;
  return [
    usage(path, command),
    ...(aliases.length === 0 ? [] : [`Aliases:\n  ${[fullName(path), ...aliases].join(', ')}\n`]),
    ...(command.example === undefined ? [] : [`Example:\n  ${command.example}\n`]),
    ...(Object.keys(options).length === 0 ? [] : [`Options:\n${optionTerms(options)}`]),
  ].join('\n');
}

/** What `gangway` alone prints. */
export function overview(): string {
  const plain = commands.filter((command) => command.commands === undefined);
  const groups = commands.filter((command) => command.commands !== undefined);
  return [
    'Usage:  gangway [OPTIONS] COMMAND\n',
    "Docker's container networks, built directly on the Linux kernel, every step shown and proved\n",
    `Try it:\n${formatTerms([
      ['gangway explain run --rm hostname', 'see what would happen, step by step'],
      ['gangway run --rm hostname', 'let it happen'],
      ['gangway lab up; gangway lab shell', 'practise on a machine of your own'],
    ])}`,
    `Commands:\n${terms(plain)}`,
    `Groups of commands:\n${terms(groups)}`,
    `Options:\n${optionTerms(globalOptions)}`,
    more([]),
  ].join('\n');
}

function more(path: readonly string[]): string {
  return `Run '${fullName(path)} COMMAND --help' for more about a command.\n`;
}

function terms(rows: readonly Command[]): string {
  return formatTerms(rows.filter(({ hidden }) => hidden !== true).map(({ name, summary }) => [name, summary]));
}

function optionTerms(options: Options): string {
  const sorted = Object.entries(options).sort(([a], [b]) => order(a, b));
  return formatTerms(
    sorted.map(([name, { short, kind, type, help }]) => {
      const letter = short === undefined ? '    ' : `-${short}, `;
      return [`${letter}--${name}${kind === 'flag' ? '' : ` ${type ?? 'string'}`}`, help];
    }),
  );
}
