/**
 * From text to words.
 *
 *     Name: {{ .Name | printf "%-8s" -}}   and so on
 *     ─text─   ─word─|──word─ ─string─    ── text, without the blanks before it
 */
import { TemplateFault } from './fault.ts';

export type TokenKind =
  | 'string'
  | 'raw'
  | 'character'
  | 'number'
  | 'field'
  | 'dot'
  | 'variable'
  | 'word'
  | 'declare'
  | 'assign'
  | 'pipe'
  | 'comma'
  | 'open'
  | 'close';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly at: number;
  /** Nothing stands between the token before and this one: `.A.B` is one path, `.A .B` are two. */
  readonly glued: boolean;
}

/** Text between actions, or one action. Comments are gone. */
export type Segment =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly tokens: readonly Token[]; readonly at: number };

const patterns: readonly (readonly [TokenKind, RegExp])[] = [
  ['string', /"(?:[^"\\\n]|\\.)*"/y],
  ['raw', /`[^`]*`/y],
  ['character', /'(?:[^'\\\n]|\\.)+'/y],
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
];

const opening = /\{\{(-(?=[ \t\r\n]))?/g;
const comment = /[ \t\r\n]*\/\*(?:(?!\*\/).)*\*\/([ \t\r\n]+-)?\}\}/sy;
const closing = /([ \t\r\n]+-)?\}\}/y;
const blanks = /[ \t\r\n]*/y;

/**
 * @param spell what becomes of each text, before blanks are trimmed off it
 * @throws TemplateFault
 */
export function splitTemplate(source: string, spell: (text: string) => string): readonly Segment[] {
  const segments: Segment[] = [];
  let at = 0;
  let trimStart = false;
  while (at < source.length) {
    const open = matchFrom(opening, source, at);
    const text = spell(source.slice(at, open?.index));
    addText(segments, text, { start: trimStart, end: open?.[1] !== undefined });
    if (open === undefined) break;
    const action = readAction(source, open.index, open.index + open[0].length);
    if (action.tokens !== undefined) segments.push({ kind: 'action', tokens: action.tokens, at: open.index });
    at = action.end;
    trimStart = action.trim;
  }
  return segments;
}

function addText(segments: Segment[], text: string, trim: { readonly start: boolean; readonly end: boolean }): void {
  let from = 0;
  let to = text.length;
  if (trim.start) while (from < to && isBlank(text[from])) from++;
  if (trim.end) while (to > from && isBlank(text[to - 1])) to--;
  if (from < to) segments.push({ kind: 'text', text: text.slice(from, to) });
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t' || character === '\r' || character === '\n';
}

interface Action {
  /** None: it was a comment. */
  readonly tokens?: readonly Token[];
  readonly end: number;
  /** It ends with `-}}`: the blanks behind it go. */
  readonly trim: boolean;
}

function readAction(source: string, open: number, start: number): Action {
  const remark = source.startsWith('/*', skip(source, start)) ? matchFrom(comment, source, start) : undefined;
  if (remark !== undefined) return { end: start + remark[0].length, trim: remark[1] !== undefined };
  const tokens: Token[] = [];
  let at = start;
  for (;;) {
    const close = matchFrom(closing, source, at);
    if (close !== undefined) return { tokens, end: at + close[0].length, trim: close[1] !== undefined };
    const next = skip(source, at);
    if (next === source.length) throw new TemplateFault('the action is not closed', 'write }} behind it', open);
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
  if (`"'\``.includes(character)) {
    throw new TemplateFault(`the ${character} has no partner`, 'close the text with the mark that opened it', at);
  }
  if (source.startsWith('/*', at)) throw new TemplateFault('the comment is not closed', 'end it with */}}', at);
  throw new TemplateFault(`${JSON.stringify(character)} means nothing here`, 'put a text between quotes', at);
}

function skip(source: string, at: number): number {
  return at + (matchFrom(blanks, source, at)?.[0].length ?? 0);
}

function matchFrom(pattern: RegExp, source: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(source) ?? undefined;
}
