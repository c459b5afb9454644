/**
 * `gangway events` beside the commands whose events it tells.
 *
 *     host    events --filter …                        reads /run/gangway/events
 *             run, stop, restart, rm, network … web    write it, as the exit command of a container does
 */
import test from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { missingStrace } from '../support/crash.ts';
import { type Gangway, program, withGangway } from '../support/gangway.ts';
import { skipUnless } from '../support/skip.ts';

/** The lines without their times, whole ids and durations. */
function plain(text: string): readonly string[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => line.replace(/^\S+ | [0-9a-f]{64}|(container=[0-9a-f]{64}|execDuration=\d+), /g, ''));
}

/** What is remembered. */
async function told(gangway: Gangway): Promise<readonly string[]> {
  return plain(await gangway.run('events', '--since', '0', '--until', '0s'));
}

/** What is told of a command that ends well. */
async function of(gangway: Gangway, words: string): Promise<readonly string[]> {
  const before = (await told(gangway)).length;
  await gangway.run(...words.split(' '));
  return (await told(gangway)).slice(before);
}

const web = (action: string, attributes = 'name=web') => `container ${action} (${attributes})`;
const kill = (signal: number) => web('kill', `name=web, signal=${signal}`);
const die = (exitCode: number) => web('die', `exitCode=${exitCode}, name=web`);
const connect = (name = 'bridge', type = 'bridge') => `network connect (name=${name}, type=${type})`;
const disconnect = (name = 'bridge', type = 'bridge') => `network disconnect (name=${name}, type=${type})`;

const ended = [kill(15), kill(9), disconnect(), die(137), web('stop')];
const attached = [web('create'), web('attach')];

test('each command tells what docker tells, in docker’s order', (t) =>
  withGangway(t, async (gangway) => {
    const tells = async (words: string, ...events: readonly string[]) =>
      t.deepEqual(await of(gangway, words), events, words);
    await tells('run --name web -d sleep 1000', web('create'), connect(), web('start'));
    await tells('rm -f web', kill(9), disconnect(), die(137), web('destroy'));
    await tells('run --rm --name web true', ...attached, connect(), web('start'), disconnect(), die(0), web('destroy'));
    await tells('create --name web sleep 1000', web('create'));
    await tells('start web', connect(), web('start'));
    await tells('stop -t 0 web', ...ended);
    await tells('stop web');
    await tells('restart web', connect(), web('start'), web('restart'));
    await tells('restart -t 0 web', ...ended, connect(), web('start'), web('restart'));
    await tells('kill -s HUP web', kill(1));
    await tells('kill web', kill(9), disconnect(), die(137));
    await tells('rm web', web('destroy'));
  }));

test('networks, and containers without any of their own', (t) =>
  withGangway(t, async (gangway) => {
    const tells = async (words: string, ...events: readonly string[]) =>
      t.deepEqual(await of(gangway, words), events, words);
    await tells('network create back', 'network create (name=back, type=bridge)');
    await tells('create --name web sleep 1000', web('create'));
    await tells('network connect back web');
    await tells('start web', connect(), connect('back'), web('start'));
    await tells('network disconnect back web', disconnect('back'));
    await tells('network connect back web', connect('back'));
    await tells('stop -t 0 web', kill(15), kill(9), disconnect(), disconnect('back'), die(137), web('stop'));
    await tells('network disconnect back web', disconnect('back'));
    await tells('network rm back', 'network destroy (name=back, type=bridge)');
    await tells('rm web', web('destroy'));
    await tells('gc');
    await tells('run -d --name web --network host sleep 1000', web('create'), connect('host', 'host'), web('start'));
    await tells(
      'run --rm --name two --network container:web true',
      ...['create', 'attach', 'start'].map((action) => `container ${action} (name=two)`),
      'container die (exitCode=0, name=two)',
      'container destroy (name=two)',
    );
    await tells('rm -f web', kill(9), disconnect('host', 'host'), die(137), web('destroy'));
  }));

test('who listens hears what comes, from containers that end by themselves as well, and nothing else', (t) =>
  withGangway(t, async (gangway) => {
    await gangway.run('create', '--name', 'before', 'true');
    const live = gangway.spawn('events', '-f', 'type=container');
    await waitFor('it listens', async () => {
      await gangway.run('create', '--name', 'probe', 'true');
      await gangway.run('rm', 'probe');
      return live.stdout.includes('probe');
    });
    const json = gangway.spawn('events', '--since', '0', '--format', 'json', '-f', 'container=we', '-f', 'event=die');
    await gangway.run('run', '-d', '--name', 'web', '--restart', 'on-failure:1', 'sh', '-c', 'exit 3');
    await live.waitForOutput(/(die .*exitCode=3.*\n[\s\S]*){2}/);
    await gangway.run('rm', 'web');
    await gangway.run('run', '-d', '--rm', '--name', 'web', 'true');
    await live.waitForOutput(/ destroy .*name=web\)\n[\s\S]* destroy .*name=web\)\n/);
    const own = plain(live.stdout).filter((line) => !line.includes('probe'));
    t.deepEqual(own, [
      ...[web('create'), web('start'), die(3), web('start'), die(3), web('destroy')],
      ...[web('create'), web('start'), die(0), web('destroy')],
    ]);
    await waitFor('the other listener has told as much', () => json.stdout.split('\n').length > 3);
    const codes = json.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).Actor.Attributes.exitCode);
    t.deepEqual(codes, ['3', '3', '0']);
    t.deepEqual((await live.kill('SIGINT')).stderr, '');
    await json.kill('SIGTERM');
  }));

test('nothing is told of what was taken back, and a crash keeps nothing secret', (t) =>
  withGangway(t, async (gangway) => {
    t.is((await gangway.exec(['run', '--name', 'web', '/no/such/program'])).exitCode, 127);
    t.deepEqual(await told(gangway), []);
    if (skipUnless(t, await missingStrace())) return;
    const killedAt = async (call: string, path: string, words: string, ...next: readonly (readonly string[])[]) => {
      const inject = ['-P', path, '-e', `inject=${call}:signal=KILL:when=1`];
      const strace = ['strace', '-qq', '-o', '/dev/null', ...inject, ...program, ...words.split(' ')];
      t.is((await gangway.lab.host.exec(strace)).exitCode, 137, `${words} is killed at ${call} ${path}`);
      for (const each of next) await gangway.run(...each);
      await gangway.run('network', 'create', 'next');
      await gangway.run('network', 'rm', 'next');
      const events = (await told(gangway)).filter((line) => !line.includes('next'));
      await gangway.sh('rm /run/gangway/events');
      return events;
    };
    const events = '/run/gangway/events';
    const journal = '/run/gangway/journal.json';
    const machine = '/run/gangway/machine.json.new';
    // The first record is in its place, the second is not; all are; and the event as well.
    t.deepEqual(await killedAt('rename', machine, 'run -d --name web sleep 1000'), [
      web('create'),
      connect(),
      web('start'),
    ]);
    t.deepEqual(await killedAt('openat', events, 'rm -f web'), [kill(9), disconnect(), die(137), web('destroy')]);
    t.deepEqual(await killedAt('unlink', journal, 'create --name web true'), [web('create')]);
    t.deepEqual(await killedAt('unlink', journal, 'rm web'), [web('destroy')]);
    // A signal is told without the lock, before the next one brings the change to its end.
    const winch = ['kill', '-s', 'WINCH', 'web'];
    t.deepEqual(await killedAt('unlink', journal, 'run -d --name web sleep 1000', winch), [
      web('create'),
      connect(),
      web('start'),
      kill(28),
    ]);
    await gangway.run('rm', '-f', 'web');
    // The same had happened before.
    await gangway.run('network', 'create', 'back');
    await gangway.run('create', '--name', 'idle', '--network', 'back', 'true');
    await gangway.run('network', 'disconnect', 'back', 'idle');
    await gangway.run('network', 'connect', 'back', 'idle');
    const left = await killedAt('openat', events, 'network disconnect back idle');
    t.is(left.filter((line) => /network disconnect .*name=back/.test(line)).length, 2, left.join('\n'));
  }));

test('events that can’t be written are missed, and containers are not the worse for it', (t) =>
  withGangway(t, async (gangway) => {
    await gangway.sh('mkdir -p /run/gangway; ln -s /dev/full /run/gangway/events');
    const full = await gangway.exec(['run', '-d', '--name', 'web', 'sleep', '1000']);
    t.is(full.exitCode, 0);
    t.is(
      full.stderr,
      'gangway: warning: missing from the events: container create web, network connect bridge, container start web: ' +
        'ENOSPC: no space left on device, write\n',
    );
    await gangway.run('exec', 'web', 'true');
    await gangway.sh('rm /run/gangway/events; mkdir /run/gangway/events');
    const { exitCode, stderr } = await gangway.exec(['rm', '-f', 'web']);
    t.is(exitCode, 0);
    t.regex(stderr, /^gangway: warning: missing from the events: container kill web, .*: EISDIR: .*\n$/);
    await gangway.sh('rmdir /run/gangway/events');
    t.is(await gangway.run('ps', '-aq'), '');
  }));
