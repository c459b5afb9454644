/**
 * Splits a template into text and actions, and each action into tokens.
 *
 *     Name: {{ .Name | printf "%-8s" -}}   and so on
 *     ─text─   ─field─|─word─ ─string──    ─── text, without the spaces before it
 */
import { TemplateFault } from './value.ts';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly at: number;
  /** No space before it: `.A.B` is one path, `.A .B` are two. */
  readonly glued: boolean;
}

/** Text between actions, or one action. */
export type Segment =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly tokens: readonly Token[]; readonly at: number };

const patterns = [
  ['string', /"(?:[^"\\\n]|\\.)*"/y],
  ['raw', /`[^`]*`/y],
  ['number', /[+-]?\.?\d(?:[eE][+-]|[\w.])*/y],
  ['field', /\.[\p{L}_][\p{L}\p{N}_]*/uy],
  ['dot', /\./y],
  ['variable', /\$[\p{L}\p{N}_]*/uy],
  ['word', /[\p{L}_][\p{L}\p{N}_]*/uy],
  ['declare', /:=/y],
  ['assign', /=/y],
  ['pipe', /\|/y],
  ['comma', /,/y],
  ['open', /\(/y],
  ['close', /\)/y],
] as const satisfies readonly (readonly [kind: string, pattern: RegExp])[];

export type TokenKind = (typeof patterns)[number][0];

const opening = /\{\{(-(?=[ \t\r\n]))?/g;
const closing = /([ \t\r\n]+-)?\}\}/y;
const spaces = /[ \t\r\n]*/y;

/** @param unescapeText applied to each text before `-` trims it @throws TemplateFault */
export function splitTemplate(source: string, unescapeText: (text: string) => string): readonly Segment[] {
  const segments: Segment[] = [];
  let at = 0;
  let trimStart = false;
  while (at < source.length) {
    const open = matchFrom(opening, source, at);
    let text = unescapeText(source.slice(at, open?.index));
    if (trimStart) text = text.replace(/^[ \t\r\n]+/, '');
    if (open?.[1] !== undefined) text = text.replace(/(?<![ \t\r\n])[ \t\r\n]+$/, '');
    if (text !== '') segments.push({ kind: 'text', text });
    if (open === undefined) break;
    const { tokens, end, trim } = readAction(source, open.index, open.index + open[0].length);
    segments.push({ kind: 'action', tokens, at: open.index });
    at = end;
    trimStart = trim;
  }
  return segments;
}

interface Action {
  readonly tokens: readonly Token[];
  readonly end: number;
  /** Ends with `-}}`, which trims the text after it. */
  readonly trim: boolean;
}

function readAction(source: string, open: number, start: number): Action {
  const tokens: Token[] = [];
  let at = start;
  for (;;) {
    const close = matchFrom(closing, source, at);
    if (close !== undefined) return { tokens, end: at + close[0].length, trim: close[1] !== undefined };
    const next = skipSpaces(source, at);
    if (next === source.length) throw new TemplateFault('the action is not closed', 'write }} at its end', open);
    if (next > at && source.startsWith('}}', next)) {
      at = next;
      continue;
    }
    const token = readToken(source, next, next === at && tokens.length > 0);
    tokens.push(token);
    at = next + token.text.length;
  }
}

function readToken(source: string, at: number, glued: boolean): Token {
  for (const [kind, pattern] of patterns) {
    const text = matchFrom(pattern, source, at)?.[0];
    if (text !== undefined) return { kind, text, at, glued };
  }
  const character = String.fromCodePoint(source.codePointAt(at) ?? 0);
  if (character === '"' || character === '`') throw new TemplateFault(`the ${character} is not closed`, undefined, at);
  if (source.startsWith('/*', at)) throw new TemplateFault('comments are not supported', undefined, at);
  throw new TemplateFault(`unexpected ${JSON.stringify(character)}`, 'put text between double quotes', at);
}

function skipSpaces(source: string, at: number): number {
  return at + (matchFrom(spaces, source, at)?.[0].length ?? 0);
}

function matchFrom(pattern: RegExp, source: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(source) ?? undefined;
}
