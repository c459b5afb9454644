/** Runs the C limit (limit.c), which receives commands on stdin, so that it takes turns with the others. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Contender } from './contender.ts';
import { run } from './contender.ts';

/** One line of limit's output, in nanoseconds. Only `create` has the parts. */
export interface LimitLine {
  readonly operation: 'create' | 'remove';
  readonly index: number;
  readonly nanoseconds: number;
  readonly namespace?: number;
  readonly cable?: number;
  readonly configure?: number;
  readonly port?: number;
}

const standing = `table ip bench {
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

export class Limit implements Contender {
  readonly name = 'C limit';
  readonly resident = true;
  readonly method = 'raw netlink from C, in process, one nftables map element for the port (bench/limit.c)';
  private readonly lines: AsyncIterator<string>;

  private constructor(private readonly child: ChildProcess) {
    if (child.stdout === null) throw new Error('limit has no output');
    this.lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  }

  static open(program: string): Limit {
    run('ip', ['link', 'add', 'limit0', 'address', '02:42:0a:d2:00:01', 'type', 'bridge', 'mcast_snooping', '0']);
    run('ip', ['address', 'add', '10.210.0.1/16', 'dev', 'limit0']);
    run('ip', ['link', 'set', 'limit0', 'up']);
    run('nft', ['-f', '-'], standing);
    return new Limit(spawn(program, ['limit0', 'bench', 'ports'], { stdio: ['pipe', 'pipe', 'inherit'] }));
  }

  /** Runs `count` operations and returns one line for each. */
  async ask(command: 'create' | 'publish' | 'remove', first: number, count: number): Promise<LimitLine[]> {
    this.child.stdin?.write(`${command} ${first} ${count}\n`);
    const answers: LimitLine[] = [];
    while (answers.length < count) {
      const line = await this.lines.next();
      if (line.done === true) throw new Error('limit ended early');
      answers.push(JSON.parse(line.value) as LimitLine);
    }
    return answers;
  }

  async create(index: number, published: boolean): Promise<number> {
    const [line] = await this.ask(published ? 'publish' : 'create', index, 1);
    return line?.nanoseconds ?? Number.NaN;
  }

  async remove(index: number): Promise<number> {
    const [line] = await this.ask('remove', index, 1);
    return line?.nanoseconds ?? Number.NaN;
  }

  namespace(index: number): string {
    return `limit-${index}`;
  }

  address(index: number): string {
    return `10.210.${(index + 2) >> 8}.${(index + 2) & 255}`;
  }

  async close(): Promise<void> {
    this.child.stdin?.end();
    await once(this.child, 'exit');
  }
}
