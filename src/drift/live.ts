/** The policy that a resolver runs, against that of the files. */

import { configurationDigest } from '../config/digest.ts';
import type { Config } from '../config/types.ts';
import type { Finding } from './finding.ts';

/** What the status document says of the policy in force. */
export interface LivePolicy {
  readonly configuration: string;
  readonly revision: number;
  readonly last_reload: string;
  readonly last_reload_error: string | null;
}

export function liveFindings(config: Config, live: LivePolicy): Finding[] {
  if (live.configuration === configurationDigest(config)) return [];
  const refused = live.last_reload_error;
  const why =
    refused === null ? '`dnsvalve reload` brings it' : `the last reload was refused: ${refused}`;
  const what = `revision ${live.revision} is of other files`;
  return [
    {
      kind: 'live',
      workload: '',
      subject: live.configuration.slice(0, 12),
      at: { file: config.files[0] ?? '', line: 0, col: 0 },
      queries: null,
      lastMs: Date.parse(live.last_reload),
      watchedMs: null,
      note: `${what}; ${why}`,
      remedy: null,
    },
  ];
}
