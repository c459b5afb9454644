/** Many at once: one after the other gets the machine, nobody waits for ever, and nothing is left. */
import test from 'ava';
import { type Gangway, withGangway } from '../support/gangway.ts';

async function warm(gangway: Gangway) {
  await gangway.run('run', '--rm', 'true');
  await gangway.run('gc');
  return await gangway.state();
}

test.serial('eight containers are run at once, with ports', async (t) => {
  await withGangway(t, async (gangway) => {
    const before = await warm(gangway);
    const words = ['run', '--rm', '-p', '80', 'sh', '-c', 'cat /etc/hosts | tail -1 | cut -f1'];
    const results = await Promise.all(
      Array.from({ length: 8 }, () => gangway.exec(words, { timeoutMilliseconds: 60_000 })),
    );
    t.deepEqual(
      results.map(({ exitCode, stderr }) => `${exitCode} ${stderr}`),
      Array.from({ length: 8 }, () => '0 '),
    );
    t.is(new Set(results.map(({ stdout }) => stdout)).size, 8);
    await gangway.run('gc');
    await gangway.settlesAt(t, before);
  });
});

test.serial('the same name at once: one gets it, and the others are told', async (t) => {
  await withGangway(t, async (gangway) => {
    const before = await warm(gangway);
    const results = await Promise.all(
      Array.from({ length: 5 }, () => gangway.exec(['run', '-d', '--name', 'web', '-p', '8080:80', 'sleep', '1000'])),
    );
    t.deepEqual(results.map(({ exitCode }) => exitCode).sort(), [0, 125, 125, 125, 125]);
    for (const { exitCode, stderr } of results) if (exitCode !== 0) t.regex(stderr, /"web" is already in use/);
    await gangway.run('rm', '-f', 'web');
    await gangway.run('gc');
    await gangway.settlesAt(t, before);
  });
});

test.serial('stop, rm -f, kill, restart and gc of the same container at once', async (t) => {
  await withGangway(t, async (gangway) => {
    const before = await warm(gangway);
    for (let round = 0; round < 3; round++) {
      await gangway.run('run', '-d', '--name', 'web', '-p', '8080:80', '--restart', 'always', 'sleep', '1000');
      const results = await Promise.all(
        [
          ['stop', '-t', '0', 'web'],
          ['rm', '-f', 'web'],
          ['kill', 'web'],
          ['restart', '-t', '0', 'web'],
          ['gc'],
          ['ps', '-a'],
          ['rm', '-f', 'web'],
        ].map((words) => gangway.exec(words, { timeoutMilliseconds: 60_000 })),
      );
      for (const { stderr } of results)
        t.regex(
          stderr,
          /^((gangway: (no such container: web|container web is not running).*|nothing to remove.*)\n?)*$/i,
        );
      await gangway.exec(['rm', '-f', 'web']);
      await gangway.run('gc');
      await gangway.settlesAt(t, before);
    }
  });
});

const twoEngines = `
const { containerRequest, createEngine } = await import(process.argv[1]);
const engines = [createEngine(), createEngine()];
const request = containerRequest({ command: ['sleep', '1000'], publishAll: true, expose: [{ port: 80, protocol: 'tcp' }] });
const ids = await Promise.all([0, 1, 0, 1, 0, 1].map(async (which) => (await engines[which].run(request)).id));
console.log(new Set(ids).size, (await engines[0].list()).length);
await Promise.all(ids.map((id, index) => engines[(index + 1) % 2].remove(id, { force: true })));
console.log((await engines[0].list({ all: true })).length);
`;

test.serial('two engines in one process', async (t) => {
  await withGangway(t, async (gangway) => {
    const before = await warm(gangway);
    const library = `${process.cwd()}/dist/index.js`;
    const result = await gangway.lab.host.exec([process.execPath, '--input-type=module', '-e', twoEngines, library], {
      timeoutMilliseconds: 60_000,
    });
    t.is(`${result.stdout}${result.stderr}`, '6 6\n0\n');
    await gangway.run('gc');
    await gangway.settlesAt(t, before);
  });
});
