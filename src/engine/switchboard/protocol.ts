/**
 * What the switchboard and its clients say to each other: one JSON object a line, over a Unix socket, a question and
 * its answer at a time.
 *
 *     > {"version":10,"request":"reserve","publication":{"owner":"5e26…","name":"web","forwards":[…]}}
 *     < {"ok":true}
 *
 * Addresses travel as text. Both ends are gangway, but an older one may still be running, so every question carries
 * the version.
 */

import { formatAddress, parseAddress, parsePrefix } from '../../values/address.ts';
import { type ErrorCode, GangwayError, messageOf } from '../../values/errors.ts';
import { encodeForwards, type ForwardSet, type WireForwards } from '../../values/forward-set.ts';
import { present } from '../../values/present.ts';
import type { HookStatus, RelayTraffic } from '../results.ts';

export const protocolVersion = 10;

/** Everything that one container publishes. */
export interface Publication {
  /** The container's id. */
  readonly owner: string;
  /** The container's name, for messages. */
  readonly name: string;
  readonly forwards: readonly ForwardSet[];
}

export type Request =
  | { readonly request: 'hello' | 'refresh' | 'status' | 'counts' | 'stand-ins' }
  /** Is there room for so many more? */
  | { readonly request: 'room'; readonly sockets: number }
  | { readonly request: 'reserve' | 'keep'; readonly publication: WirePublication }
  /** A container's record as it will be written. */
  | { readonly request: 'attend'; readonly record: string }
  | { readonly request: 'serve' | 'withdraw'; readonly owner: string };

export type Question = Request & { readonly version: number };

export type Answer =
  | { readonly ok: true; readonly status?: SwitchboardStatus; readonly counts?: readonly WireCounts[] }
  | { readonly ok: false; readonly error: WireError };

interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly subject?: string;
}

interface WireCounts extends Omit<RelayTraffic, 'hostAddress'> {
  readonly hostAddress: string;
}

interface WirePublication {
  readonly owner: string;
  readonly name: string;
  readonly forwards: readonly WireForwards[];
}

/** What the switchboard is doing, as `status` answers it. */
export interface SwitchboardStatus {
  readonly pid: number;
  readonly owners: readonly OwnerStatus[];
  readonly names: readonly NameStatus[];
  readonly hook: HookStatus;
}

/** A container's name server. */
export interface NameStatus {
  readonly owner: string;
  readonly name: string;
  /** Why there is none, although the records want one. */
  readonly reason?: string;
}

export interface OwnerStatus {
  readonly owner: string;
  readonly name: string;
  /**
   * `reserved`: bound, and nobody is let in yet. `failed`: the records want these ports served, but one of them was
   * taken by somebody else while no switchboard ran; `reason` says by whom. What was served before goes on, and nothing of
   * the rest is served.
   */
  readonly state: 'reserved' | 'serving' | 'failed';
  readonly reason?: string;
  /** `0.0.0.0:8080/tcp` */
  readonly ports: readonly string[];
  /** Connections and UDP flows that are being served. */
  readonly clients: number;
}

export function encodePublication({ owner, name, forwards }: Publication): WirePublication {
  return { owner, name, forwards: forwards.map(encodeForwards) };
}

/** @throws GangwayError invalid-address */
export function decodePublication({ owner, name, forwards }: WirePublication): Publication {
  return {
    owner,
    name,
    forwards: forwards.map(({ hostAddress, target, near, ...rest }) => ({
      ...rest,
      hostAddress: parseAddress(hostAddress),
      target: parseAddress(target),
      ...present({ near: near?.map(parsePrefix) }),
    })),
  };
}

export function encodeCounts(relays: readonly RelayTraffic[]): readonly WireCounts[] {
  return relays.map((relay) => ({ ...relay, hostAddress: formatAddress(relay.hostAddress) }));
}

export function decodeCounts(wire: readonly WireCounts[]): readonly RelayTraffic[] {
  return wire.map((relay) => ({ ...relay, hostAddress: parseAddress(relay.hostAddress) }));
}

/** Errors keep their code, hint and subject on the way; what is no GangwayError becomes the switchboard's own failure. */
export function encodeError(error: unknown): WireError {
  if (error instanceof GangwayError) {
    const { code, message, hint, subject } = error;
    return { code, message, ...present({ hint, subject }) };
  }
  return { code: 'program-failed', message: `switchboard: ${messageOf(error)}` };
}

export function decodeError({ code, message, ...rest }: WireError): GangwayError {
  return new GangwayError(code, message, rest);
}
