/**
 * Runs CNI's reference plugins as a runtime does: the configuration on stdin, and the verb in the environment.
 *
 * @see https://www.cni.dev/docs/spec/
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Absent, Contender } from './contender.ts';
import { hostPort, run, timed } from './contender.ts';

const plugins = '/usr/lib/cni';

/** Index of the container that creates the bridge and portmap's chains before the measurement. */
const resident = 4_000;

const common = { cniVersion: '1.0.0', name: 'bench' };
const bridge = {
  ...common,
  type: 'bridge',
  bridge: 'cni0',
  isGateway: true,
  ipMasq: true,
  ipam: {
    type: 'host-local',
    dataDir: '/run/cni',
    ranges: [[{ subnet: '10.212.0.0/16', gateway: '10.212.0.1' }]],
    routes: [{ dst: '0.0.0.0/0' }],
  },
};

interface Configuration {
  readonly type: string;
  readonly [key: string]: unknown;
}

interface Result {
  readonly ips: readonly { readonly address: string }[];
}

export class Cni implements Contender {
  readonly name = 'CNI';
  readonly resident = false;
  readonly method = 'ip netns add, then plugins bridge (ipMasq, host-local) and portmap (iptables), with spawnSync';
  private readonly results = new Map<number, { readonly result: Result; readonly published: boolean }>();

  static async open(): Promise<Cni | Absent> {
    const missing = ['bridge', 'host-local', 'portmap'].find((plugin) => !existsSync(`${plugins}/${plugin}`));
    if (missing !== undefined)
      return { name: 'CNI', skipped: `no ${plugins}/${missing}: apt install containernetworking-plugins` };
    if (spawnSync('iptables', ['--version']).status !== 0)
      return { name: 'CNI', skipped: 'iptables is missing, which the plugins call: apt install iptables' };
    const opened = new Cni();
    await opened.create(resident, true);
    return opened;
  }

  async create(index: number, published: boolean): Promise<number> {
    return timed(() => {
      run('ip', ['netns', 'add', this.namespace(index)]);
      const result = JSON.parse(this.call('ADD', index, bridge)) as Result;
      this.results.set(index, { result, published });
      if (published) this.call('ADD', index, this.portmap(index, result));
    });
  }

  async remove(index: number): Promise<number> {
    const made = this.results.get(index);
    if (made === undefined) throw new Error(`CNI has no container ${index}`);
    this.results.delete(index);
    return timed(() => {
      if (made.published) this.call('DEL', index, this.portmap(index, made.result));
      this.call('DEL', index, { ...bridge, prevResult: made.result });
      run('ip', ['netns', 'delete', this.namespace(index)]);
    });
  }

  private portmap(index: number, prevResult: Result): Configuration {
    const portMappings = [{ hostPort: hostPort(index), containerPort: 80, protocol: 'tcp' }];
    return { ...common, type: 'portmap', runtimeConfig: { portMappings }, prevResult };
  }

  private call(verb: 'ADD' | 'DEL', index: number, configuration: Configuration): string {
    return run(`${plugins}/${configuration.type}`, [], JSON.stringify(configuration), {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: this.namespace(index),
      CNI_NETNS: `/run/netns/${this.namespace(index)}`,
      CNI_IFNAME: 'eth0',
      CNI_PATH: plugins,
    });
  }

  namespace(index: number): string {
    return `cni-${index}`;
  }

  address(index: number): string {
    return this.results.get(index)?.result.ips[0]?.address.split('/')[0] ?? '';
  }

  async close(): Promise<void> {
    await this.remove(resident);
  }
}
