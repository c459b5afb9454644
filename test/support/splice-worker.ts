import type { RelayOptions } from '../../src/services/proxy/relay.ts';
import { SpliceWorker } from '../../src/services/proxy/splice-worker/splice-worker.ts';

/** Makes a worker whose thread must not die. */
export function newWorker(options: RelayOptions = {}): SpliceWorker {
  const log = (sentence: string) => {
    throw new Error(sentence);
  };
  return new SpliceWorker({ ...options, log });
}
