import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { skipUnless } from '../support/skip.ts';
import { code, live, sh } from '../support/story.ts';

test.serial('a container has docker’s capabilities and a system call filter', async (t) => {
  const story = await live(t, {
    request: sh('grep -E "^(Cap|Seccomp:)" /proc/self/status; unshare -U true; mount -t tmpfs x /mnt; unshare -n true'),
  });
  if (story === undefined) return;
  for (const set of ['CapPrm', 'CapEff', 'CapBnd']) t.regex(story.log, new RegExp(`${set}:\\s+00000000a80425fb`));
  t.regex(story.log, /CapAmb:\s+0000000000000000/);
  t.regex(story.log, /Seccomp:\s+2/);
  t.is(story.log.match(/not permitted|permission denied/g)?.length, 3);
});

test.serial('with SYS_ADMIN the filter lets namespaces and mounts pass', async (t) => {
  const request = {
    ...sh('unshare -m true && mount -t tmpfs x /mnt && echo mounted'),
    capabilities: { add: ['SYS_ADMIN'], drop: [] },
  };
  const story = await live(t, { request });
  if (story !== undefined) t.regex(story.log, /mounted/);
});

test.serial('keeps owner, mode and mount options of other host file systems', async (t) => {
  const directory = mkdtempSync('/var/tmp/gangway-test-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const look = `
    { echo new >>/etc/issue.net; } 2>/dev/null || echo bound
    stat -c '%a %u' /media /mnt; cat /media/x 2>/dev/null || echo closed; { echo new >/mnt/new; } 2>/dev/null && cat /mnt/new || echo refused
    grep -E ' /(media|mnt) ' /proc/self/mountinfo | sort -k5,5 | cut -d' ' -f5,6`;
  const beforehand = `
    mkdir -m 700 ${directory}/closed; echo secret >${directory}/closed/x; mkdir -m 1777 ${directory}/open
    mount --bind -o nosuid,nodev ${directory}/closed /media; mount --bind ${directory}/open /mnt
    touch ${directory}/file; chmod 666 ${directory}/file; mount --bind ${directory}/file /etc/issue.net`;
  const seen = async (more: object) =>
    (await live(t, { beforehand, request: { ...sh(look), ...more } }))?.log
      .replaceAll(',relatime', '')
      .trim()
      .split('\n');
  const user = await seen({ user: 'nobody' });
  if (user === undefined) return;
  const top = ['bound', '700 0', '1777 0'];
  t.deepEqual(user, [...top, 'closed', 'new', '/media rw,nosuid,nodev', '/mnt rw']);
  t.deepEqual((await seen({ userNamespace: 'private' }))?.slice(3), [
    'closed',
    'new',
    '/media rw,nosuid,nodev',
    '/mnt rw',
  ]);
  const readOnly = await seen({ readOnly: true });
  t.deepEqual(readOnly, [...top, 'secret', 'refused', '/media ro,nosuid,nodev', '/mnt ro']);
});

test.serial('leaves out file systems below directories that other users can move', async (t) => {
  const directory = mkdtempSync('/var/tmp/gangway-test-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const beforehand = `
    chmod 755 ${directory}; cd ${directory}; mkdir -p user/roots/in group/in all/in roots/in
    chown 65534 user; chmod 775 group; chmod 1777 all
    mount --bind ${directory} /mnt
    for place in user/roots/in group/in all/in roots/in; do mount --bind /usr/share/doc /mnt/$place; done`;
  const story = await live(t, {
    beforehand,
    request: sh("awk '$5 ~ /^.(mnt|var.tmp.)/ { print $5 }' /proc/self/mountinfo | sort"),
  });
  if (story === undefined) return;
  t.is(story.log.trim(), '/mnt\n/mnt/roots/in');
  const out = ['all', 'group', 'user/roots'].map((place) => `${place}/in`);
  const named = ({ warnings }: { readonly warnings: readonly string[] }) =>
    warnings.flatMap(
      (sentence) => /at \/mnt\/(\S+) stays out of the container: others than root/.exec(sentence)?.[1] ?? [],
    );
  t.deepEqual(named(story), out, 'nor does it in silence');
  const volumes = [{ source: '/mnt/group/in', target: '/mnt/group', readOnly: true }];
  const covered = await live(t, { beforehand, request: { ...sh('true'), volumes } });
  if (covered !== undefined) t.deepEqual(named(covered), ['all/in', 'user/roots/in']);
});

/**
 * An ELF program of two calls of 32 bits: socketcall(SYS_SOCKET, {family, SOCK_SEQPACKET}), and exit with the errno, or with
 * 256 less the descriptor.
 */
function socketcallProgram(family: number): Buffer {
  const [base, code] = [0x400000, 120];
  // mov eax,102; mov ebx,1; mov ecx,arguments; int 0x80; neg eax; mov ebx,eax; mov eax,1; int 0x80
  const calls = Buffer.from('b866000000bb01000000b900000000cd80f7d889c3b801000000cd80', 'hex');
  calls.writeUInt32LE(base + code + calls.length, 11);
  const words = Buffer.alloc(12);
  for (const [index, word] of [family, 5, 0].entries()) words.writeUInt32LE(word, 4 * index);
  const size = code + calls.length + words.length;
  const header = Buffer.from('7f454c4602010100000000000000000002003e0001000000', 'hex');
  const [elf, program] = [Buffer.alloc(40), Buffer.alloc(56)];
  elf.writeBigUInt64LE(BigInt(base + code), 0);
  elf.writeBigUInt64LE(64n, 8);
  for (const [offset, value] of [
    [28, 64],
    [30, 56],
    [32, 1],
  ] as const)
    elf.writeUInt16LE(value, offset);
  program.writeUInt32LE(1, 0);
  program.writeUInt32LE(5, 4);
  program.writeBigUInt64LE(BigInt(base), 16);
  program.writeBigUInt64LE(BigInt(base), 24);
  program.writeBigUInt64LE(BigInt(size), 32);
  program.writeBigUInt64LE(BigInt(size), 40);
  program.writeBigUInt64LE(0x1000n, 48);
  return Buffer.concat([header, elf, program, calls, words]);
}

test.serial('filters sockets of 32-bit programs on each path', async (t) => {
  if (skipUnless(t, process.arch === 'x64' ? undefined : 'the program is of x86')) return;
  const directory = mkdtempSync('/var/tmp/gangway-test-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  for (const [name, family] of [
    ['unix', 1],
    ['alg', 38],
  ] as const)
    writeFileSync(`${directory}/${name}`, socketcallProgram(family), { mode: 0o755 });
  const tried = `for name in unix alg; do ${directory}/$name; echo $?; done`;
  const story = await live(t, { beforehand: `( ${tried} ) >${directory}/outside 2>&1`, request: sh(tried) });
  if (story === undefined) return;
  const [outside] = readFileSync(`${directory}/outside`, 'utf8').split('\n');
  if (skipUnless(t, Number(outside) > 128 + 64 ? undefined : `this kernel runs no calls of 32 bits: ${outside}`))
    return;
  t.deepEqual(story.log.trim().split('\n'), ['38', '38'], 'ENOSYS');
});

test.serial('the host’s secrets and other programs’ sockets are out of sight', async (t) => {
  const directory = mkdtempSync('/var/tmp/gangway-test-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const serve = `require('net').createServer((c) => c.end('reached')).listen('${directory}/s')`;
  const story = await live(t, {
    beforehand: `node -e "${serve}" >/dev/null 2>&1 & until [ -S ${directory}/s ]; do sleep 0.1; done`,
    request: sh(`
      wc -c </proc/keys; wc -c </proc/timer_list; ls -A /sys/firmware /srv /run; echo x >/proc/sys/kernel/hostname; ls ${directory}
      node -e "require('net').connect('${directory}/s').on('data', (d) => console.log(String(d))).on('error', (e) => console.log(e.code))"`),
  });
  if (story === undefined) return;
  t.deepEqual(story.log.trim().split('\n').slice(0, 2), ['0', '0']);
  t.regex(story.log, /Read-only file system/);
  t.regex(story.log, /ECONNREFUSED/);
  t.notRegex(story.log, /reached/);
});

test.serial('what is written and removed inside never reaches the host', async (t) => {
  const mark = `/etc/gangway-test-${process.pid}`;
  const before = readFileSync('/etc/passwd', 'utf8');
  const story = await live(t, {
    request: sh(`echo x >${mark} && rm /etc/passwd && ls ${mark} && cat /etc/hosts /etc/hostname`),
  });
  if (story === undefined) return;
  t.is(code(story), 0);
  t.regex(story.log, /172\.17\.0\.2 box/);
  t.is(statSync(mark, { throwIfNoEntry: false }), undefined);
  t.is(readFileSync('/etc/passwd', 'utf8'), before);
});

test.serial('a directory with any name is a root file system that stays as it is', async (t) => {
  const directory = mkdtempSync('/var/tmp/gangway, test:');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  await furnish(directory);
  const story = await live(t, {
    request: {
      ...sh('id -u; id -g; id -G; echo $HOME; touch /x; echo >/own/y; ls /own'),
      user: 'app',
      rootfs: { kind: 'directory', path: directory },
    },
  });
  const names = readdirSync(directory);
  if (story === undefined) return;
  t.deepEqual(story.log.split('\n').slice(0, 4), ['1234', '1235', '1235 77', '/home/app']);
  t.regex(story.log, /cannot touch '\/x'.*Permission denied/s);
  t.false(names.includes('x') || names.includes('dev'));
});

/** As little of a root file system as `sh` and a few programs need. */
async function furnish(directory: string): Promise<void> {
  const text = `cd "$1"; mkdir bin etc own; cp -L /bin/sh /bin/ls /bin/id /bin/touch bin
    for lib in $(ldd bin/* | grep -o '/lib[^ ]*' | sort -u); do mkdir -p ".$(dirname $lib)"; cp -L $lib .$lib; done; chmod 755 .`;
  await promisify(execFile)('sh', ['-c', text, 'sh', directory]);
  writeFileSync(join(directory, 'etc/passwd'), 'app:x:1234:1235::/home/app:/bin/sh\n');
  writeFileSync(join(directory, 'etc/group'), 'extra:x:77:app\n');
}

test.serial('a private user namespace: root inside is nobody outside, and owns its network', async (t) => {
  const story = await live(t, {
    request: {
      ...sh('id -u; cat /proc/self/uid_map; cat /etc/shadow; touch /etc/x; ls /sys/class/net; echo end; exec sleep 99'),
      userNamespace: 'private',
    },
    // It stays until it was looked at.
    meanwhile: `
      until grep -q ' end$' /run/gangway/*.log; do sleep 0.05; done
      grep Uid "/proc/$1/status"
      kill -KILL "$1"`,
  });
  if (story === undefined) return;
  t.regex(story.log, /^0\n +0 +100000 +65536\n/);
  t.is(story.log.match(/Permission denied/g)?.length, 2);
  t.regex(story.log, /\nlo\n/);
  t.regex(story.meanwhile, /Uid:\s+100000\s+100000/);
});

test.serial('a private user namespace on a root file system of one’s own: root inside owns it', async (t) => {
  const directory = mkdtempSync('/var/tmp/gangway-test-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  await furnish(directory);
  const story = await live(t, {
    request: {
      ...sh('echo >/own/y && ls -ln /own /etc/passwd'),
      userNamespace: 'private',
      rootfs: { kind: 'directory', path: directory },
    },
  });
  if (story === undefined) return;
  t.is(code(story), 0, story.log);
  t.is(story.log.match(/ 0 +0 /g)?.length, 2);
});

test.serial('on the host’s network a container sees the machine’s own links', async (t) => {
  const beforehand = 'ip link add gwtest type veth peer name gwtest2';
  const story = await live(t, {
    beforehand,
    request: { ...sh('ls /sys/class/net; hostname'), network: { kind: 'host' } },
  });
  if (story !== undefined) t.is(story.log, 'gwtest\ngwtest2\nlo\nbox\n');
});

test.serial('read-only: the tree can’t be written, memory can', async (t) => {
  const story = await live(t, { request: { ...sh('touch /etc/x; touch /tmp/y && echo memory'), readOnly: true } });
  if (story !== undefined) t.regex(story.log, /Read-only file system[\s\S]*memory/);
});

test.serial('--isolation=network: a network and hosts of its own, and all its processes end with it', async (t) => {
  const story = await live(t, {
    request: { ...sh('ls /sys/class/net; cat /etc/hosts; setsid sleep 99 & sleep 0.1; exit 9'), isolation: 'network' },
  });
  if (story === undefined) return;
  t.is(code(story), 9);
  t.is(story.log, 'lo\n127.0.0.1 localhost\n172.17.0.2 box\n');
});

test.serial('--isolation=network: its environment is what it was given, whatever the names and values', async (t) => {
  const environment = ['A=it’s "1" $A', "B='", 'a.b=c d', 'PWD=/nowhere'];
  const story = await live(t, {
    request: { command: ['env'], environment, isolation: 'network' },
  });
  if (story === undefined) return;
  const found = story.log.split('\n').filter((variable) => /^(A|B|a\.b|PWD)=/.test(variable));
  t.deepEqual(found.toSorted(), ['A=it’s "1" $A', "B='", 'PWD=/nowhere', 'a.b=c d'].toSorted());
});

test.serial('--isolation=network: a terminal, a user, a signal', async (t) => {
  const terminal = await live(t, {
    request: { command: ['tty'], isolation: 'network', terminal: true, interactive: true },
  });
  if (terminal !== undefined) t.regex(terminal.log, /^\/dev\/pts\/\d/);
  const user = await live(t, {
    request: { command: ['sleep', '60'], isolation: 'network', user: 'www-data' },
    meanwhile: `
      until [ "$(cat "/proc/$1/comm")" = sleep ]; do sleep 0.05; done
      grep Uid "/proc/$1/status"
      kill "$1"`,
  });
  if (user === undefined) return;
  t.is(code(user), 143);
  t.regex(user.meanwhile, /Uid:\s+33/);
});
