/** Parses the content of an action: commands joined by `|`. The result is a function that evaluates it. */
import { suggest } from '../../values/suggest.ts';
import { type Functions, unsupportedFunctions } from './functions.ts';
import type { Token } from './lexer.ts';
import { describeValue, isFields, isMap, isTrue, TemplateFault, type Value, withPosition } from './value.ts';

/** Variables in scope, the latest first. An assignment changes a variable in place. */
export interface Scope {
  readonly name: string;
  value: Value;
  readonly outer?: Scope;
}

/** State of an evaluation. Each list of nodes has its own copy. */
export interface Frame {
  readonly dot: Value;
  scope: Scope;
  readonly functions: Functions;
}

type Evaluate = (frame: Frame) => Value;
/** A command of a pipeline. `piped` holds the value of the command before, if there is one. */
type Stage = (frame: Frame, piped: readonly Value[]) => Value;

/** `$x := .Name | upper`: each value is the last argument of the next command. */
export interface Pipeline {
  /** Two for `range $key, $value :=`. */
  readonly variables: readonly string[];
  /** `=` instead of `:=`. */
  readonly assigns: boolean;
  readonly evaluate: Evaluate;
  readonly at: number;
}

/** Tokens of an action, and the position of the parser in them. */
export interface Reader {
  readonly tokens: readonly Token[];
  index: number;
  depth: number;
  /** Offset of the action, for an error at its end. */
  readonly at: number;
  readonly functions: ReadonlySet<string>;
  /** Names of the variables in scope. */
  readonly scope: readonly string[];
}

export const maximumDepth = 100;
const constants = new Map<string, boolean | null>([
  ['true', true],
  ['false', false],
  ['nil', null],
]);

/** @param maximum how many variables may be declared: 2 for `range` @throws TemplateFault */
export function parsePipeline(reader: Reader, maximum = 1): Pipeline {
  const declaration = parseVariables(reader, maximum);
  const at = reader.tokens[reader.index]?.at ?? reader.at;
  const evaluate = parseCommands(reader);
  const token = reader.tokens[reader.index];
  if (token !== undefined) throw unexpected(token);
  return { ...declaration, evaluate, at };
}

/** Declares or assigns the variables of the pipeline in the frame. */
export function bind({ variables, assigns }: Pipeline, frame: Frame, values: readonly Value[]): Frame {
  for (const [index, name] of variables.entries()) {
    if (assigns) findVariable(name, frame.scope).value = values[index];
    else frame.scope = { name, value: values[index], outer: frame.scope };
  }
  return frame;
}

function findVariable(name: string, scope: Scope): Scope {
  let at: Scope | undefined = scope;
  while (at !== undefined && at.name !== name) at = at.outer;
  if (at === undefined) throw new Error(`variable ${name} is not in scope after parsing`);
  return at;
}

/** Parses `$x :=`, `$x =`, `$key, $value :=`, or nothing. */
function parseVariables(reader: Reader, maximum: number): Pick<Pipeline, 'variables' | 'assigns'> {
  const { tokens, index } = reader;
  const names = [tokens[index]];
  while (tokens[index + names.length * 2 - 1]?.kind === 'comma') names.push(tokens[index + names.length * 2]);
  const sign = tokens[index + names.length * 2 - 1];
  if (sign?.kind !== 'declare' && sign?.kind !== 'assign') return { variables: [], assigns: false };
  const variables = names.map((token) => {
    if (token?.kind !== 'variable' || token.text === '$') throw unexpected(token ?? sign);
    if (sign.kind === 'assign') requireVariable(reader, token);
    return token.text;
  });
  if (variables.length > maximum) {
    const hint = 'range takes two, $key and $value; other actions take one';
    throw new TemplateFault(`too many variables: ${variables.length}`, hint, names[maximum]?.at);
  }
  reader.index += names.length * 2;
  return { variables, assigns: sign.kind === 'assign' };
}

function parseCommands(reader: Reader): Evaluate {
  const stages = [parseCommand(reader)];
  while (reader.tokens[reader.index]?.kind === 'pipe') {
    reader.index++;
    stages.push(parseCommand(reader));
  }
  return (frame) => stages.reduce<readonly Value[]>((piped, stage) => [stage(frame, piped)], [])[0];
}

/** Parses a command with its arguments; a piped value is the last argument. */
function parseCommand(reader: Reader): Stage {
  const first = reader.tokens[reader.index];
  const operand = parseOperand(reader, true);
  const args: Evaluate[] = [];
  while (!isAtEnd(reader)) {
    const token = reader.tokens[reader.index];
    if (token?.glued) throw unexpected(token, 'put a space before it');
    args.push(parseOperand(reader));
  }
  const { at = reader.at, kind, text = '' } = first ?? {};
  if (kind === 'word' && !constants.has(text)) return callFunction(text, at, args);
  if (kind === 'word' && text === 'nil')
    throw new TemplateFault('nil cannot be printed', 'compare with it: {{if eq .Name nil}}', at);
  return (frame, piped) => {
    const value = operand(frame);
    if (typeof value === 'function') {
      const values = [...args.map((evaluate) => evaluate(frame)), ...piped];
      return withPosition(at, () => value(values));
    }
    if (args.length === 0 && piped.length === 0) return value;
    throw new TemplateFault(`${describeValue(value)} takes no arguments`, 'only functions do', at);
  };
}

function isAtEnd({ tokens, index }: Reader): boolean {
  const kind = tokens[index]?.kind;
  return kind === undefined || kind === 'pipe' || kind === 'close';
}

/** Parses a literal, a name or parentheses, and its fields. @param keepMethod a method is returned, not called */
function parseOperand(reader: Reader, keepMethod = false): Evaluate {
  const token = reader.tokens[reader.index];
  if (token === undefined || isAtEnd(reader)) {
    throw new TemplateFault('a value is missing', 'write a field such as .Name', token?.at ?? reader.at);
  }
  const { at } = token;
  const operand = token.kind === 'field' ? (frame: Frame) => frame.dot : parseTerm(reader, token);
  const names: string[] = [];
  for (let field = reader.tokens[reader.index]; field?.kind === 'field'; field = reader.tokens[reader.index]) {
    if (field !== token && !field.glued) break;
    names.push(field.text.slice(1));
    reader.index++;
  }
  if (names.length === 0) return operand;
  return (frame) => {
    const value = names.reduce((value, name) => fieldOf(value, name, at), operand(frame));
    return !keepMethod && typeof value === 'function' ? withPosition(at, () => value([])) : value;
  };
}

function parseTerm(reader: Reader, token: Token): Evaluate {
  const { kind, text, at } = token;
  reader.index++;
  switch (kind) {
    case 'string':
      return constant(withPosition(at, () => unquote(text)));
    case 'raw':
      return constant(text.slice(1, -1));
    case 'number':
      return constant(withPosition(at, () => parseNumber(text)));
    case 'dot':
      return (frame) => frame.dot;
    case 'variable':
      requireVariable(reader, token);
      return (frame) => findVariable(text, frame.scope).value;
    case 'word':
      return parseWord(reader, token);
    case 'open':
      return parseParentheses(reader, token);
    default:
      throw unexpected(token);
  }
}

function constant(value: Value): Evaluate {
  return () => value;
}

const escapes = new Map(Object.entries({ n: '\n', r: '\r', t: '\t', '\\': '\\', '"': '"' }));

/** Reads a string between double quotes. @throws TemplateFault for an unsupported escape sequence */
function unquote(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/gsu, (sequence, letter: string) => {
    const character = escapes.get(letter);
    if (character !== undefined) return character;
    throw new TemplateFault(`invalid escape sequence ${sequence}`, 'use \\n, \\t, \\r, \\" or \\\\');
  });
}

/** Reads a decimal number. @throws TemplateFault */
function parseNumber(text: string): number {
  const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(number)) throw new TemplateFault(`invalid number ${text}`, 'put text between double quotes');
  const isInRange = /^[+-]?\d+$/.test(text) ? Number.isSafeInteger(number) : Number.isFinite(number);
  if (isInRange) return number + 0;
  throw new TemplateFault(`${text} is too large`, `the largest number is ${Number.MAX_SAFE_INTEGER}`);
}

function parseWord({ functions }: Reader, { text, at }: Token): Evaluate {
  const value = constants.get(text);
  if (value !== undefined) return constant(value);
  if (functions.has(text)) {
    const call = callFunction(text, at, []);
    return (frame) => call(frame, []);
  }
  const hint = unsupportedFunctions.includes(text)
    ? 'write {{json .}} and use a tool such as jq'
    : suggest(text, [...functions]).replace(/^; /, '') || `a field has a dot: .${text}`;
  throw new TemplateFault(`function "${text}" is not supported`, hint, at);
}

function parseParentheses(reader: Reader, { at }: Token): Evaluate {
  if (++reader.depth > maximumDepth) throw new TemplateFault('too many nested parentheses', 'use a variable', at);
  const evaluate = parseCommands(reader);
  if (reader.tokens[reader.index]?.kind !== 'close') throw new TemplateFault('the ( is not closed', undefined, at);
  reader.index++;
  reader.depth--;
  return evaluate;
}

function callFunction(name: string, at: number, args: readonly Evaluate[]): Stage {
  if (name === 'and' || name === 'or') return firstDeciding(name, at, args);
  return (frame, piped) => {
    const values = [...args.map((evaluate) => evaluate(frame)), ...piped];
    return withPosition(at, () => frame.functions.get(name)?.(values), `${name}: `);
  };
}

/** `and` returns the first false value, `or` the first true value, or the last value; later operands are not evaluated. */
function firstDeciding(name: 'and' | 'or', at: number, args: readonly Evaluate[]): Stage {
  return (frame, piped) => {
    const operands = [...args, ...piped.map(constant)];
    if (operands.length === 0) throw new TemplateFault(`${name}: takes at least 1 value, not 0`, undefined, at);
    let value: Value;
    for (const evaluate of operands) {
      value = evaluate(frame);
      if (isTrue(value) === (name === 'or')) break;
    }
    return value;
  };
}

function fieldOf(value: Value, name: string, at: number): Value {
  if (isMap(value)) return value.get(name);
  if (!isFields(value)) {
    const hint = value === undefined || value === null ? 'test the value first: {{with …}}' : undefined;
    throw new TemplateFault(`${describeValue(value)} has no field .${name}`, hint, at);
  }
  if (Object.hasOwn(value, name) && name !== 'toJSON') return value[name];
  const names = Object.keys(value).filter((field) => field !== 'toJSON');
  const suggestion = suggest(
    `.${name}`,
    names.map((field) => `.${field}`),
  ).replace(/^; /, '');
  throw new TemplateFault(`no field .${name}`, suggestion || `the fields are .${names.join(' .')}`, at);
}

function requireVariable({ scope }: Reader, { text, at }: Token): void {
  if (scope.includes(text)) return;
  throw new TemplateFault(`no variable ${text}`, `declare it first: {{${text} := .Name}}`, at);
}

function unexpected({ text, at }: Token, hint = 'put text between double quotes'): TemplateFault {
  return new TemplateFault(`unexpected ${text}`, hint, at);
}
