/**
 * The name server of one container, without its sockets: a message in, a message out.
 *
 * What the container's networks know is answered at once. Everything else goes to the forwarder, which answers in its
 * time. The zone may change at any moment; where the way out changes with it, what is on its way is asked again by the new
 * rules, and nothing more by the old ones.
 */
import { sameAddress } from '../../values/address.ts';
import { readAnswerAddresses } from './answer-addresses.ts';
import { AnswerCache } from './cache.ts';
import { capTtls, egressOpeningsFor, isDeniedAnswer, type OpenEgress } from './egress-opening.ts';
import { adaptAnswer, encodeAnswer, encodeError, type RecordData } from './encode-answer.ts';
import { type Explanation, explainAnswer, reachableUpstreams } from './explain.ts';
import { Forwarder } from './forwarder.ts';
import { LocalAnswerCache } from './local-answer-cache.ts';
import { type Query, type Question, readQuery, responseCode, udpPayloadLimit } from './message.ts';
import type { FanoutOptions } from './query-fanout.ts';
import { UpstreamServer } from './upstream.ts';
import type { Protocol } from './upstream-query.ts';
import type { Zone } from './zone.ts';

/** Two bytes tell a message's length there. */
const longestByStream = 0xffff;

export interface ResponderOptions extends FanoutOptions {
  /** A number from 0 to below 1. Default: Math.random. */
  readonly random?: () => number;
  /** What opens addresses to a network that is let speak to names. Default: nothing does. */
  readonly openEgress?: OpenEgress;
}

export class Responder {
  #zone: Zone;
  #forwarder: Forwarder;
  readonly #ready = new LocalAnswerCache();
  #open = true;

  constructor(
    zone: Zone,
    readonly options: ResponderOptions,
  ) {
    this.#zone = zone;
    this.#forwarder = this.#forwarderFor(zone);
  }

  /** Questions that wait for an answer from outside. */
  get pendingCount(): number {
    return this.#forwarder.pendingCount;
  }

  /**
   * Answers by another zone from now on. Where the way out has changed, nothing is remembered of what was heard before: the
   * other way may lead to other answers.
   */
  updateZone(zone: Zone): void {
    const before = this.#zone;
    this.#zone = zone;
    this.#ready.clear();
    if (sameWayOut(before, zone)) return;
    const forwarder = this.#forwarder;
    this.#forwarder = this.#forwarderFor(zone);
    forwarder.close();
  }

  /** Who would answer this question, and why. */
  explain(question: Question): Explanation {
    return explainAnswer(this.#zone, question);
  }

  /** Asks and answers nothing any more. */
  close(): void {
    this.#open = false;
    this.#forwarder.close();
  }

  /**
   * @param message a client's; it may be overwritten once this has returned
   * @param reply called once, now or within the patience that is had with servers
   * @returns false where the message was no question: then there is no reply
   */
  respond(message: Buffer, protocol: Protocol, reply: (answer: Buffer) => void): boolean {
    const ready = protocol === 'udp' ? this.#ready.get(message) : undefined;
    if (ready !== undefined) {
      reply(ready);
      return true;
    }
    const query = readQuery(message);
    if (query === undefined) return false;
    if (typeof query === 'number') reply(encodeError(message, query));
    else this.#answer(message, query, protocol, reply);
    return true;
  }

  #answer(message: Buffer, query: Query, protocol: Protocol, reply: (answer: Buffer) => void): void {
    const limit = protocol === 'udp' ? udpPayloadLimit(query) : longestByStream;
    const explanation = this.explain(query.question);
    if (explanation.by === 'upstream') {
      this.#forward(message, query, { protocol, limit }, reply);
      return;
    }
    const answer = encodeAnswer(message, query, { ...this.#local(explanation), limit });
    if (protocol === 'udp' && query.isPlain && isAlwaysTheSame(explanation)) this.#ready.put(message, answer);
    reply(answer);
  }

  #local(explanation: Exclude<Explanation, { by: 'upstream' }>): Parameters<typeof encodeAnswer>[2] {
    if (explanation.by === 'nobody') return { code: responseCode.serverFailure };
    if (explanation.by === 'silence') return { code: silences[explanation.because] };
    return { code: responseCode.noError, records: shuffled(explanation.records, this.options.random ?? Math.random) };
  }

  #forward(
    message: Buffer,
    query: Query,
    { protocol, limit }: { readonly protocol: Protocol; readonly limit: number },
    reply: (answer: Buffer) => void,
  ): void {
    const kept = Buffer.from(message);
    this.#forwarder.forward(kept, query, protocol, (answer) => {
      if (!this.#open) return;
      if (answer === 'closed') this.#answer(kept, query, protocol, reply);
      else if (typeof answer === 'string') reply(encodeAnswer(kept, query, { code: responseCode[answer], limit }));
      else
        this.#pass(answer, query, (passed) => {
          if (Buffer.isBuffer(passed)) reply(adaptAnswer(passed, kept, query, limit));
          else reply(encodeAnswer(kept, query, { code: responseCode[passed], limit }));
        });
    });
  }

  /** An answer of the world is handed out when the addresses in it are open, and not at all where it leads to what is denied. */
  #pass(answer: Buffer, { question, end }: Query, give: (passed: Buffer | 'serverFailure' | 'nxDomain') => void): void {
    const { openEgress: open } = this.options;
    if (this.#zone.egressNetworks.every(({ egress }) => egress === undefined)) {
      give(answer);
      return;
    }
    const told = readAnswerAddresses(answer, question, end);
    if (isDeniedAnswer(this.#zone, told)) {
      give('nxDomain');
      return;
    }
    const opening = open?.(egressOpeningsFor(this.#zone, told));
    if (opening === undefined) give(capTtls(answer, told));
    else
      opening.then(
        () => give(capTtls(answer, told)),
        () => give('serverFailure'),
      );
  }

  #forwarderFor(zone: Zone): Forwarder {
    const { clock } = this.options;
    const servers = reachableUpstreams(zone).map((upstream) => new UpstreamServer(upstream));
    return new Forwarder(servers, { ...this.options, cache: new AnswerCache({ now: () => clock.now() }) });
  }
}

const silences = {
  elsewhere: responseCode.noError,
  ndots: responseCode.noError,
  absent: responseCode.nxDomain,
  egress: responseCode.nxDomain,
} as const;

/** The servers in their order, and whether the world begins behind them or only an internal network. */
function sameWayOut(a: Zone, b: Zone): boolean {
  const [before, after] = [reachableUpstreams(a), reachableUpstreams(b)];
  return (
    a.hasExternalNetwork === b.hasExternalNetwork &&
    before.length === after.length &&
    before.every(({ address, place }, index) => {
      const other = after[index];
      return other !== undefined && other.place === place && sameAddress(other.address, address);
    })
  );
}

/** Several records come in another order each time. */
function isAlwaysTheSame(explanation: Explanation): boolean {
  return explanation.by !== 'network' || explanation.records.length < 2;
}

/** In an order of chance, so that containers which share a name share the work. */
function shuffled(records: readonly RecordData[], random: () => number): readonly RecordData[] {
  if (records.length < 2) return records;
  const mixed = [...records];
  for (let last = mixed.length - 1; last > 0; last--) {
    const chosen = Math.floor(random() * (last + 1));
    const [a, b] = [mixed[last], mixed[chosen]];
    if (a === undefined || b === undefined) continue;
    mixed[last] = b;
    mixed[chosen] = a;
  }
  return mixed;
}
