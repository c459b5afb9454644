/** Step kind: a port of a container's own address that another port answers for. */
import { deleteTable, hasTable } from '../../kernel/nftables.ts';
import { addPortDiversion, formatPortDiversion } from '../../kernel/port-redirect.ts';
import { GangwayError, hasErrno, ignoring } from '../../values/errors.ts';
import { type ActionKind, execPrefix } from '../kind.ts';
import type { DiversionStep } from '../step.ts';

export const diversion: ActionKind<DiversionStep> = {
  apply(step, kernel) {
    try {
      addPortDiversion(kernel.namespace(step.in).netfilter, step.table, step);
    } catch (cause) {
      if (!hasErrno(cause, 'ENOENT', 'EOPNOTSUPP')) throw cause;
      throw new GangwayError('not-supported', 'the kernel can’t translate addresses inside a container', {
        hint: 'user-defined networks need nf_tables with NAT and connection tracking: `modprobe nft_chain_nat`',
        cause,
      });
    }
  },
  commands: (step) => [`${execPrefix(step.in)}nft -f - <<'RULESET'\n${formatPortDiversion(step.table, step)}\nRULESET`],
  undoCommands: (step) => [`${execPrefix(step.in)}nft delete table ip ${step.table}`],
  undo: (step, kernel) => {
    ignoring('ENOENT', () => deleteTable(kernel.namespace(step.in).netfilter, { family: 'ip', name: step.table }));
  },
  holds: (step, kernel) => hasTable(kernel.namespace(step.in).netfilter, { family: 'ip', name: step.table }),
};
