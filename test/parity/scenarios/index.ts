/** Every scenario, in the order of golden.md. */
import type { Scenario } from '../scenario.ts';
import { alone } from './alone.ts';
import { commandLine } from './command-line.ts';
import { connect } from './connect.ts';
import { defaultBridge } from './default-bridge.ts';
import { dns } from './dns.ts';
import { errors } from './errors.ts';
import { families } from './families.ts';
import { isolation } from './isolation.ts';
import { morePorts } from './more-ports.ts';
import { options } from './options.ts';
import { publish } from './publish.ts';
import { userDefined } from './user-defined.ts';

export const scenarios: readonly Scenario[] = [
  ...alone,
  ...defaultBridge,
  ...userDefined,
  ...connect,
  ...dns,
  ...publish,
  ...isolation,
  ...options,
  ...families,
  ...errors,
  ...commandLine,
  ...morePorts,
];
