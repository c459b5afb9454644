/**
 * Where a member of one of the kernel's own structs lies, which each kernel says of itself.
 *
 *     bpftool btf dump file /sys/kernel/btf/vmlinux format c
 *
 * The file is a list of types, a third of a million lines of C; what is behind each of them depends on its kind. Names
 * are offsets into a table of strings at its end.
 *
 * @see struct btf_header, struct btf_type, struct btf_member in linux/btf.h; Documentation/bpf/btf.rst
 */

/** Where the kernel has it; absent where it was built without. */
export const typeInformationPath = '/sys/kernel/btf/vmlinux';

const BTF_KIND_STRUCT = 4;
/** Bytes behind a type: those that each has, and those for each of its members. */
const behind: Readonly<Record<number, readonly [fixed: number, each: number]>> = {
  1: [4, 0],
  3: [12, 0],
  4: [0, 12],
  5: [0, 12],
  6: [0, 8],
  13: [0, 8],
  14: [4, 0],
  15: [0, 12],
  17: [4, 0],
  19: [0, 12],
};

/** Where a bit field begins, counted from the beginning of its struct. */
export interface BitField {
  readonly bit: number;
}

/**
 * @param bytes the whole file
 * @returns undefined if no struct of that name has such a member that is a bit field
 */
export function bitField(bytes: Buffer, struct: string, member: string): BitField | undefined {
  const [start = 0, types = 0, typesLength = 0, strings = 0] = [4, 8, 12, 16].map((place) => bytes.readUInt32LE(place));
  const text = start + strings;
  // Each name is there once.
  const nameOf = (name: string) => bytes.indexOf(`\0${name}\0`, text, 'latin1') + 1 - text;
  const [wantedStruct, wantedMember] = [nameOf(struct), nameOf(member)];
  const end = start + types + typesLength;
  for (let type = start + types; type < end; ) {
    const information = bytes.readUInt32LE(type + 4);
    const [kind, count] = [(information >> 24) & 0x1f, information & 0xffff];
    const [fixed, each] = behind[kind] ?? [0, 0];
    const members = type + 12;
    const next = members + fixed + count * each;
    if (kind === BTF_KIND_STRUCT && bytes.readUInt32LE(type) === wantedStruct) {
      for (let place = members; place < next; place += each) {
        const offset = bytes.readUInt32LE(place + 8);
        if (bytes.readUInt32LE(place) === wantedMember && offset >>> 24 > 0) return { bit: offset & 0xffffff };
      }
    }
    type = next;
  }
  return undefined;
}
