/** DNS messages in a stream of bytes: each has two bytes before it that tell its length. @see RFC 7766 section 8 */

export function withLengthPrefix(message: Buffer): Buffer {
  const framed = Buffer.alloc(2 + message.length);
  framed.writeUInt16BE(message.length, 0);
  message.copy(framed, 2);
  return framed;
}

/** Puts messages together again. Bytes are put in a row once, when a message is complete: not whenever one arrives. */
export class TcpMessageReader {
  #parts: Buffer[] = [];
  #length = 0;
  #needed = 2;

  /** @returns the messages that are complete now */
  push(bytes: Buffer): readonly Buffer[] {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    if (this.#length < this.#needed) return [];
    const messages: Buffer[] = [];
    let rest = Buffer.concat(this.#parts);
    while (rest.length >= neededFor(rest) && rest.length >= 2) {
      messages.push(rest.subarray(2, neededFor(rest)));
      rest = rest.subarray(neededFor(rest));
    }
    this.#parts = [rest];
    this.#length = rest.length;
    this.#needed = neededFor(rest);
    return messages;
  }
}

/** How many bytes there must be for one message, as far as that is known yet. */
function neededFor(bytes: Buffer): number {
  return bytes.length < 2 ? 2 : 2 + bytes.readUInt16BE(0);
}
