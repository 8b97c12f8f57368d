import assert from 'node:assert/strict';
import type { TransportCase } from './harness';
import { hex, Listener, messageOf, quiet } from './listener';

export const subscriptionCases: readonly TransportCase[] = [
  {
    title: 'calls connected() only when the broker has confirmed the subscription',
    async run(subject) {
      const publisher = await subject.create();
      for (let round = 1; round <= 5; round += 1) {
        const listener = await subject.join();

        await publisher.publish(messageOf(round));

        await listener.received(1);
        assert.deepEqual(hex(listener.messages), hex([messageOf(round)]));
      }
    },
  },
  {
    title: 'calls connected() once at the start',
    async run(subject) {
      const listener = await subject.join();

      await listener.transport.publish(messageOf(1));
      await listener.received(1);
      await quiet();

      assert.deepEqual(listener.events, ['connected']);
    },
  },
  {
    title: 'delivers nothing after it was unsubscribed',
    async run(subject) {
      const [gone, other] = [await subject.join(), await subject.join()];

      await gone.unsubscribe();
      await other.transport.publish(messageOf(1));
      await other.received(1);
      await quiet();

      assert.deepEqual(hex(gone.messages), []);
    },
  },
  {
    title: 'calls nothing when it is unsubscribed',
    async run(subject) {
      const listener = await subject.join();

      await listener.unsubscribe();
      await quiet();

      assert.deepEqual(listener.events, ['connected']);
    },
  },
  {
    title: 'can be unsubscribed twice, and after an abort',
    async run(subject) {
      const [one, other] = [await subject.join(), await subject.join()];

      await one.unsubscribe();
      await one.unsubscribe();
      other.abort();
      await other.unsubscribe();
    },
  },
  {
    title: 'can be unsubscribed before it is connected',
    async run(subject) {
      const listener = await subject.listen(await subject.create());

      await listener.unsubscribe();
      const before = listener.events.length;
      await quiet();

      assert.equal(listener.events.length, before, 'it has called its listener since then');
    },
  },
  {
    title: 'leaves other instances alone when one unsubscribes',
    async run(subject) {
      const [gone, one, other] = [await subject.join(), await subject.join(), await subject.join()];

      await gone.unsubscribe();
      await one.transport.publish(messageOf(1));

      await other.received(1);
      await one.received(1);
      assert.deepEqual([one.events, other.events], [['connected'], ['connected']]);
    },
  },
  {
    title: 'subscribes again after it was unsubscribed',
    async run(subject) {
      const [gone, other] = [await subject.join(), await subject.join()];
      await gone.unsubscribe();

      const back = await subject.listen(gone.transport);
      await back.connected();
      await other.transport.publish(messageOf(1));
      await back.transport.publish(messageOf(2));

      await back.received(2);
      await other.received(2);
    },
  },
  {
    title: 'unsubscribes when its signal aborts',
    async run(subject) {
      const [gone, other] = [await subject.join(), await subject.join()];

      gone.abort();
      await quiet();
      await other.transport.publish(messageOf(1));
      await other.received(1);
      await quiet();

      assert.deepEqual([hex(gone.messages), gone.events], [[], ['connected']]);
    },
  },
  {
    title: 'subscribes to nothing if its signal aborted before',
    async run(subject) {
      const other = await subject.join();
      const listener = new Listener(await subject.create(), subject.endsAt);

      await listener.subscribe(AbortSignal.abort());
      await quiet();
      await other.transport.publish(messageOf(1));
      await other.received(1);
      await quiet();
      await listener.unsubscribe();

      assert.deepEqual([hex(listener.messages), listener.events], [[], []]);
    },
  },
];
