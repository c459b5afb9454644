/** Names that a mistyped word may have meant, as the end of a sentence: `; did you mean 'run'?`, or nothing. */
export function suggest(word: string, names: readonly string[]): string {
  const near = nearest(word, names);
  return near.length === 0 ? '' : `; did you mean ${near.map((name) => `'${name}'`).join(' or ')}?`;
}

/** Names that begin with the word, or differ in one letter: wrong, missing, too many, or two exchanged. */
export function nearest(word: string, names: readonly string[]): readonly string[] {
  return names.filter((name) => name.startsWith(word) || isNear(word, name));
}

function isNear(a: string, b: string): boolean {
  let same = 0;
  while (same < a.length && a[same] === b[same]) same++;
  const [restA, restB] = [a.slice(same), b.slice(same)];
  return (
    restA.slice(1) === restB.slice(1) ||
    restA.slice(1) === restB ||
    restA === restB.slice(1) ||
    restA === `${restB[1] ?? ''}${restB[0] ?? ''}${restB.slice(2)}`
  );
}
