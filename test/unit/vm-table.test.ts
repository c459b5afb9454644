import test from 'ava';
import { readRun, table } from '../../scripts/guest/table.ts';

const guest = readRun(
  '6.12',
  `TAP version 13
ok 1 - kernel › ipvlan › l3: subnets reach each other
ok 2 - kernel › ipvlan › a kernel without ipvlan says so
#   skipped: this kernel has ipvlan
# kernel › ipvlan › ended after 8.1 s
# sources 69a2909
not ok 3 - kernel › story-links › who leaves none may be connected
  ---
    message: 'ok 9 - is no test'
  ...
# kernel › story-links › ended after 3.0 s
ok 4 - security › wire › nobody gets in
#   skipped: it is night
# security › wire › ended after 1.0 s
1..4
# not ok 3 - kernel › story-links › who leaves none may be connected
TAP version 13
ok 1 - kernel › story-links › who leaves none may be connected
TAP version 13
ok 1 - kernel › story-links › who leaves none may be connected
ok 2 - kernel › story-links › who has left has gone
`,
);
const here = readRun(
  '6.18',
  `ok 1 - kernel › ipvlan › l3: subnets reach each other
#   skipped: this kernel has no ipvlan
ok 2 - kernel › ipvlan › a kernel without ipvlan says so
# kernel › ipvlan › ended after 0.2 s
ok 4 - security › wire › nobody gets in
#   skipped: it is cold
not ok 5 - security › wire › exited with a non-zero exit code: 1
# security › wire › ended after 1.0 s
`,
);

test('runs of the same tests beside each other, what was not run, and why some were skipped', (t) => {
  t.is(
    table(
      [guest, here],
      ['kernel › ipvlan', 'kernel › story-links', 'kernel › story-none', 'kernel › undo', 'security › wire'],
    ),
    `|  | 6.12 | 6.18 |
| --- | --- | --- |
| ipvlan | 1 passed, 1 skipped, 9 s | 1 passed, 1 skipped, 1 s |
| security | 0 passed, 1 skipped, 1 s | 0 passed, **1 failed**, 1 skipped, 1 s |
| story | 2 passed, 1 of 2 files interrupted, 1 of 2 files not run, 0 s | not run |
| all | 3 passed, 2 skipped, 1 of 5 files interrupted, 2 of 5 files not run, 10 s | 1 passed, **1 failed**, 2 skipped, 3 of 5 files not run, 2 s |

Not run: undo.

Sources:

* 6.12: 69a2909 (2 files)

Skipped:

* 6.12, ipvlan: this kernel has ipvlan
* 6.12, security: it is night
* 6.18, ipvlan: this kernel has no ipvlan
* 6.18, security: it is cold

Skipped on all:

* security › wire › nobody gets in
`,
  );
});
