/** A failure in words. */
import { GangwayError, KernelError, TeardownError } from '../values/errors.ts';

const longest = 1500;

/** What went wrong and what to do about it, in one line. */
export function sentence(error: unknown): string {
  return escapeControls(shorten(describe(error)));
}

function describe(error: unknown): string {
  if (error instanceof GangwayError) {
    const { message, cause, hint } = error;
    const kernel = cause instanceof KernelError && !message.includes(cause.message) ? ` (${cause.message})` : '';
    return `${message}${kernel}${hint === undefined ? '' : `; ${hint}`}`;
  }
  if (error instanceof KernelError || error instanceof TeardownError) return error.message;
  if (error instanceof Error && 'syscall' in error) return error.message;
  const message = error instanceof Error ? error.message : String(error);
  return `internal error: ${message}; GANGWAY_DEBUG=1 shows where, please report it`;
}

/** What was typed is told back, but not a whole file of it. */
function shorten(text: string): string {
  return text.length <= longest ? text : `${text.slice(0, longest / 2)} … ${text.slice(-longest / 2)}`;
}

/** Somebody else's words may hold bytes that steer the terminal. */
function escapeControls(text: string): string {
  return Array.from(text, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const harmless = character === '\n' || character === '\t' || (code >= 0x20 && (code < 0x7f || code > 0x9f));
    return harmless ? character : `\\x${code.toString(16).padStart(2, '0')}`;
  }).join('');
}
