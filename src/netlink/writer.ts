/**
 * A buffer that grows, and the alignment of netlink: everything begins at a multiple of four bytes.
 *
 * One writer serves a connection for its whole life: filling the same four kilobytes again is several times cheaper
 * than allocating them.
 */

/** NLMSG_ALIGN and NLA_ALIGN of linux/netlink.h. */
export function align(length: number): number {
  return (length + 3) & ~3;
}

export class Writer {
  buffer = Buffer.alloc(4096);
  length = 0;

  /** Forgets what was written; the memory stays. */
  clear(): void {
    this.length = 0;
  }

  u8(value: number): void {
    this.#room(1);
    this.buffer[this.length++] = value;
  }

  u16(value: number): void {
    this.#room(2);
    this.length = this.buffer.writeUInt16LE(value, this.length);
  }

  u32(value: number): void {
    this.#room(4);
    this.length = this.buffer.writeUInt32LE(value >>> 0, this.length);
  }

  bytes(value: Uint8Array): void {
    this.#room(value.length);
    this.buffer.set(value, this.length);
    this.length += value.length;
  }

  string(value: string): void {
    this.#room(Buffer.byteLength(value) + 1);
    this.length += this.buffer.write(value, this.length);
    this.u8(0);
  }

  zeros(count: number): void {
    this.#room(count);
    this.buffer.fill(0, this.length, this.length + count);
    this.length += count;
  }

  /** Pads to the next multiple of four. */
  pad(): void {
    this.zeros(align(this.length) - this.length);
  }

  #room(count: number): void {
    if (this.length + count <= this.buffer.length) return;
    const larger = Buffer.alloc(Math.max(this.buffer.length * 2, this.length + count));
    this.buffer.copy(larger, 0, 0, this.length);
    this.buffer = larger;
  }
}
