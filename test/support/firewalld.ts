/** Debian's firewalld on the host of a lab, with a bus and a configuration of its own. */
import type { Background } from '../../src/lab/background.ts';
import { lacksProgram } from './skip.ts';
import type { Story } from './story-lab.ts';

/** Why there is none, if there is none. */
export function lacksFirewalld(): string | undefined {
  return lacksProgram({ firewalld: 'firewalld', 'firewall-cmd': 'firewalld', 'dbus-daemon': 'dbus' });
}

const prepare = `
  mkdir -p /run/dbus /run/firewalld-etc
  cp -r /etc/firewalld/. /run/firewalld-etc
  mount --bind /run/firewalld-etc /etc/firewalld
  sed -i "s/^FirewallBackend=.*/FirewallBackend=$1/" /etc/firewalld/firewalld.conf
  dbus-daemon --system --fork --nopidfile --nosyslog`;

export class Firewalld {
  #daemon: Background | undefined;

  private constructor(readonly story: Story) {}

  static async prepare(story: Story, backend: 'nftables' | 'iptables'): Promise<Firewalld> {
    await story.sh(prepare, backend);
    return new Firewalld(story);
  }

  async start(): Promise<void> {
    this.#daemon = this.story.lab.host.spawn(['firewalld', '--nofork', '--nopid']);
    await this.story.lab.host.waitFor(['firewall-cmd', '--state']);
  }

  async stop(): Promise<void> {
    await this.#daemon?.kill('SIGTERM');
  }

  /** `firewall-cmd WORDS…` */
  run(...words: readonly string[]): Promise<string> {
    return this.story.lab.host.run(['firewall-cmd', ...words]);
  }
}
