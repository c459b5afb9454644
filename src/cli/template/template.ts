/**
 * Go templates for `--format`: the part of Go's text/template that scripts for Docker use.
 *
 *     {{range $name, $network := .NetworkSettings.Networks}}{{$name}} {{$network.IPAddress}}{{println}}{{end}}
 *
 * lexer.ts splits the text into tokens, parse.ts and pipeline.ts turn them into a function that renders data. Supported are
 * fields, variables, if, with, range, and the functions of functions.ts.
 *
 * Differences from Docker:
 * - a mistake that Go prints into the output (`%!d(string=web)`) is an error;
 * - comments, and the functions of `unsupportedFunctions`, are errors;
 * - a format without any field (`--format yaml`) is an error;
 * - an unknown field is an error even if the list is empty;
 * - all numbers have one type, so `eq 1 1.0` is true.
 *
 * @see https://pkg.go.dev/text/template, https://docs.docker.com/engine/cli/formatting/
 */
import { UsageError } from '../grammar.ts';
import { type Functions, functions, headingFunctions } from './functions.ts';
import { parseNodes } from './parse.ts';
import { type Fields, TemplateFault, type Value } from './value.ts';

/** Invalid template: the position, the problem and the hint. */
export class TemplateError extends UsageError {}

export interface Template {
  /** @throws TemplateError if the data lacks a field */
  readonly execute: (data: Value) => string;
  /** Renders the heading of a table; functions keep the column names. @throws TemplateError */
  readonly heading: (names: Fields) => string;
}

export interface TemplateOptions {
  /** Replace `\t` and `\n` outside of actions. Default false. */
  readonly escapes?: boolean;
  /** Exit status of a syntax error. Default 1. */
  readonly exitStatus?: 1 | 64;
}

const names: ReadonlySet<string> = new Set([...functions.keys(), 'and', 'or']);

/** @throws TemplateError */
export function parseTemplate(source: string, { escapes = false, exitStatus = 1 }: TemplateOptions = {}): Template {
  const unescapeText = (text: string) => (escapes ? text.replaceAll('\\t', '\t').replaceAll('\\n', '\n') : text);
  const render = withTemplateErrors(source, exitStatus, () => parseNodes(source, names, unescapeText));
  const execute = (data: Value, functions: Functions) =>
    withTemplateErrors(source, 1, () => render({ dot: data, scope: { name: '$', value: data }, functions }));
  return {
    execute: (data) => execute(data, functions),
    heading: (columns) => execute(columns, headingFunctions),
  };
}

function withTemplateErrors<T>(source: string, exitStatus: 1 | 64, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof TemplateFault)) throw error;
    const where = error.at === undefined ? '' : `, ${position(source, error.at)}`;
    const hint = error.hint ? `; ${error.hint}` : '';
    throw new TemplateError(`template${where}: ${error.message}${hint}`, exitStatus);
  }
}

/** `column 12`, and the line if there are several. */
function position(source: string, at: number): string {
  const before = source.slice(0, at).split('\n');
  const column = `column ${[...(before.at(-1) ?? '')].length + 1}`;
  return source.includes('\n') ? `line ${before.length}, ${column}` : column;
}
