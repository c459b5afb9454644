/** Texts to choose from, and those that are a mistake whatever they stand for. */
import fc from 'fast-check';

export type Text = fc.Arbitrary<string>;

/** One of the words of a text. */
export function wordOf(text: string): Text {
  return fc.constantFrom(...text.trim().split(/\s+/));
}

export function oneOf(...texts: readonly string[]): Text {
  return fc.constantFrom(...texts);
}

/** Stands in every text that a shell could take for a command: outside of quotes it must never be seen. */
export const hazard = 'HAZARD';

const injected = ['$(?)', '`?`', "';?;'", '";?;"', '\n?\n', 'a&?', '|?', 'END\n?\n', '#\n?', "\\';?", '>?', '*?'];
export const shellWords = oneOf(...injected.map((text) => text.replace('?', hazard)));

const long = ['a'.repeat(300), 'a'.repeat(70_000), 'a,'.repeat(5000), '9'.repeat(5000), '../'.repeat(2000)];

export const hostile: Text = fc.oneof(
  wordOf('- -- -1 0 = : , / . .. * null undefined __proto__ constructor toString __proto__=x __proto__:x'),
  wordOf('NaN Infinity 1e400 1e9 -0 00 0x10 1_000 9007199254740993 1.5.5 ٣ {{ %s%n *.a ~ !! ñ 网'),
  oneOf('', ' ', 'a b', ' a', 'a ', 'a\tb', 'a\nb', 'a\r', 'a\0', '\0', '\u001b[2J', '\u009b2J', '\u202egnp', '\u2028'),
  oneOf('\ud800', '[object Object]', '9'.repeat(40)),
  oneOf(...long),
  shellWords,
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ maxLength: 12 }),
);
