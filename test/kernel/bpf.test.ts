// What the kernel says to a program that it can't prove harmless. Nothing is linked to anything.
import { closeSync } from 'node:fs';
import test from 'ava';
import { layout, socketAddress } from '../../src/kernel/bpf/layout.ts';
import {
  and,
  call,
  constant,
  exit,
  gotoIf,
  type Line,
  label,
  load,
  or,
  set,
  store,
} from '../../src/kernel/bpf/program.ts';
import { loadProgram, VerifierRefusal } from '../../src/sys/bpf.ts';
import { bytes, lacksPrograms } from '../support/bpf.ts';
import { skipUnless } from '../support/skip.ts';

const stack = {
  ...layout('key', { port: 4, protocol: 4 }, -8),
  never: { name: 'beyond', offset: 8, width: 4 },
} as const;

test('a refusal has the whole of the kernel’s log, and its reason in the message', (t) => {
  if (skipUnless(t, lacksPrograms())) return;
  const refused = t.throws(() => loadProgram('connect4', bytes(exit)), { instanceOf: VerifierRefusal });
  t.is(refused.message, 'load BPF program connect4: EACCES: R0 !read_ok');
  t.regex(refused.log, /^0: .*exit\s+R0 !read_ok/m);
});

test('the kernel reads what was written', (t) => {
  if (skipUnless(t, lacksPrograms())) return;
  const lines: readonly (readonly [line: Line, reading: string])[] = [
    [set('r6', 'r1'), '(bf) r6 = r1'],
    [load('w9', 'r6', socketAddress.user_ip4), '(61) r9 = *(u32 *)(r6 +4)'],
    [set('w2', 'w9'), '(bc) w2 = w9'],
    [and('w2', 255), '(54) w2 &= 255'],
    [or('w9', 'w2'), '(4c) w9 |= w2'],
    [set('w9', 0x0100007f), '(b4) w9 = 16777343'],
    [store('r10', stack.port, 'w9'), '(63) *(u32 *)(r10 -8) = r9'],
    [store('r10', stack.protocol, 6), '(62) *(u32 *)(r10 -4) = 6'],
    [load('r7', 'r6', socketAddress.sk), '(79) r7 = *(u64 *)(r6 +64)'],
    [set('r1', 'r6'), '(bf) r1 = r6'],
    [call('get_netns_cookie'), '(85) call bpf_get_netns_cookie#122'],
    [constant('r1', 0x1122334455667788n), '(18) r1 = 0x1122334455667788'],
    [gotoIf('r0', '!=', 'r1', 'leave'), '(5d) if r0 != r1 goto pc+1'],
    [gotoIf('w9', '==', 7, 'leave'), '(16) if w9 == 0x7 goto pc+0'],
  ];
  const program = [...lines.map(([line]) => line), label('leave'), load('w0', 'r10', stack.never), exit];
  const { log } = t.throws(() => loadProgram('connect4', bytes(...program)), { instanceOf: VerifierRefusal });
  for (const [, reading] of lines) t.true(log.includes(reading), `${reading}\n${log}`);
});

test('what a program may not see is refused by the kernel, and not by us', (t) => {
  if (skipUnless(t, lacksPrograms())) return;
  const program = bytes(load('w0', 'r1', socketAddress.msg_src_ip4), set('r0', 1), exit);
  closeSync(loadProgram('sendmsg4', program));
  const refused = t.throws(() => loadProgram('connect4', program), { instanceOf: VerifierRefusal });
  t.regex(refused.message, /^load BPF program connect4: EACCES: invalid bpf_context access off=40 size=4$/);
});
