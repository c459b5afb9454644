/** Every scenario, in the order of golden.md. */
import type { Scenario } from '../scenario.ts';
import { alone } from './alone.ts';
import { chosenPorts } from './chosen-ports.ts';
import { commandLine } from './command-line.ts';
import { connect } from './connect.ts';
import { defaultBridge } from './default-bridge.ts';
import { dns } from './dns.ts';
import { endpoints } from './endpoints.ts';
import { errors } from './errors.ts';
import { families } from './families.ts';
import { gatewayModes } from './gateway-modes.ts';
import { isolation } from './isolation.ts';
import { links } from './links.ts';
import { morePorts } from './more-ports.ts';
import { options } from './options.ts';
import { publish } from './publish.ts';
import { six } from './six.ts';
import { upstream } from './upstream.ts';
import { userDefined } from './user-defined.ts';
import { wire } from './wire.ts';

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
  ...chosenPorts,
  ...gatewayModes,
  ...endpoints,
  ...links,
  ...six,
  ...upstream,
  ...wire,
];
