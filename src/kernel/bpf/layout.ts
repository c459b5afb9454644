/**
 * Where the fields of a struct lie, so that a program can call them by name.
 *
 * @see struct bpf_sock_addr and struct bpf_sock in linux/bpf.h
 */

export type Width = 1 | 2 | 4 | 8;

/** A field, as an offset from a register that points to its struct. */
export interface Field {
  /** `bpf_sock_addr.user_port` */
  readonly name: string;
  readonly offset: number;
  readonly width: Width;
}

type Row = Width | readonly [width: Width, count: number];
type Rows = Readonly<Record<string, Row>>;

/** A struct's fields: one, or as many as the array has. `bytes` is its size. */
export type Layout<R extends Rows> = {
  readonly [K in keyof R]: R[K] extends readonly [Width, number] ? readonly Field[] : Field;
} & { readonly bytes: number };

/**
 * Lays fields out as a C compiler does: each at a multiple of its width.
 *
 * @param start where the struct begins: below zero for one on the stack, which ends at r10
 */
export function layout<const R extends Rows>(struct: string, rows: R, start = 0): Layout<R> {
  let offset = 0;
  const place = (name: string, width: Width): Field => {
    offset = Math.ceil(offset / width) * width;
    const field = { name: `${struct}.${name}`, offset: start + offset, width };
    offset += width;
    return field;
  };
  const fields = Object.entries(rows).map(([name, row]) => {
    if (typeof row === 'number') return [name, place(name, row)] as const;
    const [width, count] = row;
    return [name, Array.from({ length: count }, (_, index) => place(`${name}[${index}]`, width))] as const;
  });
  return { ...Object.fromEntries(fields), bytes: offset } as Layout<R>;
}

/** What a program sees of a call that has an address in it: connect(2), sendmsg(2), recvmsg(2), getpeername(2). */
export const socketAddress = layout('bpf_sock_addr', {
  user_family: 4,
  user_ip4: 4,
  user_ip6: [4, 4],
  user_port: 4,
  family: 4,
  type: 4,
  protocol: 4,
  msg_src_ip4: 4,
  msg_src_ip6: [4, 4],
  sk: 8,
});

/** What it sees of the socket that is called. Addresses are as on the wire; `src_port` is a number of the machine's. */
export const socket = layout('bpf_sock', {
  bound_dev_if: 4,
  family: 4,
  type: 4,
  protocol: 4,
  mark: 4,
  priority: 4,
  src_ip4: 4,
  src_ip6: [4, 4],
  src_port: 4,
});
