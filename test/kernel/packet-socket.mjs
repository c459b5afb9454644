// Frames as they are, past the stack of the namespace that one is in: packet(7).
import { spawnSync } from 'node:child_process';
import { closeSync } from 'node:fs';
import koffi from 'koffi';

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x80000;
const ETH_P_ALL = 3;
const MSG_DONTWAIT = 0x40;

const libc = koffi.load(null);
const socket = libc.func('int socket(int family, int type, int protocol)');
const bind = libc.func('int bind(int fd, const void *address, uint32_t length)');
const send = libc.func('int64_t send(int fd, const void *bytes, size_t length, int flags)');
const recv = libc.func('int64_t recv(int fd, void *bytes, size_t length, int flags)');

/** A socket that is bound to a link. */
export class PacketSocket {
  #buffer = Buffer.alloc(65536);

  /** @param hears everything that comes by, or nothing */
  constructor(link, hears) {
    this.fd = check('socket', socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    // struct sockaddr_ll
    const address = Buffer.alloc(20);
    address.writeUInt16LE(AF_PACKET, 0);
    address.writeUInt16BE(hears ? ETH_P_ALL : 0, 2);
    address.writeInt32LE(indexOf(link), 4);
    check('bind', bind(this.fd, address, address.length));
  }

  send(frame) {
    check('send', send(this.fd, frame, frame.length, 0));
  }

  close() {
    closeSync(this.fd);
  }

  /** What has come since. */
  receive() {
    const frames = [];
    for (;;) {
      const length = recv(this.fd, this.#buffer, this.#buffer.length, MSG_DONTWAIT);
      if (length < 0) return frames;
      frames.push(Buffer.from(this.#buffer.subarray(0, Number(length))));
    }
  }
}

function indexOf(link) {
  return JSON.parse(spawnSync('ip', ['-j', 'link', 'show', 'dev', link], { encoding: 'utf8' }).stdout)[0].ifindex;
}

function check(what, result) {
  if (result < 0) throw new Error(`${what}: errno ${koffi.errno()}`);
  return result;
}
