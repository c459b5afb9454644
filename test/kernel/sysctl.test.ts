// --sysctl on the real kernel: the container's own settings, which are not the machine's.
//
//     machine   net.ipv4.ip_default_ttl 64   kernel.shmmax as it was
//        |
//     web       net.ipv4.ip_default_ttl 33   kernel.shmmax 65536
import test from 'ava';
import { withStory } from '../support/story-lab.ts';

const key = 'net.ipv4.ip_default_ttl';

test('a setting is the container’s own: of the network, and of shared memory', async (t) => {
  await withStory(t, {}, async (story) => {
    const before = await Promise.all([story.sysctl('host', key), story.sysctl('host', 'kernel.shmmax')]);
    t.not(before[0], '33');
    const options = ['--sysctl', `${key}=33`, '--sysctl', 'kernel.shmmax=65536', '--sysctl', 'fs.mqueue.msg_max=7'];
    const web = await story.start('--name', 'web', ...options, 'sleep', '100');
    t.is(await story.sysctl(web, key), '33');
    const inside = await story.run('exec', 'web', 'cat', '/proc/sys/kernel/shmmax', '/proc/sys/fs/mqueue/msg_max');
    t.is(inside, '65536\n7');
    t.deepEqual(await Promise.all([story.sysctl('host', key), story.sysctl('host', 'kernel.shmmax')]), before);
    const sysctls = JSON.parse(await story.run('inspect', 'web'))[0].HostConfig.Sysctls;
    t.deepEqual(sysctls, { [key]: '33', 'kernel.shmmax': '65536', 'fs.mqueue.msg_max': '7' });
    t.regex(
      await story.run('explain', 'run', '--sysctl', `${key}=33`, 'true'),
      /sysctl -qw net\/ipv4\/ip_default_ttl=33/,
    );
    const hostile = await story.run('explain', 'run', '--sysctl', `${key}=1;touch /run/caught`, 'true');
    t.true(hostile.includes("sysctl -qw 'net/ipv4/ip_default_ttl=1;touch /run/caught'"));
    await story.run('restart', '-t', '0', 'web');
    t.is(await story.sysctl(web, key), '33');
  });
});

test('a network without IPv6 stays without, whatever is set for all links', async (t) => {
  await withStory(t, {}, async (story) => {
    const web = await story.start('--sysctl', 'net.ipv6.conf.all.disable_ipv6=0', 'sleep', '100');
    t.is(await story.sysctl(web, 'net.ipv6.conf.eth0.disable_ipv6'), '1');
  });
});

test('what the kernel does not have is an error, and nothing stays', async (t) => {
  await withStory(t, {}, async (story) => {
    const { exitCode, stderr } = await story.exec(['run', '--name', 'web', '--sysctl', 'net.ipv4.nonsense=1', 'true']);
    t.is(exitCode, 125);
    t.regex(stderr, /net\/ipv4\/nonsense.*ENOENT/);
    t.is(await story.run('ps', '-aq'), '');
    t.is(
      await story.run(
        'run',
        '--rm',
        '--network',
        'host',
        '--sysctl',
        'kernel.msgmax=4096',
        'cat',
        '/proc/sys/kernel/msgmax',
      ),
      '4096',
    );
  });
});

test('a setting may be written in other words than the kernel shows it in', async (t) => {
  await withStory(t, {}, async (story) => {
    const ports = Array.from({ length: 100 }, (_, index) => 10_001 + 2 * index).join(',');
    const settings = [
      ['net.ipv4.ip_local_reserved_ports', '8080,8081', '8080-8081'],
      ['net.ipv4.tcp_rmem', '4096  131072   6291456', '4096\t131072\t6291456'],
      ['net.ipv4.ip_default_ttl', '041', '33'],
    ] as const;
    const options = settings.flatMap(([key, value]) => ['--sysctl', `${key}=${value}`]);
    const web = await story.start(...options, '--sysctl', 'net.ipv4.route.flush=1', 'sleep', '100');
    for (const [key, , shown] of settings) {
      t.is((await story.inside(web, `sysctl -n ${key}`)).stdout.trim(), shown, key);
    }
    const busy = await story.start('--sysctl', `net.ipv4.ip_local_reserved_ports=${ports}`, 'sleep', '100');
    t.is(await story.sysctl(busy, 'net.ipv4.ip_local_reserved_ports'), ports);
  });
});
