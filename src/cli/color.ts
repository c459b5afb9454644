/** Colours for terminals. */

export type ColorWhen = 'auto' | 'always' | 'never';

export interface Palette {
  readonly bold: (text: string) => string;
  readonly error: (text: string) => string;
  readonly faint: (text: string) => string;
}

/**
 * Returns the colours for a stream. With `auto`, files and pipes get none.
 *
 * @see https://no-color.org
 */
export function palette(
  stream: { readonly isTTY?: boolean },
  when: ColorWhen,
  environment: Readonly<Record<string, string | undefined>>,
): Palette {
  const colored = when === 'always' || (when === 'auto' && isColorTerminal(stream, environment));
  const paint = (code: number) => (text: string) => (colored ? `\x1b[${code}m${text}\x1b[0m` : text);
  return { bold: paint(1), error: paint(31), faint: paint(2) };
}

function isColorTerminal(
  stream: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  if (environment.NO_COLOR) return false;
  if (environment.FORCE_COLOR && environment.FORCE_COLOR !== '0') return true;
  return stream.isTTY === true && environment.TERM !== 'dumb';
}
