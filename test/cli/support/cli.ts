/** The reading commands as a process, for what only a process shows: pipes that break. */

import { Command } from 'commander';
import { processContext } from '../../../src/cli/context.ts';
import { register } from '../../../src/cli/first-seen.ts';

const program = new Command('dnsvalve');
register(program, processContext());
await program.parseAsync();
