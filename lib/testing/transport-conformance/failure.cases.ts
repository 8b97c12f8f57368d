import assert from 'node:assert/strict';
import { withTimeout } from '../with-timeout';
import type { BrokerFault, TransportCase } from './harness';
import { messageOf, publishUntilReceived, quiet } from './listener';

const AT_ONCE_MS = 500;
const SOON_MS = 2_000;
const FAULTS: readonly BrokerFault[] = ['unavailable', 'hanging'];

export const failureCases: readonly TransportCase[] = [
  ...FAULTS.map((fault): TransportCase => ({
    title: `resolves subscribe() at once while the broker is ${fault}`,
    fault,
    async run(subject) {
      const transport = await subject.create();
      await subject.fail(fault);

      const listener = await withTimeout(
        AT_ONCE_MS,
        subject.listen(transport),
        'subscribe() waits',
      );
      await quiet();

      assert.deepEqual(listener.events, []);
    },
  })),
  ...FAULTS.map((fault): TransportCase => ({
    title: `connects when a broker that is ${fault} at the start comes back`,
    fault,
    async run(subject) {
      const transport = await subject.create();
      await subject.fail(fault);
      const listener = await subject.listen(transport);
      await quiet();

      await subject.fail(undefined);

      await listener.connected();
      await publishUntilReceived(listener.transport, messageOf(1), listener);
    },
  })),
  {
    title: 'calls disconnected() when the broker is lost',
    fault: 'unavailable',
    async run(subject) {
      const listener = await subject.join();

      await subject.fail('unavailable');

      await listener.disconnected();
    },
  },
  {
    title: 'calls connected() again when the broker is back',
    fault: 'unavailable',
    async run(subject) {
      const listener = await subject.join();
      await subject.fail('unavailable');
      await listener.disconnected();

      await subject.fail(undefined);

      await listener.connected(2);
    },
  },
  {
    title: 'delivers again when the broker is back',
    fault: 'unavailable',
    async run(subject) {
      const [one, other] = [await subject.join(), await subject.join()];
      await subject.fail('unavailable');
      await other.disconnected();

      await subject.fail(undefined);
      await Promise.all([one.connected(2), other.connected(2)]);

      await publishUntilReceived(one.transport, messageOf(1), other);
      await publishUntilReceived(other.transport, messageOf(2), one);
    },
  },
  {
    title: 'calls connected() and disconnected() in turn',
    fault: 'unavailable',
    async run(subject) {
      const listener = await subject.join();
      for (let outage = 1; outage <= 2; outage += 1) {
        await subject.fail('unavailable');
        await listener.until('it is disconnected', () => listener.events.at(-1) === 'disconnected');
        await quiet();
        await subject.fail(undefined);
        await listener.connected(outage + 1);
      }
      await quiet();

      const turns = ['connected', 'disconnected', 'connected', 'disconnected', 'connected'];
      assert.deepEqual(listener.events, turns);
    },
  },
  {
    title: 'rejects, and throws nothing, when it publishes to a broker that is lost',
    fault: 'unavailable',
    async run(subject) {
      const listener = await subject.join();
      await subject.fail('unavailable');
      await listener.disconnected();

      const publishing = listener.transport.publish(messageOf(1));

      assert.equal(typeof publishing.then, 'function', '`publish` has to return a promise');
      publishing.catch(() => undefined); // it may wait for the broker
      await quiet();
    },
  },
  ...FAULTS.map((fault): TransportCase => ({
    title: `unsubscribes while the broker is ${fault}`,
    fault,
    async run(subject) {
      const listener = await subject.join();
      await subject.fail(fault);
      await quiet();

      await withTimeout(SOON_MS, listener.unsubscribe(), 'it does not unsubscribe');
      const before = listener.events.length;
      await subject.fail(undefined);
      await quiet();

      assert.equal(listener.events.length, before, 'it has called its listener since then');
    },
  })),
  ...FAULTS.map((fault): TransportCase => ({
    title: `delivers to a subscription that begins after the broker was ${fault}`,
    fault,
    async run(subject) {
      const listener = await subject.join();
      await subject.fail(fault);
      await listener.unsubscribe();

      const next = await subject.listen(listener.transport);
      await subject.fail(undefined);
      await next.connected();

      await publishUntilReceived(next.transport, messageOf(1), next);
    },
  })),
];
