import { createHook } from 'node:async_hooks';
import { setTimeout as pass } from 'node:timers/promises';

/** Returns the number of Node timers that keep the process alive now. */
export function timersThatKeepAlive(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}

/** Resolves to the number of Node timers that an action leaves behind, even those that keep no process alive. */
export async function timersLeftBy(action: () => Promise<unknown>): Promise<number> {
  const set: number[] = [];
  const gone = new Set<number>();
  const init = (id: number, type: string): void => void (type === 'Timeout' && set.push(id));
  const hook = createHook({ init, destroy: (id) => void gone.add(id) }).enable();
  await action();
  const its = set.slice();
  const left = (): number => its.filter((id) => !gone.has(id)).length;
  for (let turn = 0; turn < 50 && left() > 0; turn++) await pass(5); // Node reports the end of a timer later
  hook.disable();
  return left();
}
