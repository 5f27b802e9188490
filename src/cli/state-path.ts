/** Where the state directory is: read from the configuration, and no more of it than is needed. */

import { type Problem, ProblemsError } from '../errors.ts';

/** @throws ProblemsError CONFIG when the file is no YAML mapping, or `state_directory` is wrong */
export async function stateDirectory(configPath: string): Promise<string> {
  return (await statePlaces(configPath)).state;
}

/** @throws as above, and where `history` is wrong */
export async function statePlaces(
  configPath: string,
): Promise<{ readonly state: string; readonly history: string }> {
  const { readSource } = await import('../config/source.ts');
  const { mainSettings } = await import('../config/main-file.ts');
  const problems: Problem[] = [];
  const source = readSource(configPath, configPath, problems);
  if (source === null) throw new ProblemsError('CONFIG', problems);
  const settings = mainSettings(source, problems);
  const wrong = problems.filter(({ path }) => /^(state_directory|history)($|\.)/.test(path));
  if (wrong.length > 0) throw new ProblemsError('CONFIG', wrong);
  return { state: settings.stateDirectory, history: settings.history.path };
}
