/** The requests about exceptions and quarantines, as the control socket takes them. */

import type { Actor } from '../audit/record.ts';
import { DnsvalveError } from '../errors.ts';
import { exceptionDocument, quarantineDocument } from '../overrides/document.ts';
import type { Outcome } from '../overrides/keeper.ts';
import type { ExceptionRecord, QuarantineRecord } from '../overrides/records.ts';
import type { Asked } from '../overrides/request.ts';
import type { Attended } from '../server/custody.ts';

type Answer = (custody: Attended, asked: Asked, by: Actor) => Promise<object>;

/** By the name of the request. Each resolves when every worker decides by what was asked. */
const ANSWERS: Readonly<Record<string, Answer>> = {
  'exception-request': async ({ keeper }, asked, by) => excepted(await keeper.request(asked, by)),
  'exception-approve': async ({ keeper }, { id }, by) => excepted(await keeper.approve(id, by)),
  'exception-reject': async ({ keeper }, { id }, by) => excepted(await keeper.reject(id, by)),
  'exception-revoke': async ({ keeper }, { id }, by) => excepted(await keeper.revoke(id, by)),
  'exception-extend': async ({ keeper }, asked, by) =>
    excepted(await keeper.extend(asked['id'], asked['for'], by)),
  quarantine: async (custody, asked, by) => held(await custody.quarantine(asked, by)),
  'quarantine-evidence': async (custody, { id }) => {
    const secured = await custody.evidence(String(id));
    if (secured === null) throw new DnsvalveError('USAGE', 'there is no such quarantine');
    return { ...quarantineDocument(secured.record), failure: secured.failure };
  },
  release: async ({ keeper }, { id }, by) => held(await keeper.release(id, by)),
};

export const OVERRIDE_COMMANDS: readonly string[] = Object.keys(ANSWERS);

/** @returns null for a request that is none of these @throws DnsvalveError with the refusal */
export function answerOverride(
  command: unknown,
  custody: Attended,
  asked: Asked,
  by: Actor,
): Promise<object> | null {
  const isOurs = typeof command === 'string' && Object.hasOwn(ANSWERS, command);
  const answer = isOurs ? ANSWERS[command] : undefined;
  const { command: _, ...rest } = asked;
  return answer?.(custody, rest, by) ?? null;
}

function excepted({ record, isDurable }: Outcome<ExceptionRecord>): object {
  return { ...exceptionDocument(record), durable: isDurable };
}

function held({ record, isDurable }: Outcome<QuarantineRecord>): object {
  return { ...quarantineDocument(record), durable: isDurable };
}
