import { FaultProxy } from '../../support/fault-proxy.js'
import { startStack, type OwnStack } from '../../support/stack.js'
import type { LabServers } from './lab.js'

/** What takes functions for the end: a test, or a suite's own list. */
export interface Teardown {
  after(run: () => Promise<void>): void
}

export interface ProxiedKafka {
  readonly servers: LabServers
  readonly stack: OwnStack
  readonly proxy: FaultProxy
}

/**
 * A Kafka of the test's own, one broker, with a fault proxy before it: its listener FRONT is advertised at the proxy's port, so
 * that clients stay behind the proxy. The checker uses the plaintext listener. Elasticsearch is the shared one.
 *
 * @param name tells it from others of the same run
 */
export async function startProxiedKafka(
  t: Teardown,
  { elasticsearch, name = 'front' }: { readonly elasticsearch: string; readonly name?: string },
): Promise<ProxiedKafka> {
  // The port of FRONT is known only once the broker has it.
  const proxy = await FaultProxy.start({ target: { port: 1 } })
  t.after(() => proxy.close())
  const kafkaPort = await freePort()
  const stack = await startStack({
    name,
    only: 'kafka',
    kafkaPort,
    listeners: { FRONT: 'PLAINTEXT' },
    kafkaSettings: {
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${kafkaPort},FRONT://${proxy.address}`,
    },
  })
  t.after(() => stack.wipe())
  proxy.retarget(Number(stack.listeners['FRONT']?.[0]?.split(':')[1]))
  return { servers: { kafka: [proxy.address], kafkaDirect: stack.kafka, elasticsearch }, stack, proxy }
}

/** Of the range in which fault proxies listen: the system gives it to nobody while the broker is down. */
async function freePort(): Promise<number> {
  const proxy = await FaultProxy.start({ target: { port: 1 } })
  await proxy.close()
  return proxy.port
}
