import type { SecretManagerError } from 'nestjs-custom-secret-manager';
import { Cancellation, cancelled } from '../../../lib/core/calls/cancellation';

const REASON = cancelled({ manager: 'test', operation: 'readSecret' });

function begun(): { cancel: jest.Mock<undefined, [SecretManagerError]> } {
  return { cancel: jest.fn<undefined, [SecretManagerError]>() };
}

describe('Cancellation', () => {
  it('cancels every call in flight once', () => {
    const cancellation = new Cancellation();
    const [first, second, third] = [begun(), begun(), begun()];
    for (const each of [first, second, third]) cancellation.add(each);
    cancellation.remove(first);
    cancellation.remove(third);
    const fourth = begun();
    cancellation.add(fourth);

    cancellation.cancel(REASON);
    cancellation.cancel(REASON);

    const calls = [first, second, third, fourth].map(({ cancel }) => cancel.mock.calls);
    expect(calls).toEqual([[], [[REASON]], [], [[REASON]]]);
  });

  it('cancels a late call at once', () => {
    const cancellation = new Cancellation();
    cancellation.cancel(REASON);
    const late = begun();

    cancellation.add(late);

    expect(late.cancel).toHaveBeenCalledWith(REASON);
    expect(cancellation.signal.reason).toBe(REASON);
  });

  it('does not cancel a call that ends while others are cancelled', () => {
    const cancellation = new Cancellation();
    const last = begun();
    const ending = { cancel: () => cancellation.remove(last) };
    for (const each of [begun(), ending, last]) cancellation.add(each);

    cancellation.cancel(REASON);

    expect(last.cancel).not.toHaveBeenCalled();
  });
});
