import test, { type ExecutionContext } from 'ava';
import type { SpliceWorker } from '../../src/services/proxy/splice-worker/splice-worker.ts';
import { newWorker } from './splice-worker.ts';

let shared: SpliceWorker | undefined;

/** Declares a serial test that gets the splice worker of its file. */
export function withWorker(title: string, body: (t: ExecutionContext, worker: SpliceWorker) => unknown): void {
  test.serial(title, async (t) => {
    shared ??= newWorker();
    await body(t, shared);
  });
}
