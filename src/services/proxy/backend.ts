/**
 * Who carries published ports here: the engine, or Node's own sockets where the engine can't work.
 *
 * Asked once, by trying what the engine lives on. A container's seccomp profile, say, may refuse a call that the kernel has.
 */
import { endianness } from 'node:os';
import { probeEngine } from '../../sys/engine-probe.ts';
import { KernelError } from '../../values/errors.ts';
import { NodeRelays } from './fallback-relays.ts';
import type { Carrier, RelayOptions } from './relay.ts';
import { Engine } from './splice-worker/splice-worker.ts';

/** @param say is told why it is not the engine, and of an engine that died */
export function chooseCarrier(options: RelayOptions, say: (sentence: string) => void): Carrier {
  const fallback = new NodeRelays(options);
  const reason = refusal();
  if (reason === undefined) return new Engine({ ...options, fallback, say });
  say(
    `published ports are carried by Node's own sockets, which takes more processor time and leaves out SCTP: ${reason}`,
  );
  return fallback;
}

/** @returns undefined where the engine can work */
function refusal(): string | undefined {
  if (endianness() !== 'LE') return 'the engine knows little-endian machines alone';
  try {
    probeEngine();
    return undefined;
  } catch (error) {
    if (error instanceof KernelError) return error.message;
    throw error;
  }
}
