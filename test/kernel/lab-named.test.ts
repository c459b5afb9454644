import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { identifyProcess } from '../../src/kernel/process.ts';
import { hierarchies } from '../../src/lab/cgroups.ts';
import { createLab } from '../../src/lab/lab.ts';
import { downLab, execInLab, listLabs, upLab } from '../../src/lab/named-labs.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { build } from '../support/gangway.ts';

const runtimeDirectory = mkdtempSync(join(tmpdir(), 'gangway-labs-'));
const place = { runtimeDirectory };
/** As others use it: a process of its own, and the compiled library. */
const named = JSON.stringify(join(process.cwd(), 'dist/lab/named-labs.js'));
test.before(build);
test.after.always(() => rmSync(runtimeDirectory, { recursive: true }));

/** Keepers and first processes of labs of this name, whoever knows of them. */
function processesOf(name: string): readonly string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
        return words.includes('gangway-lab-keeper') && words.includes(name);
      } catch {
        return false;
      }
    });
}

test.serial('who is killed while he makes a lab leaves none that nobody knows', async (t) => {
  const name = `torn-${process.pid}`;
  const up = `const { upLab } = await import(${named}); await upLab('${name}', ${JSON.stringify(place)});`;
  const torn: boolean[] = [];
  // At first as soon as there is anything, and then ever later, until it has come to its end.
  for (let delay = 0; torn.at(-1) !== false; delay += 20) {
    const maker = spawn(process.execPath, ['--input-type=module', '-e', up], { stdio: 'ignore' });
    const ended = once(maker, 'exit');
    await waitFor('there is something of it', () => processesOf(name).length > 0 || maker.exitCode !== null);
    const since = performance.now();
    await waitFor('its time has come', () => performance.now() - since >= delay || maker.exitCode !== null);
    maker.kill('SIGKILL');
    await ended;
    torn.push(!listLabs(place).some((lab) => lab.name === name));
    if (torn.at(-1) === true) await waitFor('nothing of it is there', () => processesOf(name).length === 0);
  }
  t.true(torn.length > 1, 'control: it was killed in between');
  await downLab(name, place);
  await waitFor('nothing of it is there', () => processesOf(name).length === 0);
});

test('a named lab outlives the process that made it, until it is taken down', async (t) => {
  const up = `const { upLab } = await import(${named});
    await upLab('outlives', ${JSON.stringify(place)});`;
  execFileSync(process.execPath, ['--input-type=module', '-e', up]);
  const lab = listLabs(place).find(({ name }) => name === 'outlives');
  t.deepEqual(lab?.places, ['host', 'world']);
  t.not(identifyProcess(lab?.pid ?? 0), undefined);
  t.is(await execInLab('outlives', 'world', ['ping', '-qc1', '203.0.113.1'], place), 0);
  t.is(await execInLab('outlives', 'host', ['sh', '-c', 'exit 9'], place), 9);
  await t.throwsAsync(upLab('outlives', place), { code: 'lab-exists' });
  await t.throwsAsync(execInLab('outlives', 'moon', ['true'], place), { message: /no place "moon"/ });
  await t.throwsAsync(execInLab('outlives', 'host', ['nosuch'], place), {
    code: 'command-not-found',
    message: 'command "nosuch" not found in the lab',
  });
  await t.throwsAsync(execInLab('outlives', 'host', ['/etc/passwd'], place), { code: 'command-not-executable' });
  await downLab('outlives', place);
  t.is(identifyProcess(lab?.pid ?? 0), undefined);
  t.false(listLabs(place).some(({ name }) => name === 'outlives'));
  await t.throwsAsync(downLab('outlives', place), { code: 'lab-not-found' });
});

test('a command in a lab ends with the gangway that started it', async (t) => {
  const { pid } = await upLab('ends', place);
  const exec = `const { execInLab } = await import(${named});
    await execInLab('ends', 'world', ['sh', '-c', 'echo started; sleep 60; true'], ${JSON.stringify(place)});`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', exec], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const list = () =>
    execFileSync('nsenter', [`--target=${pid}`, '--pid', '--mount', 'ps', 'axo', 'args'], { encoding: 'utf8' });
  t.regex(list(), /echo started/);
  child.kill('SIGKILL');
  await waitFor('the command has ended', () => !list().includes('echo started'));
  await downLab('ends', place);
});

test('what is no name never becomes a path', async (t) => {
  for (const name of ['', '..', 'a/b', '-x', 'A', 'a b', '$(x)', 'x'.repeat(33)]) {
    await t.throwsAsync(upLab(name, place), { code: 'invalid-name' });
    await t.throwsAsync(execInLab(name, 'host', ['true'], place), { code: 'invalid-name' });
    await t.throwsAsync(createLab({ name }), { code: 'invalid-name' });
  }
  await t.throwsAsync(createLab({ outside: ['up/../x'] }), { code: 'invalid-name' });
  await t.throwsAsync(createLab({ outside: ['host'] }), { code: 'invalid-name' });
  await t.throwsAsync(createLab({ mtu: 3 }), { code: 'invalid-option' });
});

test('of several that make the same lab at once, one wins and nothing is left of the others', async (t) => {
  const all = await Promise.allSettled(Array.from({ length: 5 }, () => upLab('same', place)));
  const refusals = all.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
  t.deepEqual(refusals, ['lab-exists', 'lab-exists', 'lab-exists', 'lab-exists']);
  t.is(await execInLab('same', 'host', ['true'], place), 0);
  await downLab('same', place);
  const left = hierarchies().flatMap(({ parent }) => readdirSync(parent));
  t.deepEqual(
    left.filter((entry) => entry.startsWith('gangway-lab-same-')),
    [],
  );
});

test('the record of a lab that died means nothing; a torn one is named', async (t) => {
  const { pid } = await upLab('died', place);
  process.kill(pid, 'SIGKILL');
  await waitFor('it has ended', () => identifyProcess(pid) === undefined);
  await t.throwsAsync(execInLab('died', 'host', ['true'], place), { code: 'lab-not-found' });
  t.false(existsSync(`${runtimeDirectory}-labs/died.json`));
  const torn = mkdtempSync(join(tmpdir(), 'gangway-torn-'));
  await upLab('torn', { runtimeDirectory: torn });
  const path = `${torn}-labs/torn.json`;
  const whole = readFileSync(path);
  writeFileSync(path, whole.subarray(0, 40));
  await t.throwsAsync(downLab('torn', { runtimeDirectory: torn }), { code: 'record-unreadable' });
  writeFileSync(path, whole);
  await downLab('torn', { runtimeDirectory: torn });
  rmSync(torn, { recursive: true });
});

test('the last lab takes the directory along in which labs are known, and leaves nothing', async (t) => {
  const parent = mkdtempSync(join(tmpdir(), 'gangway-last-'));
  const own = { runtimeDirectory: join(parent, 'run') };
  await upLab('first', own);
  const { pid } = await upLab('second', own);
  t.deepEqual(readdirSync(parent), ['run-labs']);
  await downLab('first', own);
  t.deepEqual(
    listLabs(own).map(({ name }) => name),
    ['second'],
  );
  process.kill(pid, 'SIGKILL');
  await waitFor('it has ended', () => identifyProcess(pid) === undefined);
  t.deepEqual(listLabs(own), [], 'nor does one that was killed');
  t.deepEqual(readdirSync(parent), []);
  await Promise.all(['one', 'two', 'three'].map((name) => upLab(name, own).then(() => downLab(name, own))));
  t.deepEqual(readdirSync(parent), []);
  rmSync(parent, { recursive: true });
});

test('the shell says where it is', async (t) => {
  await upLab('talks', place);
  const shell = `const { shellInLab } = await import(${named});
    process.exitCode = await shellInLab('talks', 'world', ${JSON.stringify(place)});`;
  const child = spawn('script', ['-qec', `'${process.execPath}' --input-type=module -e "$SHELL_CODE"`, '/dev/null'], {
    env: { ...process.env, SHELL_CODE: shell, SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await waitFor('the prompt', () => /world@talks .* # $/.test(said), { timeoutMilliseconds: 20_000 });
  child.stdin.write('ip -br -c=never address\n');
  await waitFor('the answer', () => said.includes('203.0.113.2/24'));
  child.stdin.write('exit 5\n');
  const [code] = await once(child, 'close');
  t.is(code, 5);
  await downLab('talks', place);
});
