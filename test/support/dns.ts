/** A name server's surroundings, without a network: a clock that the test winds, and servers that say what it wants. */
import { decode, encode, type Packet, RECURSION_DESIRED } from 'dns-packet';
import type { Clock } from '../../src/services/dns/query-fanout.ts';
import type { Protocol, QueryResult, SendQuery } from '../../src/services/dns/upstream.ts';
import { type EgressNetwork, type NameTable, nameTable, type Zone } from '../../src/services/dns/zone.ts';
import { formatAddress, parseAddress } from '../../src/values/address.ts';
import type { Upstream } from '../../src/values/resolver.ts';

export class FakeClock implements Clock {
  #now = 0;
  #actions: { at: number; action: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, action: () => void): () => void {
    const entry = { at: this.#now + milliseconds, action };
    this.#actions.push(entry);
    return () => {
      this.#actions = this.#actions.filter((other) => other !== entry);
    };
  }

  /** Lets time pass, and what was to happen in it happen. */
  wind(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const [next] = this.#actions.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#actions = this.#actions.filter((other) => other !== next);
      this.#now = next.at;
      next.action();
    }
    this.#now = end;
  }
}

/** One question that was sent to a server, and what the server may say. */
export interface Asked {
  readonly server: string;
  readonly place: Upstream['place'];
  readonly protocol: Protocol;
  readonly query: Buffer;
  readonly at: number;
  cancelled: boolean;
  report(outcome: QueryResult): void;
  answer(packet: Packet): void;
}

export class FakeServers {
  readonly asked: Asked[] = [];
  constructor(readonly clock: Clock) {}

  readonly ask: SendQuery = (upstream, protocol, query, report) => {
    const asked: Asked = {
      server: formatAddress(upstream.address),
      place: upstream.place,
      protocol,
      query,
      at: this.clock.now(),
      cancelled: false,
      report,
      answer: (packet) => report({ kind: 'answer', message: answerTo(query, packet) }),
    };
    this.asked.push(asked);
    return () => {
      asked.cancelled = true;
    };
  };

  /** `1@0` is the server that ends in .1, asked at the beginning. */
  get log(): readonly string[] {
    return this.asked.map(
      ({ server, protocol, at }) => `${server.split('.').at(-1)}${protocol === 'tcp' ? 't' : ''}@${at}`,
    );
  }

  last(): Asked {
    const asked = this.asked.at(-1);
    if (asked === undefined) throw new Error('nobody was asked');
    return asked;
  }
}

/** @param flags those of the answer, its code included */
export function answerTo(query: Buffer, { flags = 0, ...packet }: Packet): Buffer {
  const { id, questions } = decode(query);
  return encode({ type: 'response', id: id ?? 0, flags: 0x8180 | flags, questions: questions ?? [], ...packet });
}

export function question(name: string, type = 'A', more: Packet = {}): Buffer {
  return encode({
    type: 'query',
    id: 4711,
    flags: RECURSION_DESIRED,
    questions: [{ name, type: type as 'A', class: 'IN' }],
    ...more,
  });
}

export function upstream(address: string, place: Upstream['place'] = 'host'): Upstream {
  return { address: parseAddress(address), place };
}

/** `{ web: ['172.18.0.2'], 'db alias': […] }`: a container by its names. */
export function table(network: string, members: Readonly<Record<string, readonly string[]>>): NameTable {
  return nameTable(
    network,
    Object.entries(members).map(([names, addresses]) => ({
      names: names.split(' '),
      addresses: addresses.map(parseAddress),
    })),
  );
}

/** A network out of which everything is let. */
export const plainExit: EgressNetwork = { id: '0123456789ab', network: 'front', link: 'br-front' };

export function zone(own: readonly NameTable[], more: Partial<Zone> = {}): Zone {
  return {
    networks: own.map((each) => ({ table: each, links: new Map() })),
    hostTables: own,
    hasExternalNetwork: true,
    egressNetworks: [],
    upstreams: [upstream('203.0.113.1')],
    ndots: 0,
    ...more,
  };
}
