/**
 * The C library, reached through koffi. This folder is the only one that knows about C.
 *
 * koffi is loaded on the first call and not before: `gangway network ls` needs no system call that Node lacks, and
 * loading the library is a third of its start. Each function of this folder declares the C prototypes that it uses.
 *
 * Everything is called synchronously, on the main thread or on that of the proxy's engine. A call through koffi's `.async`
 * runs on a thread of libuv's pool, and a pool thread that is born inside another network namespace stays there for ever.
 */
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { KernelError } from '../values/errors.ts';

type Koffi = typeof import('koffi');
type Native = (...parameters: readonly unknown[]) => number;

interface Libc {
  readonly koffi: Koffi;
  /** A function of libc by its C prototype, `int setns(int, int)`. Repeated calls give the same function. */
  function(prototype: string): Native;
}

const require = createRequire(import.meta.url);
const names = new Map(Object.entries(constants.errno).map(([name, number]) => [number as number, name]));
/** Where two names share a number, errno(3) and strerror(3) speak of these. */
names.set(constants.errno.EAGAIN, 'EAGAIN').set(constants.errno.EOPNOTSUPP, 'EOPNOTSUPP');

/** The C name of an error number: 17 is `EEXIST`. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `E${errno}`;
}

let loaded: Libc | undefined;

/** The library, opened once per process: a handle to code, and so no state. */
export function libc(): Libc {
  loaded ??= open();
  return loaded;
}

function open(): Libc {
  const koffi = require('koffi') as Koffi;
  const library = koffi.load(null);
  const functions = new Map<string, Native>();
  return {
    koffi,
    function(prototype) {
      let found = functions.get(prototype);
      if (found === undefined) {
        found = library.func(prototype) as unknown as Native;
        functions.set(prototype, found);
      }
      return found;
    },
  };
}

/**
 * Calls a function of libc that answers -1 and sets errno when it fails.
 *
 * @param operation what is attempted, for the error: `setns to /run/netns/c1`
 * @throws KernelError with the errno
 */
export function call(operation: string, prototype: string, ...parameters: readonly unknown[]): number {
  const { koffi } = libc();
  const result = libc().function(prototype)(...parameters);
  if (result === -1) throw new KernelError(operation, errnoName(koffi.errno()));
  return result;
}
