import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sharedStack } from '../support/stack.js'
import { measurableRate } from './support/outages.js'
import { Lab, objections, summary } from './support/lab.js'
import { createRefusingIndex, poisonedLab, type Poison } from './support/poison.js'

const stack = sharedStack()
const burst = { from: 600, count: 1000 } as const
const count = 3000

/** One in a hundred of each kind, and a burst. */
function kindOf(n: number): Poison {
  if (n >= burst.from && n < burst.from + burst.count) return 'undecodable'
  if (n % 100 === 17) return 'undecodable'
  if (n % 100 === 37) return 'nlp-rejected'
  return n % 100 === 57 ? 'document-rejected' : 'good'
}

describe('poison', () => {
  it(
    'one in a hundred of each kind and a burst of 1,000 end in the dead letter topic, once each and with the right reason, and the others flow',
    { skip: stack.skip },
    async (t) => {
      const lab = await Lab.open(t, {
        servers: stack,
        ...poisonedLab(count, kindOf),
      })
      await createRefusingIndex(lab)
      const meter = lab.meter(lab.start())
      await lab.checker.indexed(100)
      const rate = await meter.measure(3000)
      const report = await lab.drained(90_000)
      lab.keep({ ...summary(report), rate })
      const bad = Array.from({ length: count }, (_, n) => kindOf(n)).filter((kind) => kind !== 'good')
      assert.deepEqual(objections(report, { deadLettered: bad.length }), [])
      assert.deepEqual(await lettersByReason(lab), countBy(bad))
      assert.equal(lab.nlp.answered.filter((text) => text.endsWith('undecodable')).length, 0)
      assert.ok(rate > 0.5 * measurableRate, `${rate} records/s`)
    },
  )
})

async function lettersByReason(lab: Lab): Promise<Record<string, number>> {
  const letters = await lab.kafka.consumeAll(lab.checker.deadLetterTopic)
  return countBy(letters.map(({ headers }) => String(headers?.['enrichd-reason'])))
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
