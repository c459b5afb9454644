import test from 'ava';
import { readRun, table } from '../../scripts/guest/table.ts';

const guest = readRun(
  '6.12',
  `TAP version 13
ok 1 - kernel › ipvlan › l3: subnets reach each other
ok 2 - kernel › ipvlan › a kernel without ipvlan says so
#   skipped: this kernel has ipvlan
not ok 3 - kernel › story-links › who leaves none may be connected
  ---
    message: 'ok 9 - is no test'
  ...
ok 4 - security › wire › nobody gets in
1..4
# not ok 3 - kernel › story-links › who leaves none may be connected
`,
  'x',
);
const here = readRun(
  '6.18',
  `ok 1 - l3: subnets reach each other
#   skipped: this kernel has no ipvlan
ok 2 - a kernel without ipvlan says so
`,
  'ipvlan',
);

test('two runs of the same tests, and why some were skipped', (t) => {
  t.is(
    table([guest, here]),
    `|  | 6.12 | 6.18 |
| --- | --- | --- |
| ipvlan | 1 passed, 1 skipped | 1 passed, 1 skipped |
| security | 1 passed | not run |
| story | 0 passed, **1 failed** | not run |
| all | 2 passed, **1 failed**, 1 skipped | 1 passed, 1 skipped |

Skipped:

* 6.12, ipvlan: this kernel has ipvlan
* 6.18, ipvlan: this kernel has no ipvlan
`,
  );
});
