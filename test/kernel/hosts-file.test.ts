// A container writes to its /etc/hosts what it likes, and gangway changes its own lines in there while it lives.
//
//      web ---- back, and then front: root types `gangway network connect front web`, or what `gangway explain` prints of it
import test from 'ava';
import { gangway, withStory } from '../support/story-lab.ts';

test('what a container writes to its hosts file is nothing that root’s shell or terminal obeys', async (t) => {
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
