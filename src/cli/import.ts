/** `dnsvalve import FORMAT FILE`: the policy of another tool as YAML, and what is not in it. */

import type { Command } from 'commander';
import type { CliContext } from './context.ts';

interface ImportOptions {
  readonly workload?: string;
  readonly as?: string;
  readonly widen?: boolean;
}

const FORMATS = 'smokescreen, harden-runner, route53, adguard, pihole, hosts, rpz, cilium';

export function register(program: Command, context: CliContext): void {
  program
    .command('import')
    .description('print the policy of another tool as a configuration, and what is not in it')
    .argument('<format>', FORMATS)
    .argument('<file>', 'the file; - is standard input')
    .option('--workload <name>', 'what the list is for; of several workloads, which one')
    .option('--as <action>', 'what a Route 53 domain list is for: allow or deny')
    .option('--widen', "let Cilium's *.x (one label) become *.x (any depth)")
    .action(async (format: string, file: string, options: ImportOptions) => {
      const { writeYaml, lossText } = await import('../import/write.ts');
      const imported = await importFile(format, file, options);
      const title = `Imported from ${format}: ${file}`;
      context.stdout.write(writeYaml(imported, title));
      const { lost } = imported;
      for (const one of lost) context.stderr.write(`not carried over: ${lossText(one)}\n`);
      if (lost.length > 0) context.setExitCode(1);
    });
}

async function importFile(format: string, file: string, options: ImportOptions) {
  const { readFileSync } = await import('node:fs');
  const { basename } = await import('node:path');
  const { DnsvalveError, messageOf } = await import('../errors.ts');
  const { didYouMean } = await import('../config/suggest.ts');
  const { IMPORTERS } = await import('../import/formats.ts');
  const importer = Object.hasOwn(IMPORTERS, format) ? IMPORTERS[format] : undefined;
  if (importer === undefined) {
    const hint = didYouMean(format, Object.keys(IMPORTERS));
    throw new DnsvalveError(
      'USAGE',
      `format ${JSON.stringify(format)}${hint}; accepted: ${FORMATS}`,
    );
  }
  const { workload = null, as = null, widen = false } = options;
  if (as !== null && as !== 'allow' && as !== 'deny') {
    throw new DnsvalveError('USAGE', `--as ${JSON.stringify(as)}: allow or deny`);
  }
  if (workload !== null) {
    const { word } = await import('../config/leaves.ts');
    const named = word('workload').safeParse(workload);
    if (!named.success)
      throw new DnsvalveError('USAGE', named.error.issues[0]?.message ?? workload);
  }
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (thrown) {
    throw new DnsvalveError('USAGE', `${file}: ${messageOf(thrown)}`, thrown);
  }
  const baseName = file === '-' ? 'imported' : basename(file).replace(/\.[^.]*$/, '');
  return importer({ text, baseName, workload, as, widen });
}
