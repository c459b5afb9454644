/** Runs the whole demo, as new users do. The demo checks its proofs; this test checks that the demo reports them. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { nothingLeft, type Step, stepsOf } from '../../scripts/story/chapter.ts';
import { ProofFailed, runChapter } from '../../scripts/story/run-chapter.ts';
import { story } from '../../scripts/story/story.ts';
import { lacksRoot, skipUnless } from '../support/skip.ts';

function lacking(): string | undefined {
  // The demo would run scripts/setup, which would change node_modules below other tests.
  const installed = readFileSync('package-lock.json', 'utf8') === readFileSync('node_modules/.installed-lock', 'utf8');
  return lacksRoot() ?? (installed ? undefined : 'node_modules is out of date: run scripts/setup');
}

test('runs all chapters of the demo, and every proof holds', async (t) => {
  t.timeout(300_000);
  if (skipUnless(t, lacking())) return;
  const { exitCode, stdout, stderr } = await execa(resolve('scripts/demo'), [], { reject: false, timeout: 290_000 });
  if (exitCode !== 0) t.log(stdout, stderr);
  t.is(exitCode, 0);
  const lines = stdout.split('\n');
  const proofs = lines.filter((line) => line.startsWith('  ✓'));
  t.is(lines.at(-1)?.split(',')[0], `All ${proofs.length} proofs hold`);
  const promised = story.flatMap(stepsOf).filter(({ proves }) => proves !== undefined).length;
  t.is(proofs.length, promised);
  t.is(proofs.filter((line) => nothingLeft.startsWith(line.slice(4))).length, story.length, 'nothing is left');
  t.deepEqual(
    lines.filter((line) => line.includes('\x1b')),
    [],
    'colour only on a terminal',
  );
  t.deepEqual(
    lines.filter((line) => line.length > 100 && !/^ {2}(host|world) \$ /.test(line)),
    [],
    'at most 100 columns',
  );
});

test('names a failed proof and ends the chapter', async (t) => {
  if (skipUnless(t, lacking())) return;
  const step = { types: 'ip -brief link show up0', proves: 'There is no up0.', expects: /does not exist/, status: 1 };
  const received: string[] = [];
  const listener = {
    section: () => {},
    typing: ({ types }: Step) => void received.push(types),
    answered: () => {},
    proved: (sentence: string) => void received.push(sentence),
  };
  const [chapter] = story;
  if (chapter === undefined) throw new Error('no story');
  const sections = [{ heading: 'Wrong', steps: [step, { types: 'true' }] }];
  const error = await t.throwsAsync(runChapter({ ...chapter, sections }, listener), { instanceOf: ProofFailed });
  t.regex(error.message, /^There is no up0\.\n.*expected status 1.*got status 0:\nup0@/s);
  t.deepEqual(received, [step.types]);
});

test('leaves no process after an interrupt', async (t) => {
  if (skipUnless(t, lacking())) return;
  const demo = execa(resolve('scripts/demo'), ['bridge'], { reject: false, timeout: 100_000 });
  await new Promise<void>((begun) => {
    demo.stdout.on('data', (text) => `${text}`.includes('--name bob') && begun());
  });
  demo.kill('SIGINT');
  const { exitCode, stderr } = await demo;
  t.is(exitCode, 130);
  t.regex(stderr, /^demo: interrupted/);
  t.is((await execa('pgrep', ['-f', 'scripts/demo.ts bridge$'], { reject: false })).stdout, '');
});

test('rejects an unknown chapter', async (t) => {
  if (skipUnless(t, lacking())) return;
  const { exitCode, stderr } = await execa(resolve('scripts/demo'), ['bridge', 'tunnel'], { reject: false });
  t.is(exitCode, 2);
  t.regex(stderr, /^demo: unknown chapter tunnel; choose from none, host, bridge, /);
});
