/**
 * Runs netavark, Podman's network program, as Podman does: one process for each verb, with its input on stdin.
 *
 * Without a port it runs without a firewall (`none`), its fastest mode; with a port it uses its nftables driver. Each call
 * selects the driver. One resident container keeps the bridge, which netavark would otherwise remove with the last container.
 */
import { existsSync } from 'node:fs';
import type { Absent, Contender } from './contender.ts';
import { hostPort, run, timed } from './contender.ts';

const program = '/usr/lib/podman/netavark';
const resident = 4_000;

const network = {
  name: 'bench',
  id: '6'.repeat(64),
  driver: 'bridge',
  network_interface: 'netavark0',
  subnets: [{ subnet: '10.213.0.0/16', gateway: '10.213.0.1' }],
  ipv6_enabled: false,
  internal: false,
  dns_enabled: false,
  ipam_options: { driver: 'host-local' },
};

export class Netavark implements Contender {
  readonly name = 'netavark';
  readonly resident = false;
  readonly method = 'ip netns add, then netavark setup (firewall none; nftables where a port is published), spawnSync';
  private readonly published = new Set<number>();

  static async open(): Promise<Netavark | Absent> {
    if (!existsSync(program)) return { name: 'netavark', skipped: `no ${program}: apt install netavark` };
    const opened = new Netavark();
    await opened.create(resident, true);
    return opened;
  }

  async create(index: number, published: boolean): Promise<number> {
    if (published) this.published.add(index);
    return timed(() => {
      run('ip', ['netns', 'add', this.namespace(index)]);
      this.call('setup', index, published);
    });
  }

  async remove(index: number): Promise<number> {
    const published = this.published.delete(index);
    return timed(() => {
      this.call('teardown', index, published);
      run('ip', ['netns', 'delete', this.namespace(index)]);
    });
  }

  private call(verb: 'setup' | 'teardown', index: number, published: boolean): void {
    const port = { host_ip: '', host_port: hostPort(index), container_port: 80, protocol: 'tcp', range: 1 };
    const request = {
      container_id: String(index).padStart(64, 'c'),
      container_name: this.namespace(index),
      port_mappings: published ? [port] : [],
      networks: { bench: { interface_name: 'eth0', static_ips: [this.address(index)] } },
      network_info: { bench: network },
    };
    const args = ['--config', '/run/netavark', '--rootless', 'false', verb, `/run/netns/${this.namespace(index)}`];
    run(program, args, JSON.stringify(request), { NETAVARK_FW: published ? 'nftables' : 'none' });
  }

  namespace(index: number): string {
    return `netavark-${index}`;
  }

  address(index: number): string {
    return `10.213.${(index + 2) >> 8}.${(index + 2) & 255}`;
  }

  async close(): Promise<void> {
    await this.remove(resident);
  }
}
