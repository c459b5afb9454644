/** Escapes text from outside, so that it cannot steer the terminal, reverse the writing direction or fake a line of output. */

/** Control characters, format characters, unpaired surrogates, line and paragraph separators. */
const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Escapes unsafe characters as in a program: `\n`, `\x1b`, `\u202e`. */
export function printable(text: string): string {
  return text.replace(unsafe, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (character === '\n') return '\\n';
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** Formats JSON with unsafe characters escaped: `\u009b`. JSON.stringify leaves most of them as they are. */
export function printableJson(data: unknown, indent = 0): string {
  const escapeUnit = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(data, undefined, indent).replace(unsafe, (character) =>
    character === '\n' ? character : character.split('').map(escapeUnit).join(''),
  );
}

/** Escapes every string in plain data, for a template: templates print fields as they are. */
export function printableTexts<T>(data: T): T {
  if (typeof data === 'string') return printable(data) as T;
  if (Array.isArray(data)) return data.map(printableTexts) as T;
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).map(([name, field]) => [name, printableTexts(field)])) as T;
}

/** One JSON object a line, for line-based tools. */
export function jsonLines(objects: readonly object[]): string {
  return objects.map((object) => `${printableJson(object)}\n`).join('');
}
