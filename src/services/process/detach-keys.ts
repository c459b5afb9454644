/**
 * The keys that leave a container's terminal without ending the container.
 *
 * conmon passes every byte on to the container, so the keys are found here, in what the person types, before it is sent.
 * Bytes that may be the beginning of the sequence are held back until the next one decides; if it was not the sequence
 * after all, they are delivered: with the default `ctrl-p,ctrl-q`, a ctrl-p reaches the shell with the key after it.
 */
import { GangwayError } from '../../values/errors.ts';

const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q';

const DELETE = 0x7f;
const grammar = 'write a letter, or ctrl- and one of a-z @ [ \\ ] ^ _, several with commas between: ctrl-p,ctrl-q';

/**
 * Bytes of docker's notation: `ctrl-p,ctrl-q`, `ctrl-@`, `a`, `DEL`.
 *
 * @throws GangwayError invalid-option
 */
export function parseDetachKeys(text: string): Buffer {
  return Buffer.from(
    text.split(',').map((key) => {
      const byte = keyByte(key);
      if (byte !== undefined) return byte;
      throw new GangwayError('invalid-option', `invalid detach keys ${JSON.stringify(text)}`, { hint: grammar });
    }),
  );
}

/** A control key is its letter without the upper three bits: `@` (0x40) gives 0, `a` (0x61) gives 1, `_` (0x5f) 31. */
function keyByte(key: string): number | undefined {
  if (key === 'DEL') return DELETE;
  const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
  if (control !== undefined) return control.toUpperCase().charCodeAt(0) & 0x1f;
  return /^[\x20-\x7e]$/.test(key) ? key.charCodeAt(0) : undefined;
}

/** Looks for one sequence in the bytes of one session. */
export class DetachKeys {
  readonly #keys: Buffer;
  #held = 0;

  /** @throws GangwayError invalid-option */
  constructor(notation = DEFAULT_DETACH_KEYS) {
    this.#keys = parseDetachKeys(notation);
  }

  /**
   * What of the typed bytes is for the container, and whether the sequence is complete. What comes after it is dropped.
   */
  filter(typed: Buffer): { readonly deliver: Buffer; readonly detached: boolean } {
    const bytes = Buffer.concat([this.#keys.subarray(0, this.#held), typed]);
    const found = bytes.indexOf(this.#keys);
    if (found >= 0) return { deliver: bytes.subarray(0, found), detached: true };
    this.#held = this.#beginningAtEndOf(bytes);
    return { deliver: bytes.subarray(0, bytes.length - this.#held), detached: false };
  }

  /** How many bytes at the end may turn out to be the beginning of the sequence. */
  #beginningAtEndOf(bytes: Buffer): number {
    for (let length = Math.min(this.#keys.length - 1, bytes.length); length > 0; length--) {
      if (bytes.subarray(-length).equals(this.#keys.subarray(0, length))) return length;
    }
    return 0;
  }
}
