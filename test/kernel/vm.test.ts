/** The guest of scripts/vm, where it is made already: it can't be made in here, without a network. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { isLong } from '../support/long.ts';
import { skipUnless } from '../support/skip.ts';

const guest = `${process.env.XDG_CACHE_HOME ?? '/var/cache'}/gangway/guest/made-of`;

function lacking(): string | undefined {
  if (!isLong) return 'starting a guest takes half a minute';
  return existsSync(guest) ? undefined : 'the guest is not made: run scripts/vm build';
}

/** Of this machine, which is private: whatever runs, is mounted or lies about. */
function state(): readonly string[] {
  return [...emulators(), readFileSync('/proc/mounts', 'utf8'), ...readdirSync('/run')];
}

function emulators(): readonly string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && commandOf(name).startsWith('qemu-system'));
}

function commandOf(process: string): string {
  try {
    return readFileSync(`/proc/${process}/cmdline`, 'utf8');
  } catch (error) {
    if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return '';
  }
}

async function nothingIsLeft(t: ExecutionContext, before: readonly string[]): Promise<void> {
  await waitFor('the guest has ended', () => state().length === before.length);
  t.deepEqual(state(), before);
}

for (const [words, node, says] of [
  [['test', 'nothing-like-it'], '', 'platforms: no kernel test and no attack has "nothing-like-it" in its path\n'],
  [['run', 'true'], '/usr', 'vm: invalid GANGWAY_VM_NODE "/usr"; use the path of a Node binary\n'],
] as const)
  test.serial(`scripts/vm ${words.join(' ')}: a mistake is told before anything is set up`, (t) => {
    const env = { ...process.env, GANGWAY_VM_NODE: node };
    const { status, stdout, stderr } = spawnSync('scripts/vm', words, { encoding: 'utf8', env });
    t.deepEqual({ status, stdout, stderr }, { status: 2, stdout: '', stderr: says });
  });

test.serial('a command in the guest: its output, its complaints, its exit status, and nothing stays', async (t) => {
  if (skipUnless(t, lacking())) return;
  const before = state();
  const script = 'uname -v; pwd; touch written /etc/written; echo no >&2; exit 7';
  const { status, stdout, stderr } = spawnSync('scripts/vm', ['run', 'sh', '-c', script], { encoding: 'utf8' });
  t.is(status, 7);
  t.regex(stdout, /Debian.*\n/);
  t.is(stdout.split('\n')[1], process.cwd());
  t.regex(stderr, /^vm: Debian 13, Linux \S+, (emulated: .*|with KVM)\nno\n$/);
  t.false(existsSync('written'));
  t.false(existsSync('/etc/written'));
  await nothingIsLeft(t, before);
});

test.serial('with systemd, the command runs as a service of a machine that is up', async (t) => {
  if (skipUnless(t, lacking())) return;
  const before = state();
  const script = 'systemctl is-system-running --wait; cat /proc/1/comm; exit 7';
  const { status, stdout } = spawnSync('scripts/vm', ['run', '--systemd', 'sh', '-c', script], { encoding: 'utf8' });
  t.is(status, 7);
  t.is(stdout, 'running\nsystemd\n');
  await nothingIsLeft(t, before);
});

test.serial('tests in guests beside each other, ended from outside, leave nothing but their transcripts', async (t) => {
  if (skipUnless(t, lacking())) return;
  const before = state();
  // Not below /run, which the guest's maker lays its own over.
  const cache = mkdtempSync('/var/lib/vm-');
  mkdirSync(`${cache}/gangway`);
  symlinkSync(dirname(guest), `${cache}/gangway/guest`);
  const vm = spawn('scripts/vm', ['test', 'kernel/bpf\nkernel/umask'], {
    stdio: 'ignore',
    env: { ...process.env, XDG_CACHE_HOME: cache, GANGWAY_VM_GUESTS: '2' },
  });
  const ended = once(vm, 'exit');
  await waitFor('two guests run', () => emulators().length === 2, { timeoutMilliseconds: 110_000 });
  vm.kill('SIGTERM');
  t.deepEqual(await ended, [130, null]);
  const transcripts = readdirSync(`${cache}/gangway/transcripts/guest`).filter((name) => /[.]tap[.]\d$/.test(name));
  t.is(transcripts.length, 2);
  rmSync(cache, { recursive: true });
  await nothingIsLeft(t, before);
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
  test.serial(`${signal} while the guest runs leaves no process, mount or file`, async (t) => {
    if (skipUnless(t, lacking())) return;
    const before = state();
    const vm = spawn('scripts/vm', ['run', 'sh', '-c', 'echo runs; sleep 1000'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ended = new Promise<number | null>((resolve) => vm.once('exit', resolve));
    let said = '';
    vm.stdout.on('data', (chunk) => {
      said += chunk;
    });
    await waitFor('the command runs', () => said === 'runs\n', { timeoutMilliseconds: 110_000 });
    vm.kill(signal);
    t.is(await ended, signal === 'SIGKILL' ? null : 130);
    await nothingIsLeft(t, before);
  });
}
