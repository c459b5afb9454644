/** Colour, where a person looks at it: never in a file or a pipe, unless asked for. */

export type ColorWhen = 'auto' | 'always' | 'never';

export interface Palette {
  readonly strong: (text: string) => string;
  readonly error: (text: string) => string;
  readonly faint: (text: string) => string;
}

/**
 * The colours for one stream.
 *
 * @see https://no-color.org
 */
export function palette(
  stream: { readonly isTTY?: boolean },
  when: ColorWhen,
  environment: Readonly<Record<string, string | undefined>>,
): Palette {
  const colored = when === 'always' || (when === 'auto' && wanted(stream, environment));
  const paint = (code: number) => (text: string) => (colored ? `\x1b[${code}m${text}\x1b[0m` : text);
  return { strong: paint(1), error: paint(31), faint: paint(2) };
}

function wanted(
  stream: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  if (environment.NO_COLOR) return false;
  if (environment.FORCE_COLOR && environment.FORCE_COLOR !== '0') return true;
  return stream.isTTY === true && environment.TERM !== 'dumb';
}
