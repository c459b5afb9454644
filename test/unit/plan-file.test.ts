import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import test, { type ExecutionContext } from 'ava';
import { apply } from '../../src/plan/apply.ts';
import { explainScript } from '../../src/plan/explain.ts';
import type { Kinds } from '../../src/plan/kind.ts';
import { kernelKinds } from '../../src/plan/kinds/index.ts';
import type { Step } from '../../src/plan/step.ts';
import type { World } from '../../src/plan/world.ts';

const kinds = kernelKinds as Kinds;
const nowhere = {} as World;

/** Steps done with a umask that would take everybody else's rights away, by us and by the script. */
async function doneBoth(t: ExecutionContext, steps: (top: string) => readonly Step[]): Promise<readonly string[]> {
  const tops = [0, 1].map(() => mkdtempSync(`${tmpdir()}/gangway-`));
  t.teardown(() => {
    for (const top of tops) rmSync(top, { recursive: true });
  });
  const before = process.umask(0o077);
  try {
    for (const top of tops) {
      mkdirSync(`${top}/inner/etc`, { recursive: true });
      execFileSync('tar', ['-cf', `${top}/one.tar`, '-C', `${top}/inner`, 'etc']);
      writeFileSync(`${top}/rewritten`, 'old\n', { mode: 0o640 });
    }
    const [one = '', two = ''] = tops;
    await apply('a test', steps(one), kinds, nowhere);
    execFileSync('sh', [], {
      input: explainScript({ subject: 'a test', direction: 'make', steps: steps(two) }, kinds),
    });
  } finally {
    process.umask(before);
  }
  return tops;
}

test.serial('files and directories have the modes that they are said to have, whatever the umask', async (t) => {
  const why = 'it must be';
  const tops = await doneBoth(t, (top) => [
    { kind: 'directory', path: `${top}/open`, mode: 0o711, why },
    { kind: 'directory', path: `${top}/closed`, mode: 0o700, why },
    { kind: 'file', path: `${top}/hosts`, mode: 0o644, content: 'x\n', why },
    { kind: 'file', path: `${top}/secret`, mode: 0o600, content: 'x\n', why },
    { kind: 'file', path: `${top}/rewritten`, mode: 0o644, content: 'new\n', was: 'old\n', why },
    { kind: 'archive', path: `${top}/tree`, archive: `${top}/one.tar`, why },
  ]);
  for (const top of tops) {
    const mode = (name: string) => (statSync(`${top}/${name}`).mode & 0o7777).toString(8);
    t.is(mode('open'), '711');
    t.is(mode('closed'), '700');
    t.is(mode('hosts'), '644');
    t.is(mode('secret'), '600');
    t.is(mode('tree'), '755');
    t.is(mode('rewritten'), '600', 'a file that is rewritten keeps what it has');
    t.is(readFileSync(`${top}/rewritten`, 'utf8'), 'new\n');
  }
});
