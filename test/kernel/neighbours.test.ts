// Another's firewall of which more is to be read than a megabyte, and one that can't be read.
import test from 'ava';
import { withGangway } from '../support/gangway.ts';

const comment = 'x'.repeat(110);
const elements = Array.from({ length: 20_000 }, (_, i) => `10.0.${i >> 8}.${i & 255} comment "${comment}"`);
const theirs = `table inet theirs {
  set many { type ipv4_addr; elements = { ${elements.join(', ')} }; }
  chain forward {
    type filter hook forward priority 0; policy drop;
    iifname "gangway0" accept
    oifname "gangway0" accept
  }
}`;

/** As nft, but that it can't print a table. */
const unable = `
  cp "$(command -v nft)" /run/real-nft
  printf '%s\\n' '#!/bin/sh' '[ "$1" != list ] || { echo "no words for it" >&2; exit 1; }' 'exec /run/real-nft "$@"' >/run/nft
  chmod 755 /run/nft
  mount --bind /run/nft "$(command -v nft)"`;

test('a rule at the end of a long table speaks of a bridge; of a table that can’t be read that is said', (t) =>
  withGangway(t, async (gangway) => {
    const warned = async () => (await gangway.exec(['run', '--rm', 'true'])).stderr;
    await gangway.lab.host.run(['nft', '-f', '-'], { input: theirs });
    const bytes = Number(await gangway.sh('nft list table inet theirs | wc -c'));
    t.true(bytes > 2 << 20, `${bytes} bytes`);
    t.is(await warned(), '');

    const where = 'gangway: warning: chain forward of table inet theirs';
    await gangway.sh(unable);
    t.is(
      await warned(),
      `${where} may be in the way of gangway0: its rules can't be read: nft failed: no words for it\n`,
    );

    await gangway.sh('umount "$(command -v nft)"; nft flush chain inet theirs forward');
    t.true((await warned()).startsWith(`${where} drops packets of`), 'control');
  }));
