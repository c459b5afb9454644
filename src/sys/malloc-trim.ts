/**
 * The memory of a process that stays: V8 and the C library keep what they once needed, for next time.
 *
 * @see malloc_trim(3), `node --v8-options`
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { libc } from './libc.ts';

/** @returns what gives memory back that this thread and the C library no longer need: 20 ms in which nothing else is done */
export function memoryReturn(): () => void {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const trim = libc().function('int malloc_trim(size_t pad)');
  return () => {
    collectGarbage();
    trim(0);
  };
}
