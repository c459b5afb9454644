/** The list of attacks and the tests say the same. */
import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { chapters } from '../security/attacks.ts';

const attacks = chapters.flatMap((chapter) => chapter.attacks);
const proofs = attacks.flatMap((each) => each.proofs);
const key = ({ file, test: title }: { readonly file: string; readonly test: string }) => `${file}: ${title}`;

/** The titles of a file's tests. */
function titles(file: string): readonly string[] {
  const declaration =
    /^ *(?:test|attack|withWorker)(?:\.\w+)?\(\s*(?:'([^']*)'|`(?:\$\{[\w.]+\}: )?([^`$]*?)(?:, \$|`))/gm;
  return [...readFileSync(file, 'utf8').matchAll(declaration)].map(([, plain, ofEach]) => plain ?? ofEach ?? '');
}

test('each proof is a test', (t) => {
  const files = [...new Set(proofs.map(({ file }) => file))];
  const known = new Set(files.flatMap((file) => titles(file).map((title) => key({ file, test: title }))));
  t.deepEqual(
    proofs.map(key).filter((proof) => !known.has(proof)),
    [],
  );
});

test('each test of an attack is the proof of one in the list', (t) => {
  const files = readdirSync('test/security').filter((name) => name.endsWith('.test.ts'));
  const declared = files.flatMap((name) =>
    titles(`test/security/${name}`).map((title) => key({ file: `test/security/${name}`, test: title })),
  );
  t.true(declared.length > 0);
  const used = new Set(proofs.map(key));
  t.deepEqual(
    declared.filter((proof) => !used.has(proof)),
    [],
  );
});

test('what is stopped is proved, and what is not has its reason', (t) => {
  t.deepEqual(
    attacks.filter((each) => each.gangway === 'stopped' && each.proofs.length === 0).map((each) => each.attack),
    [],
  );
  t.deepEqual(
    attacks.filter((each) => each.because === '').map((each) => each.attack),
    [],
  );
});
