/**
 * A name server at work in a network of the test's own, with dig(1) in a namespace that plays the container.
 *
 *     namespace c1            the test's own network: the machine
 *     127.0.0.11:53 ──DNAT──  127.0.0.11:61053 │ name server │ ── 203.0.113.1:53 … 203.0.113.9:53
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Socket } from 'node:net';
import { promisify } from 'node:util';
import { addNamespace, deleteNamespace, KernelNamespace, pinPath } from '../../src/kernel/namespace.ts';
import { type NameServer, NameServers, openNameServerSockets } from '../../src/services/dns/name-server.ts';
import { type Dial, dialUpstream } from '../../src/services/dns/upstream-socket.ts';
import type { Zone } from '../../src/services/dns/zone.ts';
import { connect, openStream } from '../../src/sys/inet-socket.ts';
import { ignoring } from '../../src/values/errors.ts';
import { nameServerAddress, nameServerPort } from '../../src/values/resolver.ts';
import { enterPrivateNetwork, enterPrivatePins, ip } from './private-network.ts';

const run = promisify(execFile);

export class NameServerScene {
  private constructor(
    readonly container: KernelNamespace,
    readonly server: NameServer,
    /** Each question is asked from where its server is. */
    readonly dial: Dial,
  ) {}

  static async open(zone: Zone): Promise<NameServerScene> {
    enterPrivateNetwork();
    enterPrivatePins();
    for (let last = 1; last < 10; last++) ip(`address add 203.0.113.${last}/32 dev lo`);
    addNamespace('c1');
    const container = KernelNamespace.open(pinPath('c1'));
    ip('-n c1 link set lo up');
    const sockets = container.inside(() => openNameServerSockets(nameServerPort));
    const dial: Dial = (to, protocol) =>
      to.place === 'host' ? dialUpstream(to, protocol) : container.inside(() => dialUpstream(to, protocol));
    const rules = `
      table ip names {
        chain output {
          type nat hook output priority dstnat; policy accept;
          ip daddr 127.0.0.11 udp dport 53 dnat to 127.0.0.11:${nameServerPort}
          ip daddr 127.0.0.11 tcp dport 53 dnat to 127.0.0.11:${nameServerPort}
        }
      }`;
    await run('ip', ['netns', 'exec', 'c1', 'nft', rules]);
    return new NameServerScene(container, new NameServers().serve(sockets, zone, dial), dial);
  }

  /** The lines of dig's short answer, and its status: `NOERROR 172.18.0.2`. */
  async dig(...words: readonly string[]): Promise<string> {
    return (await this.timedDig(...words)).answer;
  }

  /** The same, and how long dig waited for it: to start dig may take longer. */
  async timedDig(...words: readonly string[]): Promise<{ readonly answer: string; readonly milliseconds: number }> {
    const options = ['@127.0.0.11', '+tries=1', '+time=6', '+noall', '+comments', '+answer', '+stats'];
    const { stdout } = await run('ip', ['netns', 'exec', 'c1', 'dig', ...options, ...words]);
    const data = stdout.split('\n').filter((line) => line !== '' && !line.startsWith(';'));
    const flags = /flags: ([a-z ]+);/.exec(stdout)?.[1]?.split(' ') ?? [];
    const status = /status: (\w+)/.exec(stdout)?.[1] ?? 'none';
    const answer = [
      status,
      ...(flags.includes('tc') ? ['tc'] : []),
      ...data.map((line) => line.split(/\s+/).slice(4).join(' ')),
    ].join(' ');
    return { answer, milliseconds: Number(/^;; Query time: (\d+) msec$/m.exec(stdout)?.[1]) };
  }

  /** A connection from within the container, on the loop of the test. */
  connect(port = nameServerPort): Socket {
    return this.container.inside(() => {
      const fd = openStream(4);
      ignoring('EINPROGRESS', () => connect(fd, { address: nameServerAddress, port }));
      const socket = new Socket({ fd });
      socket.on('error', () => {});
      return socket;
    });
  }

  close(): void {
    this.server.close();
    this.container.close();
    deleteNamespace('c1');
  }
}

export function digMissing(): string | undefined {
  return existsSync('/usr/bin/dig') ? undefined : 'dig is not installed (bind9-dnsutils)';
}
