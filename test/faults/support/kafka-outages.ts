import type { Fault, FaultProxy } from '../../support/fault-proxy.js'
import type { Outage } from './outages.js'

const cutEveryMs = 500

/** Each of the ways in which the network before Kafka fails for a while. `proxy`: the one that stands before it by then. */
export function kafkaOutages(proxy: () => FaultProxy): readonly Outage[] {
  const proxied = (name: string, fault: Fault, more: Partial<Outage> = {}): Outage => ({
    name,
    begin: () => proxy().set(fault),
    end: () => proxy().set({ kind: 'pass' }),
    ...more,
  })
  let cutting: NodeJS.Timeout | undefined
  return [
    proxied('refused', { kind: 'refuse' }, { short: true }),
    proxied('frozen', { kind: 'freeze' }, { short: true }),
    proxied('black-holed', { kind: 'black-hole' }),
    proxied('slow', { kind: 'delay', ms: 100 }),
    {
      name: 'cut again and again',
      begin: () => {
        cutting = setInterval(() => {
          proxy().cut()
        }, cutEveryMs)
      },
      end: () => {
        clearInterval(cutting)
      },
      short: true,
    },
  ]
}
