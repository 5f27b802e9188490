/** The configuration of the demo: three workloads, two feeds, a file and a syslog collector. */

import { join } from 'node:path';

const BLOCKLISTS = join(import.meta.dirname, '..', '..', 'blocklists');

/** Full names kept under one domain; small, so that the demo shows what happens beyond it. */
export const NAMES_PER_DOMAIN = 10;
export const CONFIG_FILE = 'dnsvalve.yaml';
export const ALERT_FILE = 'alerts.jsonl';

export function configText(syslogPort: number): string {
  return `# The demo's configuration. examples/dnsvalve.yaml has the same with every key explained.
feeds:
  doh-resolvers:
    { source: "${join(BLOCKLISTS, 'doh-resolvers.txt')}", category: resolver-bypass }
  paste-sites:
    { source: "${join(BLOCKLISTS, 'paste-and-drop.txt')}", category: paste-and-drop }
workloads:
  payments:
    owner: team-payments
    sources: [127.0.0.2/32]
    allow: [api.bank.example, "*.partner.example"]
  builder:
    owner: team-ci
    sources: [127.0.0.3/32]
    allow: [.packages.example, "*.tools.example", "*.widgets.example"]
  agent:
    owner: team-research
    sources: [127.0.0.4/32]
    allow: ["*.sync.example"]
workers: 1
history: { path: history.db, names_per_domain: ${NAMES_PER_DOMAIN} }
alerts:
  - { to: "file:${ALERT_FILE}" }
  - { to: "syslog+udp://127.0.0.1:${syslogPort}" }
control: { path: control.sock }
state_directory: .
`;
}
