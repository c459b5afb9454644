// A container writes to its /etc/hosts what it likes, and gangway changes its own lines in there while it lives.
//
//      web ---- back, and then front: root types `gangway network connect front web`, or what `gangway explain` prints of it
import test from 'ava';
import { withGangway } from '../support/gangway.ts';
import { leaseScript } from '../support/lease.ts';
import { skipUnless } from '../support/skip.ts';
import { gangway, withStory } from '../support/story-lab.ts';

test('escapes a container’s hosts file for root’s shell and terminal', async (t) => {
  await withStory(t, {}, async (story) => {
    await gangway(story, 'network create back');
    await gangway(story, 'network create front');
    const web = await story.start('--name', 'web', '--network', 'back', 'sleep', '1000');
    const hostile = 'a\nEN\0D\ntouch /run/pwned\n\x1b[2J\x9b1m\u202e\n';
    await story.lab.host.run(['tee', `/proc/${web.pid}/root/etc/hosts`], { input: hostile });
    const shell = async (script: string) => void (await story.lab.host.exec(['sh'], { input: script }));
    const pwned = () => story.sh('ls /run/pwned 2>/dev/null || :');

    await shell(`cat >/run/copy <<'END'\n${hostile}END\n`);
    t.is(await pwned(), '/run/pwned', 'control: it ends the text for a shell');
    await story.sh('rm /run/pwned');

    const script = await gangway(story, 'explain network connect front web');
    t.notRegex(script, /(?![\n\t])[\p{Cc}\p{Bidi_Control}]/u);
    await shell(script);
    t.is(await pwned(), '');
    const written = await story.read(web, '/etc/hosts');
    t.true(written.startsWith(hostile), written);
    t.regex(written.slice(hostile.length), /^172\.19\.0\.2\t\w+\n$/, 'the script came to its end');
  });
});

test('leaves a huge hosts file unchanged, and stores nothing of it in records', async (t) => {
  await withStory(t, {}, async (story) => {
    await gangway(story, 'network create back');
    await gangway(story, 'network create front');
    const web = await story.start('--name', 'web', '--network', 'back', 'sleep', '1000');
    const ours = await story.read(web, '/etc/hosts');
    const change = async (verb: 'connect' | 'disconnect') => {
      const { exitCode, stderr } = await story.exec(['network', verb, 'front', 'web']);
      t.is(exitCode, 0, stderr);
      t.is((await gangway(story, 'exec web ip address')).includes('eth1'), verb === 'connect');
      t.true(Number(await story.sh('stat -c %s "/var/lib/gangway/containers/$1.json"', web.id)) < 100_000);
      return stderr;
    };

    await story.sh('truncate -s 600M "/proc/$1/root/etc/hosts"', web.pid);
    const warning = /^gangway: warning: the lines of container web in its \/etc\/hosts stay .* larger than 1 MiB\n$/;
    t.regex(await change('connect'), warning);
    t.regex(await change('disconnect'), warning);
    t.is(await story.sh('stat -c %s "/proc/$1/root/etc/hosts"', web.pid), `${600 << 20}`);

    const long = `${ours}${'\0'.repeat(500_000)}\n`;
    await story.lab.host.run(['tee', `/proc/${web.pid}/root/etc/hosts`], { input: long });
    t.is(await change('connect'), '');
    const longer = await story.read(web, '/etc/hosts');
    t.true(longer.startsWith(long));
    t.regex(longer.slice(long.length), /^172\.19\.0\.\d\t\w+\n$/);
    t.is(await change('disconnect'), '');
    t.true((await story.read(web, '/etc/hosts')) === long);
  });
});

test('leaves a hosts file with a lease unchanged without waiting', async (t) => {
  await withStory(t, {}, async (story) => {
    await gangway(story, 'network create back');
    await gangway(story, 'network create front');
    const refusal = await story.sh('touch /run/probe; ! chattr +i /run/probe 2>&1 || chattr -i /run/probe');
    const immutable = !skipUnless(t, refusal || undefined);
    const program = ['sh', '-c', 'cat /usr/bin/sleep >/etc/hosts; chmod +x /etc/hosts; exec /etc/hosts 1000'];
    const held = [
      ...(['read', 'write'] as const).map((access) => ['perl', '-e', leaseScript, '/etc/hosts', access]),
      program,
      ...(immutable ? [['sh', '-c', 'chattr +i /etc/hosts; echo leased; exec sleep 1000']] : []),
    ];
    for (const [index, command] of held.entries()) {
      const name = `web${index}`;
      const web = await story.start('--name', name, '--network', 'back', '--cap-add', 'LINUX_IMMUTABLE', ...command);
      const isHeld = 'grep -qs leased "/var/lib/gangway/containers/$1/log" || readlink "/proc/$2/exe" | grep hosts';
      await story.lab.host.waitFor(['sh', '-c', isHeld, 'sh', web.id, web.pid]);
      for (const verb of ['connect', 'disconnect']) {
        const { exitCode, stderr } = await story.exec(['network', verb, 'front', name]);
        t.is(exitCode, 0, `${command}: ${stderr}`);
        t.regex(
          stderr,
          /^gangway: warning: the lines of container web\d in its \/etc\/hosts stay .* keeps the file to itself, /,
        );
        t.is((await gangway(story, `exec ${name} ip address`)).includes('eth1'), verb === 'connect');
      }
    }
  });
});

test('keeps a container’s setuid hosts file out of reach of local users', (t) =>
  withGangway(t, async (gangway) => {
    await gangway.sh('mount -o remount,suid /run');
    const start = (...words: readonly string[]) => gangway.run('run', '-d', ...words, 'sleep', 'infinity');
    const directories = [await start('--name', 'web'), await start('--name', 'mapped', '--userns', 'private')].map(
      (id) => `/run/gangway/containers/${id}`,
    );
    const evil = 'cat /usr/bin/id >/etc/hosts && chmod 4755 /etc/hosts';
    t.not((await gangway.exec(['exec', 'mapped', 'sh', '-c', evil])).exitCode, 0, 'it is not this root’s');
    await gangway.run('exec', 'web', 'sh', '-c', evil);
    await gangway.run('run', '--rm', '--network', 'container:mapped', 'sh', '-c', evil);
    for (const directory of directories) {
      // setpriv itself keeps the right to pass up to its end.
      const user = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--', 'sh', '-c'];
      const words = [...user, `exec ${directory}/hosts -u`];
      const { exitCode, stderr } = await gangway.lab.host.exec(words);
      t.is(exitCode, 126, directory);
      t.regex(stderr, /Permission denied/);
      await gangway.sh('chmod 711 "$1"', directory);
      t.is(await gangway.lab.host.run(words), '0\n', 'control: it makes anybody root');
    }
  }));
