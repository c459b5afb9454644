/** A failure in words. */
import { GangwayError, KernelError, messageOf, TeardownError } from '../values/errors.ts';

const longest = 1500;

/** What went wrong and what to do about it, in one line. */
export function sentence(error: unknown): string {
  return printable(shorten(describe(error)));
}

function describe(error: unknown): string {
  if (error instanceof GangwayError) {
    const { message, cause, hint } = error;
    const kernel = cause instanceof KernelError && !message.includes(cause.message) ? ` (${cause.message})` : '';
    return `${message}${kernel}${hint === undefined ? '' : `; ${hint}`}`;
  }
  if (error instanceof KernelError || error instanceof TeardownError) return error.message;
  if (error instanceof Error && 'syscall' in error) return error.message;
  return `internal error: ${messageOf(error)}; GANGWAY_DEBUG=1 shows where, please report it`;
}

/** What was typed is told back, but not a whole file of it. */
function shorten(text: string): string {
  return text.length <= longest ? text : `${text.slice(0, longest / 2)} … ${text.slice(-longest / 2)}`;
}

/** Somebody else's words may hold what steers the terminal, turns the direction of writing, or looks like a line of ours. */
const steering = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** What is in such words is written as in a program: `\n`, `\x1b`, `\u202e`. */
export function printable(text: string): string {
  return text.replace(steering, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (character === '\n') return '\\n';
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** JSON, which leaves most of that as it is, with its own spelling for it: `\u009b`. It is the same to who reads it. */
export function printableJson(data: unknown, indent = 0): string {
  const spelt = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(data, undefined, indent).replace(steering, (character) =>
    character === '\n' ? character : character.split('').map(spelt).join(''),
  );
}

/** Plain data with every text in it printable: a template prints its fields as they are. */
export function printableTexts<T>(data: T): T {
  if (typeof data === 'string') return printable(data) as T;
  if (Array.isArray(data)) return data.map(printableTexts) as T;
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).map(([name, field]) => [name, printableTexts(field)])) as T;
}
