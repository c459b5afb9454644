import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { apply } from '../../src/plan/apply.ts';
import { explainScript } from '../../src/plan/explain.ts';
import type { KernelHandles } from '../../src/plan/kernel-handles.ts';
import type { Kinds } from '../../src/plan/kind.ts';
import { kernelKinds } from '../../src/plan/kinds/index.ts';
import type { Step } from '../../src/plan/step.ts';
import { lease } from '../support/lease.ts';

const kinds = kernelKinds as Kinds;
const nowhere = {} as KernelHandles;

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
      mkdirSync(`${top}/left`);
      chmodSync(`${top}/left`, 0o777);
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
  // Who is not root gives to groups of his own.
  const group = process.geteuid?.() === 0 ? 100_000 : (process.getegid?.() ?? 0);
  const tops = await doneBoth(t, (top) => [
    { kind: 'directory', path: `${top}/open`, mode: 0o711, why },
    { kind: 'directory', path: `${top}/closed`, mode: 0o700, why },
    { kind: 'directory', path: `${top}/given`, mode: 0o710, group, why },
    { kind: 'directory', path: `${top}/left`, mode: 0o710, group, why },
    { kind: 'file', path: `${top}/hosts`, mode: 0o644, content: 'x\n', why },
    { kind: 'file', path: `${top}/secret`, mode: 0o600, content: 'x\n', why },
    { kind: 'file', path: `${top}/rewritten`, mode: 0o644, content: 'new\n', was: 'old\n', why },
    { kind: 'archive', path: `${top}/tree`, archive: `${top}/one.tar`, why },
  ]);
  for (const top of tops) {
    const mode = (name: string) => (statSync(`${top}/${name}`).mode & 0o7777).toString(8);
    t.is(mode('open'), '711');
    t.is(mode('closed'), '700');
    t.is(mode('given'), '710');
    t.is(statSync(`${top}/given`).gid, group);
    t.is(mode('left'), '710', 'also where it was there');
    t.is(statSync(`${top}/left`).gid, group);
    t.is(mode('hosts'), '644');
    t.is(mode('secret'), '600');
    t.is(mode('tree'), '755');
    t.is(mode('rewritten'), '600', 'a file that is rewritten keeps what it has');
    t.is(readFileSync(`${top}/rewritten`, 'utf8'), 'new\n');
  }
});

test.serial('a file that somebody has a lease on is not written, and not waited for', async (t) => {
  const directory = mkdtempSync(`${tmpdir()}/gangway-`);
  t.teardown(() => rmSync(directory, { recursive: true }));
  const path = `${directory}/hosts`;
  writeFileSync(path, 'old\n');
  await lease(t, path, 'write');
  const step = { kind: 'file', path, mode: 0o644, content: 'new\n', was: 'old\n', why: 'it must be' } as const;
  const before = performance.now();
  const message = `write ${path}, on which somebody has a lease: EAGAIN`;
  await t.throwsAsync(apply('a test', [step], kinds, nowhere), { message: new RegExp(message) });
  t.throws(() => void kernelKinds.file.undo(step, nowhere), { message });
  t.true(performance.now() - before < 5000);
  t.is(readFileSync(path, 'utf8'), 'old\n');
});

/** What a shell writes inside `top`: by turns with the commands that make a file, and with those that bring its old content back. */
function written(top: string, shell: string, contents: readonly string[]) {
  const { commands, undoCommands } = kernelKinds.file;
  const paths = contents.map((_, index) => `${top}/${index}`);
  const script = contents.flatMap((content, index): readonly string[] => {
    const step = {
      kind: 'file',
      path: `${top}/${index}`,
      mode: 0o644,
      content,
      was: content,
      why: 'it must be',
    } as const;
    return (index % 2 === 0 ? commands : undoCommands)(step);
  });
  spawnSync(shell, { cwd: top, input: `${script.join('\n')}\n` });
  return { script: script.join('\n'), files: paths.map((path) => readFileSync(path, 'latin1')) };
}

function directory(t: ExecutionContext): string {
  const top = mkdtempSync(`${tmpdir()}/gangway-`);
  t.teardown(() => rmSync(top, { recursive: true }));
  return top;
}

const shells = ['sh', 'bash'];
const bytes = (text: string) => Buffer.from(text).toString('latin1');

test('a script writes byte for byte what is in the file, and steers no terminal', (t) => {
  const top = directory(t);
  const words = 'END END_ EN\0D \nEND\n \' " \\ \\0 \\c %s $( ` 7 \t é 😀 \n'.split(' ');
  const characters = '\0\x1b\x7f\x81\u0085\r\u061c\u2028\u202e\u2066\ufeff\ud800'.split('');
  const part = fc.oneof(fc.constantFrom(' ', ...words, ...characters), fc.string({ unit: 'binary', maxLength: 3 }));
  const content = fc.array(part).chain((parts) => fc.constantFrom(parts.join(''), `${parts.join('')}\n`));
  const contents = fc.array(content, { maxLength: 6 });
  fc.assert(
    fc.property(contents, fc.constantFrom(...shells), (texts, shell) => {
      const { script, files } = written(top, shell, texts);
      t.deepEqual(files, texts.map(bytes));
      t.notRegex(script, /(?![\n\t])[\p{Cc}\p{Bidi_Control}\p{Cs}]/u);
    }),
    { numRuns: 25, examples: [[['', 'x', 'x\n\n \n', 'END\nEND_\n'], 'sh']] },
  );
});

test('a NUL hides no end of the file that the shell would see', (t) => {
  for (const shell of shells) {
    const top = directory(t);
    const content = 'a\nEN\0D\ntouch PROOF\n';
    const { files } = written(top, shell, [content, content]);
    t.false(existsSync(`${top}/PROOF`), shell);
    t.deepEqual(files, [content, content]);
  }
});

test('ordinary lines are a here-document', (t) => {
  const text = '::1\tlocalhost\n10.0.0.2\tmünchen\n';
  const { script, files } = written(directory(t), 'sh', [text]);
  t.regex(script, /^cat > .*\/0 <<'END'\n::1\tlocalhost\n10\.0\.0\.2\tmünchen\nEND$/);
  t.deepEqual(files, [bytes(text)]);
});
