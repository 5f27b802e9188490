/** The reading commands as a process, for what only a process shows: pipes that break. */

import { Command } from 'commander';
import { processContext } from '../../../src/cli/context.ts';
import { register as firstSeen } from '../../../src/cli/first-seen.ts';
import { register as tail } from '../../../src/cli/tail.ts';

const program = new Command('dnsvalve');
const context = processContext();
for (const register of [firstSeen, tail]) register(program, context);
await program.parseAsync();
