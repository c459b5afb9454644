/** Processes in network namespaces, from which packets are sent against the ruleset. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { formatPrefix, network } from '../../src/values/address.ts';
import type { Protocol } from '../../src/values/port.ts';
import type { SetElement } from '../../src/values/set-element.ts';
import { type Carrier, carriers, type Mutation } from './ruleset-carrier.ts';

export const guardFile = fileURLToPath(new URL('../../src/firewall/nftables/anti-spoofing.nft', import.meta.url));
const placeFile = fileURLToPath(new URL('ruleset-place.mjs', import.meta.url));

/** What can be asked of a server: `wait` is how long until it counts as silent. */
export interface Question {
  readonly protocol: Protocol;
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
  /** With an address, of a datagram. */
  readonly localPort?: number;
  /** Of a datagram. */
  readonly bytes?: number;
  /** In a datagram. */
  readonly text?: string;
  readonly wait?: number;
}

/** A process in a namespace. */
export class Place {
  private readonly waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  private count = 0;

  private constructor(private readonly process: ChildProcess) {
    process.on('message', (message: { id?: number; result?: unknown; error?: string }) => {
      const caller = this.waiting.get(message.id ?? 0);
      this.waiting.delete(message.id ?? 0);
      if (message.error === undefined) caller?.resolve(message.result);
      else caller?.reject(new Error(message.error));
    });
  }

  /** Starts `prefix… node ruleset-place.mjs`; the prefix enters the namespaces and becomes the process. */
  static async open(...prefix: readonly [string, ...string[]]): Promise<Place> {
    const [program, ...rest] = [...prefix, process.execPath, placeFile];
    // Not the caller's PATH: npm puts node_modules/.bin first, where @vercel/nft calls its program `nft` too.
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
    const child = spawn(program, rest, { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    await once(child, 'message');
    return new Place(child);
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  async run(argv: readonly string[], input = ''): Promise<string> {
    return (await this.request('run', { argv, input })) as string;
  }

  /** Lines for `ip -batch`. */
  async ip(lines: readonly string[]): Promise<void> {
    await this.run(['ip', '-batch', '-'], `${lines.join('\n')}\n`);
  }

  async sysctl(values: Readonly<Record<string, number>>): Promise<void> {
    await this.request('sysctl', values);
  }

  /** @param signature stands before each answer, with a space between */
  async serve(port: number, host?: string, signature?: string): Promise<void> {
    await this.request('serve', { port, host, signature });
  }

  async ask(protocol: Protocol, host: string, port: number): Promise<string> {
    return this.question({ protocol, host, port });
  }

  /** @returns the address under which the server saw us, `refused`, `silent`, or the kernel's error */
  async question(question: Question): Promise<string> {
    return (await this.request('ask', question)) as string;
  }

  /** `ping`: `yes` or `silent`. */
  async ping(host: string, wait: number, localAddress?: string): Promise<string> {
    return (await this.request('ping', { host, wait, localAddress })) as string;
  }

  /** The datagrams that have come to its servers. */
  async heard(): Promise<readonly string[]> {
    return (await this.request('heard', {})) as readonly string[];
  }

  /** Those that have come since this was asked last. */
  async heardLately(): Promise<readonly string[]> {
    return (await this.request('heardLately', {})) as readonly string[];
  }

  /** Frames by a link, in order, past everything that this place's own stack would say. */
  async send(link: string, ...frames: readonly Buffer[]): Promise<void> {
    await this.request('frames', { link, frames: frames.map((frame) => frame.toString('hex')) });
  }

  /** The frames that have come by a link since this was first asked. */
  async seen(link: string): Promise<readonly Buffer[]> {
    return ((await this.request('seen', { link })) as readonly string[]).map((frame) => Buffer.from(frame, 'hex'));
  }

  async close(): Promise<void> {
    const ended = once(this.process, 'exit');
    this.process.disconnect();
    await ended;
  }

  request(act: string, request: object): Promise<unknown> {
    const id = ++this.count;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.process.send({ id, act, request });
    });
  }
}

/** A network has them beside its elements (networks/fail-closed-routing.ts): what the rules have not seen is for no container. */
async function routingRules(host: Place, verb: 'add' | 'delete', list: readonly SetElement[]): Promise<void> {
  for (const family of [4, 6] as const) {
    const lines = list
      .filter(({ set }) => set === `inside${family}`)
      .flatMap(({ key }) => key.flatMap((datum) => (datum.type === 'prefix' ? [datum.prefix] : [])))
      .map((prefix) => formatPrefix(network(prefix)))
      .flatMap((subnet) => [
        `rule ${verb} pref 640 iif lo to ${subnet} lookup main`,
        `rule ${verb} pref 641 to ${subnet} fwmark 0/0xffffffff blackhole`,
      ]);
    if (lines.length > 0) await host.run(['ip', `-${family}`, '-batch', '-'], `${lines.join('\n')}\n`);
  }
}

/** Places around one host, on which the ruleset is loaded. */
export class Scene<Name extends string> {
  protected constructor(
    protected readonly places: Map<Name | 'host', Place>,
    protected readonly carrier: Carrier = carriers[0] as Carrier,
  ) {}

  /** A host that forwards and filters no reverse path. Its links come later: they copy `default`. */
  static async openHost(): Promise<Place> {
    const host = await Place.open('unshare', '--net', '--mount', '--ipc', '--propagation', 'private');
    await host.run(['mount', '-t', 'tmpfs', 'tmpfs', '/run']);
    await host.sysctl({
      'net.ipv4.conf.all.rp_filter': 0,
      'net.ipv4.conf.default.rp_filter': 0,
      'net.ipv4.ip_forward': 1,
      // Several refusals a second to the same place are part of the test.
      'net.ipv4.icmp_ratelimit': 0,
      'net.ipv6.icmp.ratelimit': 0,
      'net.ipv6.conf.all.forwarding': 1,
      'net.ipv6.conf.all.accept_dad': 0,
      'net.ipv6.conf.default.accept_dad': 0,
    });
    return host;
  }

  /** A process in the namespace `name` of the host, which serves on ports 80 and 8080. */
  static async openPlace(host: Place, name: string, lines: readonly string[], signature?: string): Promise<Place> {
    const place = await Place.open('nsenter', `--target=${host.pid}`, '--net', '--mount', 'ip', 'netns', 'exec', name);
    await place.sysctl({
      'net.ipv4.icmp_ratelimit': 0,
      'net.ipv6.icmp.ratelimit': 0,
      'net.ipv6.conf.all.accept_dad': 0,
      'net.ipv6.conf.eth0.accept_dad': 0,
    });
    await place.ip(['link set lo up', ...lines]);
    await Promise.all([80, 8080].map((port) => place.serve(port, undefined, signature)));
    return place;
  }

  at(name: Name | 'host'): Place {
    const place = this.places.get(name);
    if (place === undefined) throw new Error(`no place ${name}`);
    return place;
  }

  async nft(...commands: readonly string[]): Promise<void> {
    await this.at('host').run(['nft', '-f', '-'], `${commands.join('\n')}\n`);
  }

  async loadRuleset(): Promise<void> {
    await this.carrier.load(this.at('host'));
  }

  async unload(): Promise<void> {
    await this.carrier.unload(this.at('host'));
    const forget = 'while ip -4 rule delete pref 641 || ip -6 rule delete pref 641; do :; done 2>/dev/null';
    await this.at('host').run(['sh', '-c', forget]);
  }

  async add(list: readonly SetElement[]): Promise<void> {
    await routingRules(this.at('host'), 'add', list);
    await this.carrier.add(this.at('host'), list);
  }

  async remove(list: readonly SetElement[]): Promise<void> {
    await this.carrier.remove(this.at('host'), list);
    await routingRules(this.at('host'), 'delete', list);
  }

  /** The control of a test: a chain of ours without our rules. */
  async rewrite(chain: string, rules: Mutation = {}): Promise<void> {
    await this.carrier.rewrite(this.at('host'), chain, rules);
  }

  async bridgeNetfilter(on: 0 | 1): Promise<void> {
    await this.at('host').sysctl({
      'net.bridge.bridge-nf-call-iptables': on,
      'net.bridge.bridge-nf-call-ip6tables': on,
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.places.values()].map((place) => place.close()));
  }
}
