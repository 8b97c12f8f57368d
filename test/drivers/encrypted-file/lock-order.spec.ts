import {
  betweenTransactions,
  inTransaction,
} from '../../../lib/drivers/encrypted-file/lmdb/lock-order';

/** Returns a promise, and the function that resolves it. */
function held(): readonly [Promise<void>, () => void] {
  let release = (): void => undefined;
  const promise = new Promise<void>((resolve) => (release = resolve));
  return [promise, () => release()];
}

describe('an opening of LMDB', () => {
  it('waits until no transaction of the process is in flight', async () => {
    const order: string[] = [];
    const [first, endFirst] = held();
    const [second, endSecond] = held();
    const transactions = [first, second].map((end) => inTransaction(() => end));

    const opening = betweenTransactions(() => order.push('opened'));
    endFirst();
    await transactions[0];
    order.push('first ended');
    endSecond();
    await Promise.all([...transactions, opening]);

    expect(order).toEqual(['first ended', 'opened']);
  });

  it('goes before transactions that begin later', async () => {
    const order: string[] = [];
    const [first, endFirst] = held();
    const transaction = inTransaction(() => first);
    const opening = betweenTransactions(() => order.push('opened'));
    const later = inTransaction(async () => order.push('later'));

    endFirst();
    await Promise.all([transaction, opening, later]);

    expect(order).toEqual(['opened', 'later']);
  });

  it('does not stop the next ones when it fails, or a transaction does', async () => {
    const fails = (): never => {
      throw new Error('failed');
    };

    await expect(inTransaction(() => Promise.reject(new Error('failed')))).rejects.toThrow(
      'failed',
    );
    await expect(betweenTransactions(fails)).rejects.toThrow('failed');

    expect(await betweenTransactions(() => 'opened')).toBe('opened');
    expect(await inTransaction(() => Promise.resolve('done'))).toBe('done');
  });
});
