/**
 * A container in the background that ends by itself: its clean-up runs as conmon's child, in a mount namespace in which
 * the container's tree is mounted. Nothing may be left, and nothing of the tree's source may be lost.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { waitFor } from '../../src/lab/wait.ts';
import { type Gangway, withGangway } from '../support/gangway.ts';

/** Its record goes first; the rest of the clean-up follows within a moment. */
async function cleanedUp(gangway: Gangway): Promise<void> {
  const left = 'find /var/lib/gangway/containers /run/gangway/containers /run/gangway/exits -mindepth 1';
  await waitFor('the container is gone', async () => (await gangway.sh(left)) === '');
}

for (const [how, ...options] of [
  ['on the machine’s tree', '--network', 'none'],
  ['with a network and a port', '-p', '8080:80'],
  ['with a network alone', '--isolation', 'network'],
]) {
  test(`a container ${how} that ends in the background leaves nothing`, (t) =>
    withGangway(t, async (gangway) => {
      const before = await gangway.state();
      await gangway.run('run', '-d', '--rm', ...options, 'sleep', '0.1');
      await cleanedUp(gangway);
      t.notRegex(await gangway.run('gc'), /what container/, 'for gc is left only what containers share');
      await gangway.settlesAt(t, before);
    }));
}

test('a directory that served as root is whole afterwards', (t) =>
  withGangway(t, async (gangway) => {
    const root = mkdtempSync('/tmp/gangway-root-');
    t.teardown(() => rmSync(root, { recursive: true }));
    for (const name of ['bin', 'lib', 'lib64', 'usr', 'etc', 'proc', 'dev', 'sys', 'run', 'tmp'])
      mkdirSync(join(root, name));
    writeFileSync(join(root, 'etc/precious'), 'keep me\n');
    const files = readdirSync(root, { recursive: true }).sort();
    const volumes = ['bin', 'lib', 'lib64', 'usr'].flatMap((name) => ['-v', `/${name}:/${name}:ro`]);
    await gangway.run('run', '-d', '--rm', '--network', 'none', '--rootfs', root, ...volumes, 'sleep', '0.1');
    await cleanedUp(gangway);
    t.deepEqual(readdirSync(root, { recursive: true }).sort(), files);
  }));
