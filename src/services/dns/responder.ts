/** The name server of one container without its sockets: answers names of the container's networks, and forwards other queries. */
import { formatAddress } from '../../values/address.ts';
import { AnswerCache, LocalAnswerCache } from './cache.ts';
import { capTtls, egressOpeningsFor, isDeniedAnswer, type OpenEgress, readAnswerAddresses } from './egress-opening.ts';
import { adaptAnswer, encodeAnswer, encodeError, type RecordData } from './encode-answer.ts';
import { type Explanation, explainAnswer, reachableUpstreams } from './explain.ts';
import { Forwarder } from './forwarder.ts';
import { type Query, readQuery, responseCode, udpPayloadLimit } from './message.ts';
import type { FanoutOptions } from './query-fanout.ts';
import { type Protocol, UpstreamServer } from './upstream.ts';
import type { Zone } from './zone.ts';

const maxTcpMessageBytes = 0xffff;

export interface ResponderOptions extends FanoutOptions {
  /** Opens the addresses of answers for networks with an egress policy. Default: none open. */
  readonly openEgress?: OpenEgress;
}

type Failure = 'refused' | 'serverFailure' | 'nxDomain';

export class Responder {
  #zone: Zone;
  #forwarder: Forwarder;
  readonly #localAnswers = new LocalAnswerCache();
  #isOpen = true;

  constructor(
    zone: Zone,
    readonly options: ResponderOptions,
  ) {
    this.#zone = zone;
    this.#forwarder = this.#forwarderFor(zone);
  }

  /** Queries that wait for an upstream answer. */
  get pendingCount(): number {
    return this.#forwarder.pendingCount;
  }

  /** Replaces the zone. A change of upstream servers clears the cache, and sends pending queries again under the new rules. */
  updateZone(zone: Zone): void {
    const before = this.#zone;
    this.#zone = zone;
    this.#localAnswers.clear();
    if (hasSameUpstreams(before, zone)) return;
    const forwarder = this.#forwarder;
    this.#forwarder = this.#forwarderFor(zone);
    forwarder.close();
  }

  close(): void {
    this.#isOpen = false;
    this.#forwarder.close();
  }

  /**
   * Answers a client's message.
   *
   * @param message may be overwritten after the return
   * @param reply called once, now or before the deadline of upstream queries
   * @returns false for a message that is not a query and gets no reply
   */
  respond(message: Buffer, protocol: Protocol, reply: (answer: Buffer) => void): boolean {
    const stored = protocol === 'udp' ? this.#localAnswers.get(message) : undefined;
    if (stored !== undefined) {
      reply(stored);
      return true;
    }
    const query = readQuery(message);
    if (query === undefined) return false;
    if (typeof query === 'number') reply(encodeError(message, query));
    else this.#answer(message, query, protocol, reply);
    return true;
  }

  #answer(message: Buffer, query: Query, protocol: Protocol, reply: (answer: Buffer) => void): void {
    const limit = protocol === 'udp' ? udpPayloadLimit(query) : maxTcpMessageBytes;
    const explanation = explainAnswer(this.#zone, query.question);
    if (explanation.by === 'upstream') {
      this.#forward(message, query, { protocol, limit }, reply);
      return;
    }
    const answer = encodeAnswer(message, query, { ...this.#localAnswer(explanation), limit });
    if (protocol === 'udp' && query.isPlain && isConstant(explanation)) this.#localAnswers.put(message, answer);
    reply(answer);
  }

  #localAnswer(explanation: Exclude<Explanation, { by: 'upstream' }>): Parameters<typeof encodeAnswer>[2] {
    if (explanation.by === 'nobody') return { code: responseCode.serverFailure };
    if (explanation.by === 'silence') return { code: emptyAnswerCodes[explanation.because] };
    return { code: responseCode.noError, records: shuffled(explanation.records) };
  }

  #forward(
    message: Buffer,
    query: Query,
    { protocol, limit }: { readonly protocol: Protocol; readonly limit: number },
    reply: (answer: Buffer) => void,
  ): void {
    const copy = Buffer.from(message);
    const give = (answer: Buffer | Failure) => {
      if (Buffer.isBuffer(answer)) reply(adaptAnswer(answer, copy, query, limit));
      else reply(encodeAnswer(copy, query, { code: responseCode[answer], limit }));
    };
    this.#forwarder.forward(copy, query, protocol, (answer) => {
      if (!this.#isOpen) return;
      if (answer === 'closed') this.#answer(copy, query, protocol, reply);
      else if (typeof answer === 'string') give(answer);
      else this.#applyEgress(answer, query, give);
    });
  }

  /** Gives an upstream answer when its addresses are open, and NXDOMAIN for an answer with a denied name. */
  #applyEgress(answer: Buffer, { question, end }: Query, give: (answer: Buffer | Failure) => void): void {
    if (this.#zone.egressNetworks.every(({ egress }) => egress === undefined)) {
      give(answer);
      return;
    }
    const found = readAnswerAddresses(answer, question, end);
    if (isDeniedAnswer(this.#zone, found)) {
      give('nxDomain');
      return;
    }
    const opening = this.options.openEgress?.(egressOpeningsFor(this.#zone, found));
    if (opening === undefined) give(capTtls(answer, found));
    else
      opening.then(
        () => give(capTtls(answer, found)),
        () => give('serverFailure'),
      );
  }

  #forwarderFor(zone: Zone): Forwarder {
    const { clock } = this.options;
    const servers = reachableUpstreams(zone).map((upstream) => new UpstreamServer(upstream));
    return new Forwarder(servers, { ...this.options, cache: new AnswerCache({ now: () => clock.now() }) });
  }
}

const { noError, nxDomain } = responseCode;
const emptyAnswerCodes = { elsewhere: noError, ndots: noError, absent: nxDomain, egress: nxDomain } as const;

/** Do both zones have the same upstream servers in the same order, with or without an external network? */
function hasSameUpstreams(a: Zone, b: Zone): boolean {
  const [before, after] = [a, b].map((zone) => {
    const servers = reachableUpstreams(zone).map(({ address, place }) => `${place} ${formatAddress(address)}`);
    return [zone.hasExternalNetwork, ...servers].join();
  });
  return before === after;
}

/** Does the answer have a constant order of records? */
function isConstant(explanation: Explanation): boolean {
  return explanation.by !== 'network' || explanation.records.length < 2;
}

/** Returns the records in random order, to distribute clients over the containers of a shared name. */
function shuffled(records: readonly RecordData[]): readonly RecordData[] {
  if (records.length < 2) return records;
  const keyed = records.map((record) => ({ record, key: Math.random() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ record }) => record);
}
