/** Help texts in Docker's layout, from the command table. */
import { order } from '../values/order.ts';
import type { Command } from './command.ts';
import { commands } from './commands.ts';
import type { Options } from './grammar.ts';
import { globalOptions } from './options.ts';

/** Returns the full name of a command: `gangway network ls`. */
export function fullName(path: readonly string[]): string {
  return ['gangway', ...path].join(' ');
}

/** Returns the usage line and the summary of a command, also printed below an error. */
export function usage(path: readonly string[], { args, options = {}, summary }: Command): string {
  const words = [fullName(path), Object.keys(options).length > 0 ? '[OPTIONS]' : '', args];
  return `Usage:  ${words.filter((word) => word !== '').join(' ')}\n\n${summary}\n`;
}

/** Returns the help of a command or of a group of commands. */
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

/** Returns the help of `gangway`. */
export function overview(): string {
  const plain = commands.filter((command) => command.commands === undefined);
  const groups = commands.filter((command) => command.commands !== undefined);
  return [
    'Usage:  gangway [OPTIONS] COMMAND\n',
    "Docker's container networks, built directly on the Linux kernel, every step shown and proved\n",
    `Try it:\n${formatTerms([
      ['gangway explain run --rm hostname', 'print the steps as a shell script'],
      ['gangway run --rm hostname', 'run the container'],
      ['gangway lab up; gangway lab shell', 'experiment on a private host'],
    ])}`,
    `Commands:\n${terms(plain)}`,
    `Management commands:\n${terms(groups)}`,
    `Options:\n${optionTerms(globalOptions)}`,
    more([]),
  ].join('\n');
}

function more(path: readonly string[]): string {
  return `Run '${fullName(path)} COMMAND --help' for more information on a command.\n`;
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

/** Formats two columns, indented: a term and its meaning. */
function formatTerms(terms: readonly (readonly [term: string, meaning: string])[]): string {
  const width = Math.max(0, ...terms.map(([term]) => term.length)) + 3;
  return terms.map(([term, meaning]) => `  ${term.padEnd(width)}${meaning}\n`).join('');
}
