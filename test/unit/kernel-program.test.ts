import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { askProgram, requireProgram, runProgram } from '../../src/kernel/run-program.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { encode } from '../../src/plan/encoding.ts';
import type { KernelHandles } from '../../src/plan/kernel-handles.ts';
import { archive } from '../../src/plan/kinds/file.ts';
import { ignoring } from '../../src/values/errors.ts';
import { testProgram } from '../support/program.ts';

test('a program that is missing is named with its package', (t) => {
  const missing = { code: 'missing-program', message: 'unshare is not installed', hint: 'apt-get install util-linux' };
  t.like(
    t.throws(() => requireProgram('unshare', '/nonexistent')),
    missing,
  );
  t.regex(requireProgram('tar'), /^\/.*\/tar$/);
});

test('a program that is killed without a word is said to be', async (t) => {
  const kill = ['--checkpoint=1', '--checkpoint-action=exec=kill -KILL $PPID'];
  const result = await runProgram('tar', [
    '--create',
    '--absolute-names',
    '--file=/dev/null',
    ...kill,
    '--record-size=512',
    '/etc/passwd',
  ]);
  t.deepEqual(result, { failed: true, complaint: 'it was killed by SIGKILL' });
});

/** What is started stops before it has become another program, and tells its number. */
const halting = `
  import childProcess from 'node:child_process';
  import { syncBuiltinESMExports } from 'node:module';
  const { spawn } = childProcess;
  childProcess.spawn = (file, words, options) => {
    const child = spawn('sh', ['-c', 'kill -STOP $$; exec "$0" "$@"', file, ...words], options);
    process.stdout.write(String(child.pid));
    return child;
  };
  syncBuiltinESMExports();`;

/** `T`: it is stopped; `Z`, or nothing: it has ended. */
function state(pid: number): string | undefined {
  return ignoring(['ENOENT', 'ESRCH'], () => /\) (.)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1]);
}

test('a program whose gangway was killed before it could tie its life to it does nothing', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'gangway-program-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const [file, tree] = [join(directory, 'file.tar'), join(directory, 'tree')];
  execFileSync('tar', ['--create', '--file', file, '--directory=/etc', 'passwd']);
  const [node, ...words] = testProgram('plan-main');
  const preload = `data:text/javascript,${encodeURIComponent(halting)}`;
  const begun = async () => {
    const gangway = spawn(node, ['--import', preload, ...words, 'apply'], { stdio: ['pipe', 'pipe', 'inherit'] });
    gangway.stdin.end(encode([{ kind: 'archive', archive: file, path: tree, why: '' }]));
    const ended = once(gangway, 'close');
    const pid = Number(await once(gangway.stdout, 'data'));
    await waitFor('it has stopped', () => state(pid) === 'T');
    return { gangway, ended, pid };
  };
  const killed = await begun();
  killed.gangway.kill('SIGKILL');
  await killed.ended;
  process.kill(killed.pid, 'SIGCONT');
  await waitFor('it has ended', () => [undefined, 'Z'].includes(state(killed.pid)));
  t.deepEqual(readdirSync(tree), []);

  const alive = await begun();
  process.kill(alive.pid, 'SIGCONT');
  await alive.ended;
  t.deepEqual(readdirSync(tree), ['passwd'], 'control');
});

test('of what a program says nothing is lost in silence', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'gangway-program-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const text = `${'x'.repeat(2 << 20)}the end`;
  writeFileSync(join(directory, 'text'), text);
  const words = ['--create', '--to-stdout', `--directory=${directory}`, 'text'];
  const whole = askProgram('tar', words);
  t.true(whole.output.includes('the end'));
  t.like(whole, { failed: false, status: 0 });
  const cut = askProgram('tar', words, 1 << 20);
  t.like(cut, { failed: true, complaint: 'it says more than 1048576 bytes' });
  t.is(cut.status, undefined);
  t.like(askProgram('tar', ['--frob']), { failed: true, output: '' });
});

test('an archive that is none is refused in one line', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'gangway-program-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const kernel = {} as KernelHandles;
  for (const [name, content, reason] of [
    ['text.tar', 'hello\n', 'This does not look like a tar archive'],
    ['text.tar.gz', '\x1f\x8b hello\n', '.+'],
  ] as const) {
    const path = join(directory, name);
    writeFileSync(path, content, 'latin1');
    const step = { kind: 'archive', archive: path, path: join(directory, 'tree'), why: '' } as const;
    const error = await t.throwsAsync(async () => await archive.apply(step, kernel), { code: 'program-failed' });
    t.regex(error?.message ?? '', new RegExp(`^root file system "${path}" could not be unpacked: ${reason}$`));
  }
});
