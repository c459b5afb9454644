/** Generates valid, wrong and hostile command lines from the command table. */
import fc from 'fast-check';
import { argumentCount, type Command } from '../../../src/cli/command.ts';
import { commands } from '../../../src/cli/commands.ts';
import type { Option, Options } from '../../../src/cli/grammar.ts';
import { globalOptions } from '../../../src/cli/options.ts';
import { hostile } from './texts.ts';
import { operand, valuesOf } from './values.ts';

export type Line = readonly string[];

interface Leaf {
  readonly path: readonly string[];
  readonly command: Command;
}

function leaves(rows: readonly Command[], path: readonly string[] = []): readonly Leaf[] {
  return rows
    .filter(({ hidden }) => hidden !== true)
    .flatMap((command) => [
      { path: [...path, command.name], command },
      ...leaves(command.commands ?? [], [...path, command.name]),
    ]);
}

/** Without labs, which would be created on the host. */
const all = leaves(commands).filter(({ path }) => path[0] !== 'lab');

/** Weights of commands with many invalid inputs; default 2. */
const weighty: Readonly<Record<string, number>> = { run: 40, create: 10, 'network create': 40, 'network connect': 20 };

/** Generates an option in one of its spellings. */
function written([name, option]: readonly [string, Option]): fc.Arbitrary<Line> {
  const { kind, short, alias, type } = option;
  const long = fc.constantFrom(`--${name}`, ...(alias === undefined ? [] : [`--${alias}`]));
  if (kind === 'flag') {
    const set = fc.constantFrom('', '', '', '', '=true', '=false', '=0', '=maybe', '=');
    return fc.oneof(
      fc.tuple(long, set).map((parts) => [parts.join('')]),
      ...(short === undefined ? [] : [set.map((text) => [`-${short}${text}`])]),
    );
  }
  const value = valuesOf(name, type);
  return fc.oneof(
    { weight: 8, arbitrary: fc.tuple(long, value) },
    { weight: 4, arbitrary: fc.tuple(long, value).map((parts) => [parts.join('=')]) },
    { weight: 1, arbitrary: long.map((text) => [text]) },
    ...(short === undefined
      ? []
      : [
          { weight: 4, arbitrary: value.map((text) => [`-${short}`, text]) },
          { weight: 1, arbitrary: value.map((text) => [`-${short}${text}`]) },
          { weight: 1, arbitrary: value.map((text) => [`-${short}=${text}`]) },
        ]),
  );
}

const everyOption: readonly (readonly [string, Option])[] = all.flatMap(({ command }) =>
  Object.entries(command.options ?? {}),
);

function someOf(options: Options): fc.Arbitrary<Line> {
  const own = Object.entries(options).map(written);
  return fc.oneof(
    ...(own.length === 0 ? [] : [{ weight: 30, arbitrary: fc.oneof(...own) }]),
    { weight: 1, arbitrary: fc.constantFrom(...everyOption).chain(written) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<Line[]>(['--nope'], ['-Z'], ['--=x'], ['-='], ['---'], ['--help'], ['--'], ['-']),
    },
    { weight: 1, arbitrary: hostile.map((text) => [text]) },
  );
}

/** Generates the arguments of a command. */
function operands({ path, command }: Leaf): fc.Arbitrary<Line> {
  const [minimum, maximum] = argumentCount(command);
  if (path.join(' ') === 'network create') return fc.array(operand.newNetwork, { minLength: 1, maxLength: 1 });
  if (path.join(' ') === 'network connect' || path.join(' ') === 'network disconnect') {
    return fc.tuple(operand.network, operand.container);
  }
  if (command.passThrough === true) return fc.array(operand.command, { minLength: minimum, maxLength: minimum + 2 });
  const kind = path[0] === 'network' ? operand.network : operand.container;
  return fc.array(kind, { minLength: minimum, maxLength: Math.min(maximum, minimum + 1) });
}

function lineOf(leaf: Leaf): fc.Arbitrary<Line> {
  const options = fc
    .array(someOf(leaf.command.options ?? {}), { maxLength: 5, size: 'max' })
    .map((groups) => groups.flat());
  const plain = fc.tuple(options, operands(leaf)).map(([given, rest]): Line => [...leaf.path, ...given, ...rest]);
  const wrong = fc
    .tuple(options, operands(leaf), fc.array(hostile, { maxLength: 2 }))
    .map(([given, rest, more]): Line => [...leaf.path, ...rest, ...given, ...more]);
  return fc.oneof({ weight: 12, arbitrary: plain }, { weight: 1, arbitrary: wrong });
}

const before = fc.oneof(
  { weight: 20, arbitrary: fc.constant<Line>([]) },
  { weight: 1, arbitrary: someOf(globalOptions) },
  { weight: 1, arbitrary: fc.constant<Line>(['explain']) },
);

/** @param wanted selects commands by path: `network create` */
export function commandLine(wanted: (path: string) => boolean = () => true): fc.Arbitrary<Line> {
  const chosen = all.filter(({ path }) => wanted(path.join(' ')));
  const lines = chosen.map((leaf) => ({ weight: weighty[leaf.path.join(' ')] ?? 2, arbitrary: lineOf(leaf) }));
  const any = fc.array(hostile, { maxLength: 4 });
  return fc
    .tuple(before, fc.oneof(...lines, { weight: 1, arbitrary: any }))
    .map(([first, line]) => [...first, ...line]);
}
