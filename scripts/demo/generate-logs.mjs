import { brokenRecords, services, writeLine } from './log-lines.mjs'
import { createRandom } from './random.mjs'

const minuteMs = 60_000

/**
 * What happens in the hour that the demo tells of: the database goes away for some minutes, which several services feel;
 * a sale brings a rush of orders; the mailer has a bad release at the end.
 *
 * @type {{ from: number, to: number, rush: number, trouble: Record<string, number> }[]} minutes; `rush` is how many times
 *   as much is written; `trouble` is how much of what a service writes is about it
 */
const incidents = [
  { from: 18, to: 27, rush: 2.5, trouble: { orders: 0.6, payments: 0.7, gateway: 0.4, inventory: 0.3 } },
  { from: 40, to: 44, rush: 4, trouble: { gateway: 0.1 } },
  { from: 52, to: 56, rush: 1.2, trouble: { mailer: 0.8 } },
]

/**
 * An hour of logs of several services, with bursts, stack traces and a few broken records; the same for the same options.
 *
 * @param {{ seed: number, endMs: number, records: number, minutes?: number }} options `endMs`: when the hour ends, in ms
 *   since 1970; `records`: about how many
 * @returns {{ key: string, value: string }[][]} one list for each minute, in the order of time
 */
export function generateLogs({ seed, endMs, records, minutes = 60 }) {
  const random = createRandom(seed)
  const weights = Array.from({ length: minutes }, (_, minute) => {
    const rush = at(minute)?.rush ?? 1
    return rush * (0.7 + random.next() * 0.6)
  })
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return weights.map((weight, minute) => {
    const startMs = endMs - (minutes - minute) * minuteMs
    const lines = Array.from({ length: Math.round((records * weight) / sum) }, () =>
      oneLine(random, startMs + random.whole(0, minuteMs - 1), at(minute)?.trouble ?? {}),
    ).sort((a, b) => a.timeMs - b.timeMs)
    const values = lines.map(({ service, ...line }) => ({
      key: service,
      value: writeLine({ service, ...line }),
    }))
    return minute === 30 ? [...values, ...broken()] : values
  })
}

/** @returns {{ fromMs: number, toMs: number }} sixty whole minutes */
export function lastHour() {
  const toMs = Math.floor(Date.now() / minuteMs) * minuteMs
  return { fromMs: toMs - 60 * minuteMs, toMs }
}

function broken() {
  return brokenRecords.map((value) => ({ key: 'unknown', value }))
}

function at(minute) {
  return incidents.find(({ from, to }) => minute >= from && minute < to)
}

const usualWeights = Object.entries(services).map(([service, kinds]) => ({
  service,
  weight: kinds.reduce((sum, { usual }) => sum + usual, 0),
}))

function oneLine(random, timeMs, trouble) {
  const { service } = weighted(random, usualWeights)
  const inTrouble = random.chance(trouble[service] ?? 0)
  const kinds = services[service].map((kind) => ({
    kind,
    weight: inTrouble ? (kind.trouble ?? 0) : kind.usual,
  }))
  const { kind } = weighted(random, kinds)
  return { service, level: kind.level, message: kind.text(random), timeMs, trace: random.hex(16) }
}

function weighted(random, options) {
  const total = options.reduce((sum, { weight }) => sum + weight, 0)
  let left = random.next() * total
  for (const option of options) {
    left -= option.weight
    if (left < 0) return option
  }
  return options.at(-1)
}
