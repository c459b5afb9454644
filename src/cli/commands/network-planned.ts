/** The network commands that this version does not have. */
import { GangwayError } from '../../values/errors.ts';
import type { Execute } from '../command.ts';

export const execute: Execute = async () => {
  throw new GangwayError('not-supported', 'networks of your own are not there yet', {
    hint: 'this version has none, host and bridge; `gangway network ls` lists them',
  });
};
