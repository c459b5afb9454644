/**
 * Numbers, truth values, words and pairs as docker's options write them, which is as Go's strconv reads them.
 *
 * @see https://pkg.go.dev/strconv#ParseBool, https://pkg.go.dev/strconv#Atoi
 */
import { type ErrorCode, GangwayError } from './errors.ts';

/** `true`, `T`, `1`, `False`, `0` … @throws GangwayError `code` */
export function parseBoolean(text: string, option: string, code: ErrorCode = 'invalid-option'): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw new GangwayError(code, `${option} ${JSON.stringify(text)} is neither true nor false`, {
    hint: 'write true or false',
  });
}

/** One of these words. @throws GangwayError `code` */
export function oneOf<T extends string>(
  option: string,
  text: string,
  choices: readonly T[],
  code: ErrorCode = 'invalid-option',
): T {
  const choice = choices.find((candidate) => candidate === text);
  if (choice !== undefined) return choice;
  throw new GangwayError(code, `${option} ${JSON.stringify(text)} is unknown`, { hint: `use ${choices.join(' or ')}` });
}

/** A whole number, with a sign or without. @throws GangwayError `code` */
export function parseInteger(text: string, option: string, code: ErrorCode = 'invalid-option'): number {
  const number = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  // Zero, and not the negative zero that `-0` is to JavaScript.
  if (Number.isSafeInteger(number)) return number + 0;
  throw new GangwayError(code, `${option} ${JSON.stringify(text)} is not a whole number`, {
    hint: 'write it in digits, such as 10',
  });
}

/** `key=value`; the value may hold further equals signs, and is empty where there is none. */
export function cut(text: string): readonly [key: string, value: string] {
  const equals = text.indexOf('=');
  return equals === -1 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
}

/** Repeated `key=value` options. Of one key the last value counts. */
export function parsePairs(texts: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(texts.map(cut));
}

/** What `parsePairs` reads as this. */
export function formatPairs(pairs: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(pairs).map(([key, value]) => `${key}=${value}`);
}
