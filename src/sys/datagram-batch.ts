/**
 * Datagrams by the dozen: recvmmsg(2) and sendmmsg(2), 64 at a time.
 *
 * Theory of operation. One piece of memory has 64 places for datagrams, and around them everything that the kernel wants to
 * be told, written once:
 *
 *     fromAnyone[i] ─┐                        names[i], controls[i]: who sent it, and which address of ours was asked
 *     fromPeer[i]  ──┼─> whole[i] ──> payloads[i], 65,536 bytes
 *     onward[k]    ──┼─> filled[i] ─> payloads[i], as long as the datagram; k in the order of sending
 *     back[i]      ──┘   back's names and controls are one path for all
 *
 * The first two receive, the last two send what stands there. Between the two nothing is copied, allocated or converted.
 * Memory is taken by the page when it is first written: small datagrams cost 4 KiB a place.
 *
 * @see datagram-buffer.ts, the same one at a time; message-header.ts
 */
import type { Family } from '../values/address.ts';
import { header, packetInformation, writePointer } from './message-header.ts';
import { familyOf } from './peer-family.ts';
import { addressOf, ECONNREFUSED, lastErrno, type SystemCalls, systemCalls } from './system-calls.ts';

const AF_INET = 2;
const MSG_DONTWAIT = 0x40;

/** Datagrams of one call. */
export const batch = 64;
const payloadBytes = 65_536;
const nameBytes = 32;
/** Of a socket that speaks both families, those of IPv4 have a control message of either. */
const controlBytes = 72;
const headerBytes = 64;
const vectorBytes = 16;

const places = (bytes: number) => batch * bytes;
const at = (() => {
  let end = 0;
  const take = (bytes: number) => {
    end += bytes;
    return end - bytes;
  };
  return {
    fromAnyone: take(places(headerBytes)),
    fromPeer: take(places(headerBytes)),
    onward: take(places(headerBytes)),
    back: take(places(headerBytes)),
    whole: take(places(vectorBytes)),
    filled: take(places(vectorBytes)),
    names: take(places(nameBytes)),
    controls: take(places(controlBytes)),
    path: take(nameBytes + controlBytes),
    payloads: take(places(payloadBytes)),
  };
})();
const totalBytes = at.payloads + places(payloadBytes);

/** What tells flows apart, by words of 32 bits: client's port and address, and the address of ours; in the name, then in the control message. */
const keyWords = {
  4: { name: [0, 4], control: [20] },
  6: { name: [0, 8, 12, 16, 20, 24], control: [16, 20, 24, 28, 32] },
};

/** The way back to a client. */
export interface Path {
  readonly bytes: Buffer;
  readonly nameLength: number;
  readonly controlLength: number;
}

export class DatagramBatch {
  readonly #calls: SystemCalls = systemCalls();
  readonly #errno = lastErrno();
  readonly #memory = Buffer.from(new ArrayBuffer(totalBytes));
  readonly #view = new DataView(this.#memory.buffer);
  readonly #base = addressOf(this.#memory);
  /** Places of `fromAnyone` whose lengths the kernel has changed. */
  #used = batch;
  #refusals = 0;

  constructor() {
    for (let place = 0; place < batch; place++) this.#furnish(place);
  }

  #furnish(place: number): void {
    const whole = at.whole + place * vectorBytes;
    const filled = at.filled + place * vectorBytes;
    this.#pointer(whole, at.payloads + place * payloadBytes);
    this.#view.setUint32(whole + 8, payloadBytes, true);
    this.#pointer(filled, at.payloads + place * payloadBytes);
    for (const [headers, vector] of [
      [at.fromAnyone, whole],
      [at.fromPeer, whole],
      [at.onward, filled],
      [at.back, filled],
    ] as const) {
      this.#pointer(headers + place * headerBytes + header.vector, vector);
      this.#view.setUint32(headers + place * headerBytes + header.vectorCount, 1, true);
    }
    this.#pointer(at.fromAnyone + place * headerBytes + header.name, at.names + place * nameBytes);
    this.#pointer(at.fromAnyone + place * headerBytes + header.control, at.controls + place * controlBytes);
    this.#pointer(at.back + place * headerBytes + header.name, at.path);
    this.#pointer(at.back + place * headerBytes + header.control, at.path + nameBytes);
  }

  #pointer(where: number, target: number): void {
    writePointer(this.#view, where, this.#base + target);
  }

  /** From whoever sends to a bound socket. @returns how many; -1 if there is none or the last one's ICMP error was there */
  receive(fd: number): number {
    for (let place = 0; place < this.#used; place++) {
      const where = at.fromAnyone + place * headerBytes;
      this.#view.setUint32(where + header.nameLength, nameBytes, true);
      this.#view.setUint32(where + header.controlLength, controlBytes, true);
    }
    const count = this.#calls.recvmmsg(fd, this.#base + at.fromAnyone, batch, MSG_DONTWAIT, 0);
    this.#used = Math.max(count, 0);
    for (let place = 0; place < count; place++) this.#normalise(place);
    return count;
  }

  /** From the peer of a connected socket. */
  receiveFromPeer(fd: number): number {
    const count = this.#calls.recvmmsg(fd, this.#base + at.fromPeer, batch, MSG_DONTWAIT, 0);
    if (count < 0) this.#failed();
    return count;
  }

  /** How often since it was last asked a peer has said that nobody listens there. */
  takeRefusals(): number {
    const refusals = this.#refusals;
    this.#refusals = 0;
    return refusals;
  }

  #failed(): void {
    if (this.#errno() === ECONNREFUSED) this.#refusals++;
  }

  /** Bytes of the datagram at a place, as received from anyone. */
  length(place: number): number {
    return this.#view.getUint32(at.fromAnyone + place * headerBytes + header.bytes, true);
  }

  lengthFromPeer(place: number): number {
    return this.#view.getUint32(at.fromPeer + place * headerBytes + header.bytes, true);
  }

  /** Puts the datagram at `place` into the line of those that are to be sent on, as number `position`. */
  lineUp(position: number, place: number): void {
    this.#pointer(at.onward + position * headerBytes + header.vector, at.filled + place * vectorBytes);
    this.#view.setUint32(at.filled + place * vectorBytes + 8, this.length(place), true);
  }

  /** Sends `count` datagrams of the line to the peer of a connected socket. @returns how many arrived in its queue */
  sendOn(fd: number, count: number): number {
    return this.#send(fd, at.onward, count);
  }

  /** Sends the first `count` datagrams that came from the peer along a path. @returns how many arrived in the queue */
  sendBack(fd: number, count: number, path: Path): number {
    this.#memory.set(path.bytes, at.path);
    for (let place = 0; place < count; place++) {
      const where = at.back + place * headerBytes;
      this.#view.setUint32(where + header.nameLength, path.nameLength, true);
      this.#view.setUint32(where + header.controlLength, path.controlLength, true);
      this.#view.setUint32(at.filled + place * vectorBytes + 8, this.lengthFromPeer(place), true);
    }
    return this.#send(fd, at.back, count);
  }

  /**
   * An error may be of an earlier datagram (ICMP), and is taken away by the attempt; so each is tried twice, and then given
   * up: it is lost, as datagrams are.
   */
  #send(fd: number, headers: number, count: number): number {
    let sent = 0;
    let attempts = 0;
    for (let place = 0; place < count; ) {
      const more = this.#calls.sendmmsg(fd, this.#base + headers + place * headerBytes, count - place, MSG_DONTWAIT);
      if (more > 0) {
        sent += more;
        place += more;
        attempts = 0;
        continue;
      }
      this.#failed();
      if (++attempts === 2) {
        place++;
        attempts = 0;
      }
    }
    return sent;
  }

  /** A number for who sent the datagram at `place` and what it asked: equal for equal pairs, and seldom for others. */
  hash(place: number, seed: number): number {
    let hash = seed;
    const { name, control } = this.#keyWords(place);
    for (const word of name) hash = mix(hash, this.#view.getInt32(at.names + place * nameBytes + word, true));
    for (const word of control) hash = mix(hash, this.#view.getInt32(at.controls + place * controlBytes + word, true));
    return hash;
  }

  /** Would an answer along this path come to who sent the datagram at `place`, from the address that it asked? */
  leadsBack(place: number, path: Path): boolean {
    const { name, control } = this.#keyWords(place);
    for (const word of name) {
      if (this.#view.getInt32(at.names + place * nameBytes + word, true) !== path.bytes.readInt32LE(word)) return false;
    }
    for (const word of control) {
      const asked = this.#view.getInt32(at.controls + place * controlBytes + word, true);
      if (asked !== path.bytes.readInt32LE(nameBytes + word)) return false;
    }
    return true;
  }

  /** By which family the datagram at `place` came. */
  family(place: number): Family {
    return familyOf(this.#memory, at.names + place * nameBytes);
  }

  /** The way back for the datagram at `place`, in memory of its own. */
  path(place: number): Path {
    const where = at.fromAnyone + place * headerBytes;
    const bytes = Buffer.alloc(nameBytes + controlBytes);
    this.#memory.copy(bytes, 0, at.names + place * nameBytes, at.names + (place + 1) * nameBytes);
    this.#memory.copy(bytes, nameBytes, at.controls + place * controlBytes, at.controls + (place + 1) * controlBytes);
    return {
      bytes,
      nameLength: this.#view.getUint32(where + header.nameLength, true),
      controlLength: this.#view.getUint32(where + header.controlLength, true),
    };
  }

  #keyWords(place: number): (typeof keyWords)[4] {
    return this.#view.getUint16(at.names + place * nameBytes, true) === AF_INET ? keyWords[4] : keyWords[6];
  }

  /**
   * Leaves of the control message what the answer needs: the local address, and no interface, since the way back is the
   * routing table's affair. Only a link-local address means nothing without its interface. `local4` and `header4` differ
   * for a broadcast, which can be asked and can't answer. A socket of both families tells of IPv4 in both ways, and takes
   * the address that may answer in the one of IPv6.
   */
  #normalise(place: number): void {
    const control = at.controls + place * controlBytes;
    if (this.#view.getUint16(at.names + place * nameBytes, true) === AF_INET) {
      this.#view.setUint32(control + packetInformation.interface4, 0, true);
      this.#view.setUint32(
        control + packetInformation.header4,
        this.#view.getUint32(control + packetInformation.local4, true),
        true,
      );
      return;
    }
    const lengthAt = at.fromAnyone + place * headerBytes + header.controlLength;
    if (this.#view.getUint32(lengthAt, true) > packetInformation.second) {
      const local4 = this.#view.getUint32(control + packetInformation.second + packetInformation.local4, true);
      this.#view.setUint32(control + packetInformation.address6 + 12, local4, true);
      this.#view.setUint32(lengthAt, packetInformation.second, true);
    }
    const linkLocal = (this.#view.getUint16(control + packetInformation.address6, false) & 0xffc0) === 0xfe80;
    if (!linkLocal) this.#view.setUint32(control + packetInformation.interface6, 0, true);
  }
}

/** A step of MurmurHash3. */
function mix(hash: number, word: number): number {
  const scrambled = Math.imul(word, 0xcc9e2d51);
  const mixed = hash ^ Math.imul((scrambled << 15) | (scrambled >>> 17), 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}
