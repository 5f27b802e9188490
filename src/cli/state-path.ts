/** Where things are: read from the configuration, and no more of it than is needed. */

import type { PlaceName } from '../config/place.ts';
import type { Source } from '../config/source.ts';
import { type Problem, ProblemsError } from '../errors.ts';

/** @throws ProblemsError CONFIG when the file is no YAML mapping, or `state_directory` is wrong */
export async function stateDirectory(configPath: string): Promise<string> {
  return placeIn(await sourceOf(configPath), 'state');
}

/** @throws as above, and where `history.path` is wrong */
export async function historyPath(configPath: string): Promise<string> {
  return placeIn(await sourceOf(configPath), 'history');
}

/** @throws as above, and where `control` is wrong */
export async function controlSocket(configPath: string): Promise<string> {
  return placeIn(await sourceOf(configPath), 'control');
}

/** @throws as the ones above */
export async function statePlaces(
  configPath: string,
): Promise<{ readonly state: string; readonly history: string }> {
  const source = await sourceOf(configPath);
  return { state: await placeIn(source, 'state'), history: await placeIn(source, 'history') };
}

async function sourceOf(configPath: string): Promise<Source> {
  const { readSource } = await import('../config/source.ts');
  const problems: Problem[] = [];
  const source = readSource(configPath, configPath, problems);
  if (source === null) throw new ProblemsError('CONFIG', problems);
  return source;
}

/** What stands in the way, by the path of the setting. */
const WRONG: Readonly<Record<PlaceName, RegExp>> = {
  control: /^control($|\.)/,
  history: /^history($|\.)/,
  state: /^state_directory($|\.)/,
};

async function placeIn(source: Source, name: PlaceName): Promise<string> {
  const { placeOf } = await import('../config/place.ts');
  const plain = placeOf(source, name);
  if (plain !== null) return plain;
  const { mainSettings } = await import('../config/main-file.ts');
  const problems: Problem[] = [];
  const { control, history, stateDirectory: state } = mainSettings(source, problems);
  const wrong = problems.filter(({ path }) => WRONG[name].test(path));
  if (wrong.length > 0) throw new ProblemsError('CONFIG', wrong);
  return { control: control.path, history: history.path, state }[name];
}
