/** Applies a plan, or takes it back, where it is run: `plan-main.ts apply|undo`, the steps on stdin as JSON. */
import { text } from 'node:stream/consumers';
import { KernelNamespace } from '../../src/kernel/namespace.ts';
import { apply } from '../../src/plan/apply.ts';
import { decode } from '../../src/plan/encoding.ts';
import { KernelHandles } from '../../src/plan/kernel-handles.ts';
import type { Kinds } from '../../src/plan/kind.ts';
import { kernelKinds } from '../../src/plan/kinds/index.ts';
import type { Step } from '../../src/plan/step.ts';
import { undo } from '../../src/plan/undo.ts';

const act = process.argv[2] === 'undo' ? undo : apply;
const steps = decode(await text(process.stdin)) as readonly Step[];
const kernel = new KernelHandles(KernelNamespace.own());
try {
  await act('a test', steps, kernelKinds as Kinds, kernel);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
kernel[Symbol.dispose]();
