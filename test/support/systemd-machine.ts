/**
 * A machine that systemd has started, in a lab: on the network of the lab's host, with a process tree, a /run and control
 * groups of its own. Of the units of this machine's Debian it has those that every boot needs, and ours beside them.
 *
 *     lab's host
 *        └─ systemd                 its first process
 *             ├─ gangway's units
 *             └─ nsenter            what the test runs
 *
 * systemd.unit(5): SYSTEMD_UNIT_PATH says where units are; what the real machine has enabled is not looked at.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Background, Result } from '../../src/lab/background.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { ExecOptions } from '../../src/lab/namespace-runner.ts';

const manager = '/usr/lib/systemd/systemd';
const sources = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Why there can be none, if there can't. */
export function lacksSystemd(): string | undefined {
  return existsSync(manager) ? undefined : 'systemd is not installed (Debian: systemd)';
}

const stock = [
  ...['sysinit', 'basic', 'sockets', 'timers', 'paths', 'slices', 'local-fs', 'swap', 'network', 'network-online'],
  ...['multi-user', 'shutdown', 'umount', 'final'],
].map((name) => `${name}.target`);

export const unitDirectory = '/run/units';

/**
 * Boots systemd. The control group contains systemd alone, so that systemd may delegate its subtrees, and is the root of the cgroup
 * namespace. /usr/local/bin/gangway is the link that `npm link` makes. The sources stay visible below an empty /tmp or /var/tmp.
 * The unit of the switchboard hides home directories and /tmp: a drop-in mounts the sources there, as docs/systemd.md describes.
 * systemd's own mount units do not expect mounts over mounts: the script removes the ones below /run.
 *
 * "$1" boot id · "$2" path of the sources · "$3" enabled units of gangway · then the stock units
 */
const boot = `
unified=/sys/fs/cgroup
[ -e $unified/cgroup.controllers ] || unified=/sys/fs/cgroup/unified
exec unshare --mount --pid --fork --kill-child --mount-proc sh -euc '
  mkdir -p "$1/machine-$2/entered"
  echo "$1/machine-$2/entered" >/run/entered
  echo 0 >"$1/machine-$2/cgroup.procs"
  shift 2
  exec unshare --cgroup sh -euc "$@"
' machine $unified "$1" '
  boot=$1 sources=$2 enabled=$3
  shift 3
  while umount --recursive --lazy /run 2>/dev/null; do :; done
  mount -t tmpfs -o mode=755,nosuid,nodev tmpfs /run
  mkdir -p /run/lock /run/bin/upper /run/bin/work ${unitDirectory}
  mkdir /run/sources
  mount --bind "$sources" /run/sources
  for directory in /tmp /var/tmp; do mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs $directory; done
  mkdir -p "$sources"
  mount --move /run/sources "$sources"
  rmdir /run/sources
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  mount -t overlay -o lowerdir=/usr/local/bin,upperdir=/run/bin/upper,workdir=/run/bin/work overlay /usr/local/bin
  ln -sf "$sources/dist/cli/gangway.js" /usr/local/bin/gangway
  cp "$sources"/dist/systemd/* ${unitDirectory}
  mkdir ${unitDirectory}/multi-user.target.wants
  printf "[Unit]\nDefaultDependencies=no\nRequires=shutdown.target\nAfter=shutdown.target\n" >${unitDirectory}/down.target
  for unit in $enabled; do ln -s ../$unit ${unitDirectory}/multi-user.target.wants; done
  for unit; do ln -s /usr/lib/systemd/system/$unit ${unitDirectory}; done
  for service in ${unitDirectory}/gangway-*.service; do
    mkdir $service.d
    printf "[Service]\nStandardOutput=append:/run/said\nStandardError=inherit\n" >$service.d/said.conf
  done
  case $sources in (/home/* | /root/* | /tmp/* | /var/tmp/*)
    printf "[Service]\\nProtectHome=tmpfs\\nBindReadOnlyPaths=\\"%s\\"\\n" "$sources" >${unitDirectory}/gangway-switchboard.service.d/sources.conf
  esac
  echo "$boot" >/run/boot_id
  mount --bind /run/boot_id /proc/sys/kernel/random/boot_id
  mount --make-rshared /
  exec ${manager} --unit=multi-user.target --log-target=console --show-status=no
' machine "$@"`;

/** A process of another cgroup namespace's tree could not be moved in this one (nsdelegate, in cgroups(7)): so it goes there first. */
const enter = `
read -r group </run/entered
echo 0 >"$group/cgroup.procs"
exec nsenter "$@"`;

/** What the kernel would have forgotten. */
const forget = `
for link in $(ip -br link show type bridge | cut -d' ' -f1); do ip link delete "$link"; done
nft flush ruleset
sysctl -qw net.ipv4.ip_forward=0`;

export class SystemdMachine {
  #manager: Background | undefined;
  #pid = '';

  constructor(readonly lab: Lab) {}

  /**
   * @param enabled our units that start with it
   * @returns when everything runs
   */
  async boot(enabled: readonly string[] = []): Promise<void> {
    const words = [randomUUID(), sources, enabled.join(' '), ...stock];
    this.#manager = this.lab.host.spawn(['sh', '-euc', boot, 'boot', ...words], {
      environment: { container: 'lab', SYSTEMD_UNIT_PATH: unitDirectory, LISTEN_FDS: undefined },
      workingDirectory: '/',
    });
    const listens = 'nsenter --target="$(pgrep -xo systemd)" --mount test -S /run/systemd/private';
    await this.lab.host.waitFor(['sh', '-euc', listens]);
    this.#pid = (await this.lab.host.run(['pgrep', '-xo', 'systemd'])).trim();
    await this.run('systemctl', 'is-system-running', '--wait');
  }

  /** Ends units as a machine does that goes down, then all that is left, as if the power went. */
  async shutDown(): Promise<void> {
    await this.run('systemctl', 'start', '--job-mode=replace-irreversibly', 'down.target');
    await this.losePower();
  }

  async losePower(): Promise<void> {
    await this.lab.host.run(['kill', '-KILL', this.#pid]);
    await this.#manager?.result;
    await this.lab.host.run(['sh', '-euc', forget]);
  }

  exec(argv: readonly string[], options: ExecOptions = {}): Promise<Result> {
    const words = [`--target=${this.#pid}`, '--mount', '--pid', '--cgroup', '--wdns=/', ...argv];
    return this.lab.host.exec(['sh', '-euc', enter, 'enter', ...words], { workingDirectory: '/', ...options });
  }

  /** A program that must succeed. @returns its stdout, without the last line feed */
  async run(...argv: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.exec(argv);
    if (exitCode !== 0) throw new Error(`${argv.join(' ')} ended with ${exitCode}: ${stderr}${stdout}`);
    return stdout.trimEnd();
  }

  /** A constant script for sh(1), with parameters. */
  sh(script: string, ...parameters: readonly string[]): Promise<string> {
    return this.run('sh', '-euc', script, 'sh', ...parameters);
  }

  /** `gangway WORDS…` */
  gangway(...words: readonly string[]): Promise<string> {
    return this.run('gangway', ...words);
  }

  /** `systemctl show -P PROPERTY UNIT` */
  property(unit: string, property: string): Promise<string> {
    return this.run('systemctl', 'show', '-P', property, unit);
  }

  /** What our services have said. */
  said(): Promise<string> {
    return this.sh('cat /run/said 2>/dev/null || :');
  }
}
