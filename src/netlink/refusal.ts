/**
 * The kernel's answer to a request that failed: an errno, and with extended ACK a sentence and a place.
 *
 * @see struct nlmsgerr and NLMSGERR_ATTR_* in linux/netlink.h
 */
import { errnoName } from '../sys/libc.ts';
import { KernelError } from '../values/errors.ts';
import { attributes } from './attributes.ts';
import { cstring, u32 } from './codec.ts';
import { control, headerLength, type RawMessage, type Request } from './message.ts';
import { align, Writer } from './writer.ts';

const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;

const extended = attributes({ sentence: [1, cstring], offset: [2, u32] });

/** Zero is an acknowledgement; anything else the negative errno. */
export function errorCode(message: RawMessage): number {
  return message.payload.readInt32LE(0);
}

/** Turns the kernel's error message into ours. `sent` is the request that it answers. */
export function refusal(message: RawMessage, sent: Request): KernelError {
  const errno = errnoName(-errorCode(message));
  if ((message.flags & NLM_F_ACK_TLVS) === 0) return new KernelError(sent.operation, errno);
  const { sentence, offset } = extended.read(message.payload.subarray(tlvStart(message)));
  return new KernelError(sent.operation, errno, sentence, offset === undefined ? undefined : attributeAt(sent, offset));
}

/**
 * Behind the error number stands our own header, and unless the answer is capped our whole message. At the end of a dump
 * (NLMSG_DONE) neither does.
 */
function tlvStart(message: RawMessage): number {
  if (message.type === control.done) return 4;
  const capped = (message.flags & NLM_F_CAPPED) !== 0;
  return 4 + align(capped ? headerLength : message.payload.readUInt32LE(4));
}

/** The name of the attribute at this offset of the message: `info.data.peer.name`. */
function attributeAt(sent: Request, offset: number): string | undefined {
  const writer = new Writer();
  sent.kind.attributes.write(writer, sent.attributes);
  const bytes = writer.buffer.subarray(0, writer.length);
  return sent.kind.attributes.locate?.(bytes, offset - headerLength - align(sent.kind.header.length));
}
