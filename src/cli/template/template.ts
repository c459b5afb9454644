/**
 * Templates as docker's `--format` has them: the part of Go's text/template that people write on a command line.
 *
 *     {{range $name, $network := .NetworkSettings.Networks}}{{$name}} {{$network.IPAddress}}{{println}}{{end}}
 *
 * Text is split into words (lexer.ts), words make a tree (parser.ts, pipeline.ts), and the tree says something about
 * data (evaluate.ts), with Go's truth, Go's way to print and docker's functions. Left out: template, define, block,
 * break, continue, call.
 *
 * What differs from docker, always for the better:
 * - where Go prints a complaint into the output and goes on (`%!d(string=web)`), there is an error;
 * - a format without any field (`--format yaml`) is an error, and not that word once a line;
 * - a field that no line of a list has is an error even where the list is empty;
 * - `\n` and `\t` may stand in a text between quotes, too; `truncate` counts characters, not bytes.
 *
 * What differs and is not: numbers have one kind, so `eq 1 1.0` is true, and large fractions print as JSON has them.
 *
 * @see https://pkg.go.dev/text/template, https://docs.docker.com/engine/cli/formatting/
 */
import { UsageError } from '../grammar.ts';
import { evaluate } from './evaluate.ts';
import { TemplateFault } from './fault.ts';
import { functions, headingFunctions } from './functions.ts';
import { parseTree } from './parser.ts';
import type { Fields, Value } from './value.ts';

/** What is wrong, where, and what to write instead. */
export class TemplateError extends UsageError {}

export interface Template {
  /** @throws TemplateError where the data do not have what is asked for */
  readonly execute: (data: Value) => string;
  /** The heading of a table: the same with the columns' names, on which functions do nothing. @throws TemplateError */
  readonly heading: (names: Fields) => string;
}

export interface TemplateOptions {
  /** `\t` and `\n` outside of actions are a tab and a new line. Default false. */
  readonly escapes?: boolean;
  /** The exit status of a template that can't be read. Default 1. */
  readonly exitStatus?: 1 | 64;
}

const names: ReadonlySet<string> = new Set([...functions.keys(), 'and', 'or']);

/** @throws TemplateError */
export function parseTemplate(source: string, { escapes = false, exitStatus = 1 }: TemplateOptions = {}): Template {
  const spell = escapes
    ? (text: string) => text.replaceAll('\\t', '\t').replaceAll('\\n', '\n')
    : (text: string) => text;
  const tree = explained(source, exitStatus, () => parseTree(source, names, spell));
  return {
    execute: (data) => explained(source, 1, () => evaluate(tree, data, functions)),
    heading: (columns) => explained(source, 1, () => evaluate(tree, columns, headingFunctions)),
  };
}

function explained<T>(source: string, exitStatus: 1 | 64, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof TemplateFault)) throw error;
    const where = error.at === undefined ? '' : `, ${position(source, error.at)}`;
    const remedy = error.hint ? `; ${error.hint}` : '';
    throw new TemplateError(`template${where}: ${error.message}${remedy}`, exitStatus);
  }
}

/** `column 12`, and the line where there are several. */
function position(source: string, at: number): string {
  const before = source.slice(0, at).split('\n');
  const column = `column ${[...(before.at(-1) ?? '')].length + 1}`;
  return source.includes('\n') ? `line ${before.length}, ${column}` : column;
}
