/**
 * Tests two machines on one wire, each with its own networks, and a network across both:
 *
 *     web ── front ── host 1 ── 192.0.2.0/24 ── host 2 ── front ── web
 *     far ── wide ─── VXLAN ─────────────────── VXLAN ─── wide ─── far
 *
 * scripts/guest/wire runs the checks on each machine, and `scripts/vm wire` runs it on two kernels. Neither machine forwarded
 * before, so gangway drops foreign transit, but not the tunnel's own packets.
 */
import test from 'ava';
import { execa } from 'execa';
import { createLab, type Lab } from '../../src/lab/lab.ts';
import { skipUnless } from '../support/skip.ts';

const variants = [
  { firewall: 'nftables', bridged: 0, tunnel: 4 },
  { firewall: 'nftables', bridged: 1, tunnel: 6 },
  { firewall: 'iptables', bridged: 1, tunnel: 4 },
];

async function lacksVxlan({ host }: Lab): Promise<string | undefined> {
  const words = 'link add probe type vxlan id 1 dstport 4789'.split(' ');
  const { exitCode, stderr } = await host.exec(['ip', ...words]);
  if (exitCode !== 0) return `this kernel has no vxlan: ${stderr.trim()}`;
  await host.run(['ip', 'link', 'del', 'probe']);
  return undefined;
}

for (const { firewall, bridged, tunnel } of variants)
  test.serial(
    `connects published ports, and a network across a VXLAN over IPv${tunnel}: ${firewall}, bridge-nf-call-iptables=${bridged}`,
    async (t) => {
      t.timeout(120_000);
      await using one = await createLab({ outside: [] });
      await using two = await createLab({ outside: [] });
      if (skipUnless(t, await lacksVxlan(one))) return;
      const ends = ['netns', `${one.pid}`, 'type', 'veth', 'peer', 'name', 'wire', 'netns', `${two.pid}`];
      await execa('ip', ['link', 'add', 'wire', ...ends]);
      const prepare = `[ ! -e /proc/sys/net/bridge ] || sysctl -qw net.bridge.bridge-nf-call-iptables=${bridged}
      exec scripts/guest/wire "$@"`;
      const said = await Promise.all(
        [one, two].map(({ host }, place) =>
          host.exec(['sh', '-c', prepare, 'sh', `${place + 1}`, 'wire', `${tunnel}`], {
            environment: { GANGWAY_FIREWALL_BACKEND: firewall },
            timeoutMilliseconds: 100_000,
          }),
        ),
      );
      for (const { stdout, stderr, exitCode } of said) {
        t.is(exitCode, 0, `${stdout}${stderr}`);
        t.is(stdout.match(/holds/g)?.length, 9);
      }
    },
  );
