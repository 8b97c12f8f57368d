import assert from 'node:assert/strict';
import type { TransportCase } from './harness';
import { hex, messageOf, quiet } from './listener';

export const messageCases: readonly TransportCase[] = [
  {
    title: 'delivers a message to every instance, its publisher included',
    async run(subject) {
      const instances = [await subject.join(), await subject.join(), await subject.join()];

      await instances[0]?.transport.publish(messageOf(1));

      for (const instance of instances) await instance.received(1);
      const received = instances.map(({ messages }) => hex(messages));
      assert.deepEqual(received, Array(3).fill(hex([messageOf(1)])));
    },
  },
  {
    title: 'delivers every byte unchanged',
    async run(subject) {
      const [one, other] = [await subject.join(), await subject.join()];
      const bytes = Uint8Array.from({ length: 512 }, (_, at) => (at < 256 ? at : 511 - at));

      await one.transport.publish(bytes);

      await other.received(1);
      assert.deepEqual(hex(other.messages), hex([bytes]));
    },
  },
  {
    title: 'delivers bytes that look like the protocol of a broker',
    async run(subject) {
      const [one, other] = [await subject.join(), await subject.join()];
      const lines = ['\r\n', '+OK\r\n', "-ERR '\r\n", '\0\0\0\0', "'; select 1; --", '\ufeff{}'];
      const texts = lines.map((line) => new TextEncoder().encode(`a${line}b`));

      for (const text of texts) await one.transport.publish(text);

      await other.received(texts.length);
      assert.deepEqual(hex(other.messages), hex(texts));
    },
  },
  {
    title: 'delivers 4 KiB',
    async run(subject) {
      const [one, other] = [await subject.join(), await subject.join()];

      await one.transport.publish(messageOf(1, 4_096));

      await other.received(1);
      assert.deepEqual(hex(other.messages), hex([messageOf(1, 4_096)]));
    },
  },
  {
    title: 'publishes only the part that a view shows of its buffer',
    async run(subject) {
      const [one, other] = [await subject.join(), await subject.join()];
      const whole = messageOf(1, 96);

      await one.transport.publish(whole.subarray(16, 80));

      await other.received(1);
      assert.deepEqual(hex(other.messages), hex([whole.slice(16, 80)]));
    },
  },
  {
    title: 'delivers each message of one publisher once, and in order',
    async run(subject) {
      const [one, other] = [await subject.join(), await subject.join()];
      const messages = Array.from({ length: 100 }, (_, index) => messageOf(index));

      await Promise.all(messages.map((message) => one.transport.publish(message)));

      await other.received(messages.length);
      await quiet();
      assert.deepEqual(hex(other.messages), hex(messages));
    },
  },
  {
    title: 'delivers the messages of several publishers at once',
    async run(subject) {
      const instances = [await subject.join(), await subject.join(), await subject.join()];
      const messages = Array.from({ length: 60 }, (_, index) => messageOf(index));

      await Promise.all(
        instances.map(async ({ transport }, at) => {
          for (let index = at; index < 60; index += 3) await transport.publish(messageOf(index));
        }),
      );

      for (const instance of instances) {
        await instance.received(messages.length);
        assert.deepEqual(hex(instance.messages).sort(), hex(messages).sort());
      }
    },
  },
  {
    title: 'gives each receiver bytes of its own',
    async run(subject) {
      const transport = await subject.create();
      const [one, other] = [await subject.listen(transport), await subject.join()];
      await one.connected();
      const second = await subject.listen(transport);
      await second.connected();
      one.onMessage = () => one.messages.at(-1)?.fill(0);
      const sent = messageOf(1);

      await transport.publish(sent);
      sent.fill(1);
      await transport.publish(messageOf(2));

      const expected = hex([messageOf(1), messageOf(2)]);
      for (const receiver of [other, second]) {
        await receiver.received(2);
        assert.deepEqual(hex(receiver.messages), expected);
      }
    },
  },
  {
    title: 'publishes without a subscription',
    async run(subject) {
      const [transport, other] = [await subject.create(), await subject.join()];

      await transport.publish(messageOf(1));

      await other.received(1);
      assert.deepEqual(hex(other.messages), hex([messageOf(1)]));
    },
  },
  {
    title: 'goes on after a listener that threw',
    async run(subject) {
      const [one, other] = [await subject.join(), await subject.join()];
      other.onMessage = () => {
        throw new Error('A listener of the conformance kit throws.');
      };

      await one.transport.publish(messageOf(1));
      await other.received(1);
      await one.transport.publish(messageOf(2));

      await other.received(2);
      assert.deepEqual(hex(other.messages), hex([messageOf(1), messageOf(2)]));
    },
  },
];
