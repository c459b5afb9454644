/** What stands between `{{` and `}}`: commands with their operands, each passing its value on to the next. */
import { suggest } from '../../values/suggest.ts';
import { placed, TemplateFault } from './fault.ts';
import type { Token } from './lexer.ts';
import { parseCharacter, parseNumber, withoutEscapes } from './literal.ts';
import type { Command, Operand, Pipeline } from './tree.ts';

/** The words of one action, and how far they are read. */
export interface Words {
  readonly tokens: readonly Token[];
  index: number;
  depth: number;
  /** Where a complaint points that has no word to point at: the action. */
  readonly end: number;
  readonly functions: ReadonlySet<string>;
  /** The variables that are known here. */
  readonly scope: readonly string[];
}

const deepest = 100;
const constants = new Map<string, boolean | null>([
  ['true', true],
  ['false', false],
  ['nil', null],
]);

/** @param variables how many may be declared: two by `range` @throws TemplateFault */
export function parsePipeline(words: Words, variables = 1): Pipeline {
  const pipeline = parseCommands(words, parseVariables(words, variables));
  const token = words.tokens[words.index];
  if (token !== undefined) throw unexpected(token);
  return pipeline;
}

type Declaration = Pick<Pipeline, 'variables' | 'assigns'>;

/** `$x :=`, `$x =`, `$key, $value :=`, or nothing of the kind. */
function parseVariables(words: Words, most: number): Declaration {
  const { tokens, index } = words;
  const names = [tokens[index]];
  while (tokens[index + names.length * 2 - 1]?.kind === 'comma') names.push(tokens[index + names.length * 2]);
  const sign = tokens[index + names.length * 2 - 1];
  if (sign?.kind !== 'declare' && sign?.kind !== 'assign') return { variables: [], assigns: false };
  const variables = names.map((token) => {
    if (token?.kind !== 'variable' || token.text === '$') throw unexpected(token ?? sign);
    if (sign.kind === 'assign') requireVariable(words, token);
    return token.text;
  });
  if (variables.length > most) {
    const hint = 'range takes two, $key and $value; everything else takes one';
    throw new TemplateFault(`${variables.length} variables are too many`, hint, names[most]?.at);
  }
  words.index += names.length * 2;
  return { variables, assigns: sign.kind === 'assign' };
}

function parseCommands(words: Words, declaration: Declaration): Pipeline {
  const at = words.tokens[words.index]?.at ?? words.end;
  const commands = [parseCommand(words)];
  while (words.tokens[words.index]?.kind === 'pipe') {
    words.index++;
    const command = parseCommand(words);
    const { kind } = command.first;
    if (kind === 'literal' || kind === 'dot') {
      throw new TemplateFault('what stands behind | takes no value', 'write a function there', command.first.at);
    }
    commands.push(command);
  }
  return { ...declaration, commands, at };
}

function parseCommand(words: Words): Command {
  const first = parseOperand(words);
  const rest: Operand[] = [];
  while (!isOver(words)) {
    const token = words.tokens[words.index];
    if (token?.glued) throw unexpected(token, 'put a blank between them');
    rest.push(parseOperand(words));
  }
  if (first.kind === 'literal' && first.value === null) {
    throw new TemplateFault('nil alone is nothing to print', 'compare with it: {{if eq .Name nil}}', first.at);
  }
  return { first, rest };
}

function isOver({ tokens, index }: Words): boolean {
  const kind = tokens[index]?.kind;
  return kind === undefined || kind === 'pipe' || kind === 'close';
}

/** A literal, a name or parentheses, and the fields that hang on it. */
function parseOperand(words: Words): Operand {
  const token = words.tokens[words.index];
  if (token === undefined || isOver(words)) {
    throw new TemplateFault('a value is missing', 'write a field such as .Name', token?.at ?? words.end);
  }
  const { at } = token;
  const operand = token.kind === 'field' ? { kind: 'dot' as const, at } : parseTerm(words, token);
  const names: string[] = [];
  for (let field = words.tokens[words.index]; field?.kind === 'field'; field = words.tokens[words.index]) {
    if (field !== token && !field.glued) break;
    names.push(field.text.slice(1));
    words.index++;
  }
  if (names.length === 0) return operand;
  if (operand.kind === 'literal') throw new TemplateFault(`${token.text} has no fields`, undefined, at);
  return { kind: 'path', of: operand, names, at };
}

function parseTerm(words: Words, token: Token): Operand {
  const { kind, text, at } = token;
  words.index++;
  switch (kind) {
    case 'string':
      return { kind: 'literal', value: placed(at, () => withoutEscapes(text.slice(1, -1))), at };
    case 'raw':
      return { kind: 'literal', value: text.slice(1, -1), at };
    case 'character':
      return { kind: 'literal', value: placed(at, () => parseCharacter(text)), at };
    case 'number':
      return { kind: 'literal', value: placed(at, () => parseNumber(text)), at };
    case 'dot':
      return { kind: 'dot', at };
    case 'variable':
      requireVariable(words, token);
      return { kind: 'variable', name: text, at };
    case 'word':
      return parseWord(words, token);
    case 'open':
      return parseParentheses(words, token);
    default:
      throw unexpected(token);
  }
}

function parseWord({ functions }: Words, { text, at }: Token): Operand {
  const constant = constants.get(text);
  if (constant !== undefined) return { kind: 'literal', value: constant, at };
  if (functions.has(text)) return { kind: 'function', name: text, at };
  const near = suggest(text, [...functions]).replace(/^; /, '');
  throw new TemplateFault(`there is no function ${text}`, near || `a field has a dot: .${text}`, at);
}

function parseParentheses(words: Words, { at }: Token): Operand {
  if (++words.depth > deepest) {
    throw new TemplateFault(`more than ${deepest} parentheses stand in each other`, 'use a variable', at);
  }
  const pipeline = parseCommands(words, { variables: [], assigns: false });
  if (words.tokens[words.index]?.kind !== 'close') {
    throw new TemplateFault('the ( is not closed', 'write a ) behind it', at);
  }
  words.index++;
  words.depth--;
  return { kind: 'pipeline', pipeline, at };
}

function requireVariable({ scope }: Words, { text, at }: Token): void {
  if (scope.includes(text)) return;
  throw new TemplateFault(`there is no variable ${text}`, `declare it first: {{${text} := .Name}}`, at);
}

function unexpected({ text, at }: Token, hint?: string): TemplateFault {
  return new TemplateFault(`${text} can't stand here`, hint ?? 'quote it if it is text', at);
}
