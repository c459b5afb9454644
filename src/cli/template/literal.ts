/** Strings and numbers as Go writes them in a program, read and written. */
import { TemplateFault } from './fault.ts';

const letters: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
};
const escapeLetters = new Map(Object.entries(letters).map(([letter, character]) => [character, letter]));
const escapeSequence = /\\(?:([abfnrtv\\'"])|x([\dA-Fa-f]{2})|u([\dA-Fa-f]{4})|U([\dA-Fa-f]{8})|([0-7]{3})|.)/gs;

/** What stands between quotes. @throws TemplateFault for a backslash that Go does not know */
export function withoutEscapes(text: string): string {
  return text.replace(escapeSequence, (whole, letter: string | undefined, x, u, U, octal) => {
    const known = letter === undefined ? undefined : letters[letter];
    if (known !== undefined) return known;
    const code = octal === undefined ? Number.parseInt(x ?? u ?? U, 16) : Number.parseInt(octal, 8);
    if (!(code <= 0x10ffff)) throw new TemplateFault(`${whole} is no character`, 'write \\\\ for a backslash');
    return String.fromCodePoint(code);
  });
}

/** As `printf "%q"` writes a text: `"a\tb"`. */
export function quote(text: string, mark: '"' | "'" = '"'): string {
  return `${mark}${Array.from(text, (character) => escaped(character, mark)).join('')}${mark}`;
}

function escaped(character: string, mark: string): string {
  const other = mark === '"' ? "'" : '"';
  const letter = character === other ? undefined : escapeLetters.get(character);
  if (letter !== undefined) return `\\${letter}`;
  if (/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  const hexadecimal = (digits: number) => code.toString(16).padStart(digits, '0');
  if (code < 0x80) return `\\x${hexadecimal(2)}`;
  return code < 0x10000 ? `\\u${hexadecimal(4)}` : `\\U${hexadecimal(8)}`;
}

const number = /^[+-]?(?:0x[\da-f]+|0b[01]+|0o?[0-7]+|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)$/i;

/** `12`, `-0x1F`, `1_000`, `1.5e3`; 017 is octal, as in Go. @throws TemplateFault */
export function parseNumber(text: string): number {
  const digits = text.replace(/(?<=[\da-fx])_(?=[\da-f])/gi, '');
  const [, sign = '', rest = ''] = /^([+-]?)(.*)$/.exec(digits) ?? [];
  const size = Number(/^0\d+$/.test(rest) ? `0o${rest.slice(1)}` : rest);
  if (!number.test(digits) || Number.isNaN(size)) {
    throw new TemplateFault(`${text} is no number`, 'put a text between quotes');
  }
  if (/^(0[box].*|\d+)$/i.test(rest) ? !Number.isSafeInteger(size) : !Number.isFinite(size)) {
    throw new TemplateFault(`${text} is too large`, `numbers go up to ${Number.MAX_SAFE_INTEGER}`);
  }
  return sign === '-' && size !== 0 ? -size : size;
}

/** `'a'` is a number, as in Go: the code of its character. @throws TemplateFault */
export function parseCharacter(text: string): number {
  const [character, ...more] = Array.from(withoutEscapes(text.slice(1, -1)));
  if (character === undefined || more.length > 0) {
    throw new TemplateFault(`${text} is not one character`, 'put a text between double quotes');
  }
  return character.codePointAt(0) ?? 0;
}
