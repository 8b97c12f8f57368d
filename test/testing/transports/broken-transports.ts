import type { FleetTransport, FleetTransportListener } from 'nestjs-custom-secret-manager/fleet';
import { InMemoryTransport, type InMemoryBus } from 'nestjs-custom-secret-manager/testing';

type Subscribe = FleetTransport['subscribe'];
type Unsubscribe = Awaited<ReturnType<Subscribe>>;

export interface BrokenTransport {
  /** The fault: the rest of "a transport that". */
  readonly what: string;
  /** The case that is meant to find it. */
  readonly killedBy: string;
  create(bus: InMemoryBus): FleetTransport;
}

/** Replaces a part of a correct transport. */
function broken(
  replace: (correct: InMemoryTransport, bus: InMemoryBus) => Partial<FleetTransport>,
): BrokenTransport['create'] {
  return (bus) => {
    const correct = new InMemoryTransport(bus);
    return {
      publish: (message) => correct.publish(message),
      subscribe: (on, options) => correct.subscribe(on, options),
      ...replace(correct, bus),
    };
  };
}

/** Replaces how a message is published. */
function publishing(
  change: (message: Uint8Array, publish: (message: Uint8Array) => Promise<void>) => Promise<void>,
): BrokenTransport['create'] {
  return broken((correct) => ({
    publish: (message) => change(message, (changed) => correct.publish(changed)),
  }));
}

/** Replaces how the listener is called. */
function calling(
  change: (on: FleetTransportListener) => Partial<FleetTransportListener>,
): BrokenTransport['create'] {
  return broken((correct) => ({
    subscribe: (on, options) => correct.subscribe({ ...callsOf(on), ...change(on) }, options),
  }));
}

/** Replaces how it unsubscribes. */
function unsubscribing(
  change: (unsubscribe: Unsubscribe, on: FleetTransportListener) => Unsubscribe,
): BrokenTransport['create'] {
  return broken((correct) => ({
    subscribe: async (on, options) => change(await correct.subscribe(on, options), on),
  }));
}

function callsOf(on: FleetTransportListener): FleetTransportListener {
  return {
    message: (message) => on.message(message),
    connected: () => on.connected(),
    disconnected: () => on.disconnected(),
  };
}

const never = (): Promise<never> => new Promise(() => undefined);
const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

export const BROKEN_TRANSPORTS: readonly BrokenTransport[] = [
  {
    what: 'does not hear its own messages',
    killedBy: 'delivers a message to every instance, its publisher included',
    create: (bus) => {
      const correct = new InMemoryTransport(bus);
      const own: string[] = [];
      const textOf = (message: Uint8Array): string => Buffer.from(message).toString('hex');
      return {
        publish: (message) => {
          own.push(textOf(message));
          return correct.publish(message);
        },
        subscribe: (on, options) => {
          const message = (received: Uint8Array): void => {
            if (!own.includes(textOf(received))) on.message(received);
          };
          return correct.subscribe({ ...callsOf(on), message }, options);
        },
      };
    },
  },
  {
    what: 'turns bytes into text',
    killedBy: 'delivers every byte unchanged',
    create: publishing((message, publish) =>
      publish(new TextEncoder().encode(new TextDecoder().decode(message))),
    ),
  },
  {
    what: 'ends a message at a line break',
    killedBy: 'delivers bytes that look like the protocol of a broker',
    create: publishing((message, publish) => publish(message.slice(0, message.indexOf(13) >>> 0))),
  },
  {
    what: 'cuts a long message',
    killedBy: 'delivers 4 KiB',
    create: publishing((message, publish) => publish(message.slice(0, 4_000))),
  },
  {
    what: 'publishes the whole buffer behind a view',
    killedBy: 'publishes only the part that a view shows of its buffer',
    create: publishing((message, publish) => publish(new Uint8Array(message.buffer))),
  },
  {
    what: 'delivers a message twice',
    killedBy: 'delivers each message of one publisher once, and in order',
    create: publishing(async (message, publish) => {
      await publish(message);
      await publish(message);
    }),
  },
  {
    what: 'lets messages overtake each other',
    killedBy: 'delivers each message of one publisher once, and in order',
    create: publishing(async (message, publish) => {
      if ((message[0] ?? 0) % 3 === 1) await soon();
      await publish(message);
    }),
  },
  {
    what: 'loses messages of publishers that run at once',
    killedBy: 'delivers the messages of several publishers at once',
    create: (() => {
      const busy = new WeakMap<InMemoryBus, number>();
      return broken((correct, bus) => ({
        publish: async (message) => {
          const running = busy.get(bus) ?? 0;
          busy.set(bus, running + 1);
          if (running < 2) await correct.publish(message);
          await Promise.resolve();
          busy.set(bus, running);
        },
      }));
    })(),
  },
  {
    what: 'gives all receivers the same bytes',
    killedBy: 'gives each receiver bytes of its own',
    create: (() => {
      const given = new WeakMap<InMemoryBus, Map<number, Uint8Array>>();
      return broken((correct, bus) => ({
        subscribe: (on, options) => {
          const shared = given.get(bus) ?? new Map<number, Uint8Array>();
          given.set(bus, shared);
          const message = (received: Uint8Array): void => {
            const first = shared.get(received[0] ?? 0) ?? received;
            shared.set(received[0] ?? 0, first);
            on.message(first);
          };
          return correct.subscribe({ ...callsOf(on), message }, options);
        },
      }));
    })(),
  },
  {
    what: 'publishes only while it is subscribed',
    killedBy: 'publishes without a subscription',
    create: broken((correct) => {
      let isSubscribed = false;
      return {
        publish: async (message) => {
          if (!isSubscribed) throw new Error('It is not subscribed.');
          await correct.publish(message);
        },
        subscribe: (on, options) => {
          isSubscribed = true;
          return correct.subscribe(on, options);
        },
      };
    }),
  },
  {
    what: 'falls silent when its listener throws',
    killedBy: 'goes on after a listener that threw',
    create: calling((on) => {
      let isBroken = false;
      return {
        message: (message) => {
          if (isBroken) return;
          isBroken = true;
          on.message(message);
          isBroken = false;
        },
      };
    }),
  },
  {
    what: 'calls connected() before the broker has confirmed it',
    killedBy: 'calls connected() only when the broker has confirmed the subscription',
    create: broken((correct) => ({
      subscribe: async (on, options) => {
        queueMicrotask(() => on.connected());
        const calls = { ...callsOf(on), connected: () => undefined };
        let end = async (): Promise<void> => undefined;
        void soon().then(async () => (end = await correct.subscribe(calls, options)));
        return () => end();
      },
    })),
  },
  {
    what: 'calls connected() with every message',
    killedBy: 'calls connected() once at the start',
    create: calling((on) => ({
      message: (message) => {
        on.connected();
        on.message(message);
      },
    })),
  },
  {
    what: 'delivers after it was unsubscribed',
    killedBy: 'delivers nothing after it was unsubscribed',
    create: unsubscribing(() => async () => undefined),
  },
  {
    what: 'reports the end that its user asked for',
    killedBy: 'calls nothing when it is unsubscribed',
    create: unsubscribing((unsubscribe, on) => async () => {
      await unsubscribe();
      on.disconnected();
    }),
  },
  {
    what: 'cannot be unsubscribed twice',
    killedBy: 'can be unsubscribed twice, and after an abort',
    create: unsubscribing((unsubscribe) => {
      let isOver = false;
      return async () => {
        if (isOver) throw new Error('It is unsubscribed already.');
        isOver = true;
        await unsubscribe();
      };
    }),
  },
  {
    what: 'connects although it was unsubscribed before',
    killedBy: 'can be unsubscribed before it is connected',
    create: broken((correct) => ({
      subscribe: async (on, { signal }) => {
        let end = async (): Promise<void> => undefined;
        void soon().then(async () => (end = await correct.subscribe(on, { signal })));
        return () => end();
      },
    })),
  },
  {
    what: 'closes the connection of everybody',
    killedBy: 'leaves other instances alone when one unsubscribes',
    create: broken((correct, bus) => ({
      subscribe: async (on, options) => {
        const unsubscribe = await correct.subscribe(on, options);
        return async () => {
          await unsubscribe();
          bus.cut();
        };
      },
    })),
  },
  {
    what: 'subscribes once in its life',
    killedBy: 'subscribes again after it was unsubscribed',
    create: broken((correct) => {
      let isUsed = false;
      return {
        subscribe: async (on, options) => {
          const end = isUsed ? async () => undefined : await correct.subscribe(on, options);
          isUsed = true;
          return end;
        },
      };
    }),
  },
  {
    what: 'ignores its signal',
    killedBy: 'unsubscribes when its signal aborts',
    create: broken((correct) => ({
      subscribe: (on) => correct.subscribe(on, { signal: new AbortController().signal }),
    })),
  },
  {
    what: 'listens to its signal too late',
    killedBy: 'subscribes to nothing if its signal aborted before',
    create: broken((correct) => ({
      subscribe: async (on, { signal }) => {
        const unsubscribe = await correct.subscribe(on, { signal: new AbortController().signal });
        signal.addEventListener('abort', () => void unsubscribe());
        return unsubscribe;
      },
    })),
  },
  {
    what: 'waits for the broker in subscribe()',
    killedBy: 'resolves subscribe() at once while the broker is unavailable',
    create: broken((correct) => ({
      subscribe: (on, options) =>
        new Promise((resolve, reject) => {
          const connected = (): void => {
            on.connected();
            resolve(() => subscribing.then((end) => end()));
          };
          const subscribing = correct.subscribe({ ...callsOf(on), connected }, options);
          subscribing.catch(reject);
        }),
    })),
  },
  {
    what: 'rejects subscribe() while the broker is hanging',
    killedBy: 'resolves subscribe() at once while the broker is hanging',
    create: broken((correct) => ({
      subscribe: async (on, options) => {
        let isConnected = false;
        const connected = (): void => {
          isConnected = true;
          on.connected();
        };
        const unsubscribe = await correct.subscribe({ ...callsOf(on), connected }, options);
        await soon();
        if (!isConnected) throw new Error('The broker does not answer.');
        return unsubscribe;
      },
    })),
  },
  {
    what: 'gives up if the broker is away at the start',
    killedBy: 'connects when a broker that is unavailable at the start comes back',
    create: broken((correct) => ({
      subscribe: async (on, options) => {
        const unsubscribe = await correct.subscribe(on, options);
        const probe = await correct.publish(new Uint8Array([250])).catch(() => 'it is away');
        if (probe !== undefined) await unsubscribe();
        return unsubscribe;
      },
    })),
  },
  {
    what: 'never calls disconnected()',
    killedBy: 'calls disconnected() when the broker is lost',
    create: calling(() => ({ disconnected: () => undefined })),
  },
  {
    what: 'calls connected() only the first time',
    killedBy: 'calls connected() again when the broker is back',
    create: calling((on) => {
      let isFirst = true;
      return {
        connected: () => {
          if (isFirst) on.connected();
          isFirst = false;
        },
      };
    }),
  },
  {
    what: 'forgets its subscription at a reconnect',
    killedBy: 'delivers again when the broker is back',
    create: calling((on) => {
      let isDeaf = false;
      return {
        message: (message) => {
          if (!isDeaf) on.message(message);
        },
        disconnected: () => {
          isDeaf = true;
          on.disconnected();
        },
      };
    }),
  },
  {
    what: 'calls disconnected() at every failed attempt',
    killedBy: 'calls connected() and disconnected() in turn',
    create: calling((on) => ({
      disconnected: () => {
        on.disconnected();
        on.disconnected();
      },
    })),
  },
  {
    what: 'throws from publish()',
    killedBy: 'rejects, and throws nothing, when it publishes to a broker that is lost',
    create: broken((correct) => {
      let isLost = false;
      return {
        publish: (message) => {
          if (isLost) throw new Error('It is lost.');
          return correct.publish(message);
        },
        subscribe: (on, options) => {
          const disconnected = (): void => {
            isLost = true;
            on.disconnected();
          };
          return correct.subscribe({ ...callsOf(on), disconnected }, options);
        },
      };
    }),
  },
  {
    what: 'says goodbye to a broker that hangs',
    killedBy: 'unsubscribes while the broker is hanging',
    create: broken((correct) => ({
      subscribe: async (on, options) => {
        const unsubscribe = await correct.subscribe(on, options);
        return async () => {
          await correct.publish(new Uint8Array([249])).catch(() => undefined);
          await unsubscribe();
        };
      },
    })),
  },
  {
    what: 'never unsubscribes while the broker is away',
    killedBy: 'unsubscribes while the broker is unavailable',
    create: broken((correct) => ({
      subscribe: async (on, options) => {
        const unsubscribe = await correct.subscribe(on, options);
        return async () => {
          await correct.publish(new Uint8Array([249])).catch(() => never());
          await unsubscribe();
        };
      },
    })),
  },
];
