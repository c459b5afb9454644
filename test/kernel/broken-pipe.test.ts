/** What becomes of a container whose output nobody reads any more. */
import test from 'ava';
import { type Gangway, program, withGangway } from '../support/gangway.ts';

/** Runs a pipeline. @returns what its last command printed, and then gangway's status and words */
function pipeline(gangway: Gangway, reader: string, ...words: readonly string[]): Promise<string> {
  const script = `{ { s=0; "$@" || s=$?; echo "status $s" >&3; } 2>&3 | ${reader}; } 3>&1`;
  return gangway.sh(script, ...program, ...words);
}

test('a container in the foreground ends with its reader, as a program in a pipeline does', (t) =>
  withGangway(t, async (gangway) => {
    const before = await gangway.state();
    t.is(await pipeline(gangway, 'head -1', 'run', '--rm', '--network', 'none', 'yes'), 'y\nstatus 141');
    await gangway.settlesAt(t, before);
    t.is(await pipeline(gangway, 'head -1', 'run', '--name', 'again', '--restart', 'always', 'yes'), 'y\nstatus 141');
    t.is(await pipeline(gangway, 'head -1', 'start', '--attach', 'again'), 'y\nstatus 141');
    const { State: state } = JSON.parse(await gangway.run('inspect', 'again'))[0];
    t.like(state, { Status: 'exited', ExitCode: 137 });
  }));

test('who only looks leaves alone, and quietly', (t) =>
  withGangway(t, async (gangway) => {
    await gangway.run('run', '-d', '--name', 'web', 'sh', '-c', 'while sleep 0.01; do echo y; done');
    t.is(await pipeline(gangway, 'head -1', 'attach', 'web'), 'y\nstatus 141');
    t.is(await pipeline(gangway, 'head -1', 'logs', '--follow', 'web'), 'y\nstatus 0');
    // A reader that comes late, when the pipe and our buffers are full.
    await gangway.run('run', '--name', 'long', 'sh', '-c', 'yes | head -c 3000000 >/dev/stdout; sleep 0.1');
    t.is(await pipeline(gangway, '(sleep 1; head -c 1)', 'logs', 'long'), 'ystatus 0');
    t.regex(await gangway.run('ps'), / Up .* web/);
  }));

test('a slow reader slows the container, and costs no memory', (t) =>
  withGangway(t, async (gangway) => {
    const script = `
      mkfifo /run/slow
      exec 3<>/run/slow
      "$@" >/run/slow 3>&- & client=$!
      # A client whose pipe takes nothing more can only wait: this shell reads when it has looked.
      is_full() { perl -e 'vec($pipe, 3, 1) = 1; exit(select(undef, $pipe, undef, 0) == 0 ? 0 : 1)'; }
      until is_full; do sleep 0.05; done
      for _ in 1 2 3 4 5; do sleep 0.2; awk '/^VmRSS/ { print $2 }' /proc/$client/status; done
      head -c 1 <&3 >/dev/null
      exec 3>&-
      wait $client || echo "status $?"`;
    const lines = (await gangway.sh(script, ...program, 'run', '--rm', 'yes')).split('\n');
    t.is(lines.pop(), 'status 141');
    const kilobytes = lines.map(Number);
    t.is(kilobytes.length, 5);
    // A client that takes what it can't give away grows by 13 MB in this second.
    t.true(Math.max(...kilobytes) - (kilobytes[0] ?? 0) < 8192, `flat: ${kilobytes.join(', ')} kB`);
  }));

test('what changes something goes on without a reader, and an output that is lost is told', (t) =>
  withGangway(t, async (gangway) => {
    const names = ['one', 'two', 'three'];
    for (const name of names) await gangway.run('create', '--name', name, 'true');
    t.is(await pipeline(gangway, 'head -0', 'rm', ...names), 'status 0');
    t.is(await gangway.run('ps', '-aq'), '');
    t.is(await pipeline(gangway, 'head -0', 'network', 'ls'), 'status 0');
    t.regex(await pipeline(gangway, 'true', 'rm', 'nope'), /no such container: nope.*\nstatus 1$/);
    const full = (redirection: string, ...words: readonly string[]) =>
      gangway.sh(`s=0; { "$@" ${redirection} || s=$?; } 2>&1; echo "status $s"`, ...program, ...words);
    t.is(
      await full('>/dev/full', 'network', 'ls'),
      'gangway: cannot write to stdout: ENOSPC: no space left on device, write\nstatus 1',
    );
    t.is(await full('2>/dev/full', 'rm', 'nope'), 'status 1');
    t.is(await full('2>/dev/full', 'run', 'nosuch'), 'status 127');
  }));

test('a reader that stands still keeps no container from being stopped', (t) =>
  withGangway(t, async (gangway) => {
    const before = await gangway.state();
    await gangway.sh('mkfifo /run/still');
    const run = ['run', '--name', 'web', '--network', 'none', 'yes'];
    const client = gangway.lab.host.spawn([
      'sh',
      '-c',
      'exec "$@" 3<>/run/still >/run/still',
      'sh',
      ...program,
      ...run,
    ]);
    // Its monitor waits when what the container says gets no further.
    await gangway.sh(`
      size() { cat /var/lib/gangway/containers/*/log | wc -c; }
      until said=$(size 2>&1) && sleep 0.5 && [ "$said" = "$(size 2>/dev/null)" ] && [ "$said" -gt 0 ]; do sleep 0.1; done`);
    t.is((await gangway.exec(['stop', '-t', '0', 'web'])).exitCode, 0);
    t.regex(await gangway.run('ps', '-a'), / Exited \(137\) .* web/);
    await gangway.sh('cat /run/still >/dev/null; rm /run/still');
    t.is((await client.result).exitCode, 137);
    await gangway.run('rm', 'web');
    await gangway.settlesAt(t, before);
  }));
