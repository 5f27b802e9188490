/**
 * Entry: the commander program and the exit status. A command's module is imported when it is asked
 * for, so that `history` never loads what `serve` needs.
 */

import { Command, CommanderError } from 'commander';
import { COMMANDS } from './cli/commands.ts';
import { processContext } from './cli/context.ts';
import { escapeText } from './cli/escape.ts';
import { DnsvalveError } from './errors.ts';

const program = new Command('dnsvalve')
  .description('a DNS resolver that is a one-way valve for names')
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(harmless(text)) })
  .showHelpAfterError('(dnsvalve COMMAND --help says more)');
const context = processContext();

/** Arguments come back in error messages, and may have been names out of somebody's log. */
function harmless(text: string): string {
  return text.split('\n').map(escapeText).join('\n');
}

const words = process.argv.slice(2);
// As people ask any program.
if (words[0] === '--version' || words[0] === '-V') words[0] = 'version';
const asked = COMMANDS.find(({ name }) => name === words[0]);
for (const command of asked === undefined ? COMMANDS : [asked]) {
  (await command.load()).register(program, context);
}

try {
  await program.parseAsync(words, { from: 'user' });
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else if (error instanceof DnsvalveError) {
    context.stderr.write(`${harmless(error.message)}\n`);
    process.exitCode = error.exitCode;
  } else {
    throw error;
  }
}
