/**
 * Runs iproute2 as a careful shell script would: `ip netns add` and two `ip -batch`, one for the host and one for the
 * namespace; `nft` for the port. Three processes, four with a port.
 */
import type { Contender } from './contender.ts';
import { hostPort, run, timed } from './contender.ts';

const standing = `table ip ipbatch {
  map ports { type inet_proto . inet_service : ipv4_addr . inet_service; }
  chain prerouting {
    type nat hook prerouting priority dstnat;
    fib daddr type local dnat ip to meta l4proto . th dport map @ports
  }
  chain output {
    type nat hook output priority dstnat;
    fib daddr type local dnat ip to meta l4proto . th dport map @ports
  }
}
`;

export class IpBatch implements Contender {
  readonly name = 'ip -batch';
  readonly resident = false;
  readonly method = 'ip netns add + 2 × ip -batch, nft for the port; programs started with spawnSync';
  private readonly published = new Set<number>();

  static open(): IpBatch {
    run('ip', ['link', 'add', 'ipbatch0', 'address', '02:42:0a:d3:00:01', 'type', 'bridge', 'mcast_snooping', '0']);
    run('ip', ['address', 'add', '10.211.0.1/16', 'dev', 'ipbatch0']);
    run('ip', ['link', 'set', 'ipbatch0', 'up']);
    run('nft', ['-f', '-'], standing);
    return new IpBatch();
  }

  async create(index: number, published: boolean): Promise<number> {
    const name = this.namespace(index);
    const host = `link add ${name} numtxqueues 1 numrxqueues 1 master ipbatch0 up type veth peer name eth0 netns ${name}\n`;
    const inside =
      `link set lo up\naddress add ${this.address(index)}/16 dev eth0\nlink set eth0 up\n` +
      `route add default via 10.211.0.1\n`;
    const duration = timed(() => {
      run('ip', ['netns', 'add', name]);
      run('ip', ['-batch', '-'], host);
      run('ip', ['-netns', name, '-batch', '-'], inside);
      if (published) run('nft', ['-f', '-'], `add element ip ipbatch ports { ${this.element(index)} }\n`);
    });
    if (published) this.published.add(index);
    return duration;
  }

  /** Deletes the veth first, because the namespace alone would answer for some milliseconds. */
  async remove(index: number): Promise<number> {
    const name = this.namespace(index);
    const published = this.published.delete(index);
    return timed(() => {
      if (published) run('nft', ['-f', '-'], `delete element ip ipbatch ports { ${this.element(index)} }\n`);
      run('ip', ['-batch', '-'], `link delete ${name}\nnetns delete ${name}\n`);
    });
  }

  namespace(index: number): string {
    return `ipbatch-${index}`;
  }

  address(index: number): string {
    return `10.211.${(index + 2) >> 8}.${(index + 2) & 255}`;
  }

  private element(index: number): string {
    return `tcp . ${hostPort(index)} : ${this.address(index)} . 80`;
  }

  async close(): Promise<void> {}
}
