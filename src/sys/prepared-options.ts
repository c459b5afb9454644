/**
 * Options of sockets whose values lie ready in memory: to set one is a system call and no more.
 *
 * It can fail only where the connection is gone already, and there the next call says so.
 *
 * @see setsockopt(2)
 */
import { addressOf, type SystemCalls, systemCalls } from './system-calls.ts';

/** Level, option and value, as the kernel's headers number and lay them out. */
type Row = readonly [level: number, option: number, value: Buffer];

export class PreparedOptions<Name extends string> {
  readonly #calls: SystemCalls = systemCalls();
  readonly #addresses: Readonly<Record<Name, number>>;

  constructor(readonly rows: Readonly<Record<Name, Row>>) {
    const addresses = Object.entries<Row>(rows).map(([name, [, , value]]) => [name, addressOf(value)]);
    this.#addresses = Object.fromEntries(addresses) as Record<Name, number>;
  }

  set(fd: number, ...names: readonly Name[]): void {
    for (const name of names) {
      const [level, option, value] = this.rows[name];
      this.#calls.setsockopt(fd, level, option, this.#addresses[name], value.length);
    }
  }
}

/** Words of 32 bits, as a C structure of ints has them. */
export function words(...values: readonly number[]): Buffer {
  // A small typed array may lie in V8's heap, where things move; what an ArrayBuffer of one's own holds does not.
  const bytes = Buffer.from(new ArrayBuffer(4 * values.length));
  for (const [place, value] of values.entries()) bytes.writeUInt32LE(value, 4 * place);
  return bytes;
}
